"""Rescues a damaged library: what is whole goes into a new file, and the old one is kept beside it."""

import mmap
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ...errors import StorageError
from ...storage import reason
from ..space import ParamSpace
from ._database import faults_told, held, refuse_other_kinds
from ._labels import write_label, write_words
from ._salvage import Salvage, SavedPreset
from ._tables import free_name, make_tables, temporary_name
from ._vectors import describe_space
from .entry import Label

__all__ = ["Rescue", "repair_library"]


@dataclass(frozen=True)
class Rescue:
    """What was saved of a library.

    Args:
        kept: Where the damaged file is now; None if the library was whole, and nothing was done.
        presets: How many presets were saved.
        lost: How many more there were, as far as what is left of the file tells.
        labels: How many of their labels were saved.
        unnamed: Saved presets of which all labels are lost.
        stateless: Saved presets that had a state, see `Preset.state`, which is lost.
    """

    kept: Path | None
    presets: int = 0
    lost: int = 0
    labels: int = 0
    unnamed: int = 0
    stateless: int = 0


def repair_library(
    path: Path,
    spaces: Callable[[], Iterable[tuple[str, ParamSpace]]],
    notice: Callable[[str], None] = lambda _: None,
) -> Rescue:
    """Saves what is whole in a library, if it is damaged; what could be brought back with `undo` is not kept.

    Args:
        path: The library.
        spaces: Gives the synths there are and their parameters, for presets whose own description of these is lost.
        notice: Is told who is waited for.

    Raises:
        StorageError: If there is nothing to save, or the file is no library, cannot be read or replaced, or is of a
            newer patchflow.
    """
    refuse_other_kinds(path)
    if not path.exists() or not path.stat().st_size:
        raise StorageError(f"there is no preset library at {path}")
    path = path.resolve()  # a link stays a link
    with faults_told(path), held(path, notice) as whole:
        if whole:
            return Rescue(None)
        found = Salvage.read(_content(path))
        synths = found.spaces(spaces())
        saved = found.saved(synths)
        if not saved:
            raise StorageError(f"{path}: no preset is left in this file. It was not changed.")
        new = temporary_name(path)
        try:
            layouts = {number: (synth, describe_space(space)) for number, (synth, space) in synths.items()}
            labels = _write(new, layouts, saved, found.last)
            kept = _swap(path, new)
        except OSError as error:
            raise StorageError(f"cannot write beside {path}: {reason(error)}. It was not changed.") from error
        finally:
            new.unlink(missing_ok=True)
    return Rescue(
        kept,
        presets=len(saved),
        lost=len(found.mentioned - set(saved)),
        labels=labels,
        unnamed=sum(not preset.labels for preset in saved.values()),
        stateless=sum(preset.stateless for preset in saved.values()),
    )


def _content(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _write(path: Path, layouts: dict[int, tuple[str, str]], saved: dict[int, SavedPreset], last: int) -> int:
    """Makes a library; returns how many labels it has."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")  # nobody else knows this file yet
        connection.execute("BEGIN")
        make_tables(connection)
        for number, texts in layouts.items():
            connection.execute("INSERT INTO layout VALUES (?, ?, ?)", [number, *texts])
        numbers: list[int] = []
        for number, preset in saved.items():
            own = _write_preset(connection, number, preset)
            numbers.append(own)
            for label in preset.labels or [Label()]:
                write_label(connection, own, label)
        write_words(connection, list(dict.fromkeys(numbers)))
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'preset'", [last])
        connection.execute("COMMIT")
        (count,) = connection.execute("SELECT count(*) FROM label").fetchone()
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return count - sum(not preset.labels for preset in saved.values())


def _write_preset(connection: sqlite3.Connection, number: int, preset: SavedPreset) -> int:
    """Returns its number: that of another preset if it equals this one, now that its state is lost."""
    row = [preset.layout, preset.vector]
    new = connection.execute("INSERT OR IGNORE INTO preset VALUES (?, ?, ?)", [number, *row]).rowcount
    if new and preset.state:
        connection.execute("INSERT INTO rest VALUES (?, ?)", [number, preset.state])
    own = connection.execute("SELECT id FROM preset WHERE layout = ? AND vector = ?", row).fetchone()[0]
    if preset.sound is not None:
        connection.execute("INSERT OR IGNORE INTO sound VALUES (?, ?, ?, ?)", [own, *preset.sound])
    return own


def _swap(path: Path, new: Path) -> Path:
    """Puts the new file in place of the old one, which gets a name with the date."""
    kept = free_name(path.with_name(f"{path.stem}.damaged-{date.today().isoformat()}{path.suffix}"))
    shutil.copymode(path, new)
    try:
        os.link(path, kept)  # under both names for a moment, so that at no time there is no library
    except OSError:  # a disk without links
        shutil.copy2(path, kept)
    # What SQLite would still do to the old file must never be done to the new one.
    for ending in ("-journal", "-wal", "-shm"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + ending))
    new.replace(path)
    return kept
