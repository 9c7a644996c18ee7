"""One import into a preset library."""

import json
import sqlite3
from collections.abc import Callable, Iterable

from ..errors import MissingDependency, PresetError, UnknownName
from ._labels import FIELDS, read_entries
from ._vectors import Vectors, describe
from .entry import ImportReport, Label
from .formats import Rejected
from .preset import Preset
from .space import ParamSpace

__all__ = ["Adding"]

_INSERT_PRESET = "INSERT OR IGNORE INTO preset (layout, vector) VALUES (?, ?)"
_FIND_PRESET = "SELECT id FROM preset WHERE layout = ? AND vector = ?"
_INSERT_REST = "INSERT INTO rest (preset, data) VALUES (?, ?)"
_INSERT_LAYOUT = "INSERT OR IGNORE INTO layout (synth, parameters) VALUES (?, ?)"
_FIND_LAYOUT = "SELECT id FROM layout WHERE synth = ? AND parameters = ?"
_INSERT_LABEL = f"INSERT OR IGNORE INTO label (preset, {', '.join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_WORDS = f"INSERT INTO words (rowid, {', '.join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?)"


class Adding:
    """Presets on their way into a library, inside a transaction.

    Args:
        connection: To the library.
        space_of: Gives the parameters of a synth.
        source: Where the presets come from.
    """

    def __init__(self, connection: sqlite3.Connection, space_of: Callable[[str], ParamSpace], source: str) -> None:
        self._connection = connection
        self._space_of = space_of
        self._source = source
        self._layouts: dict[str, tuple[int, Vectors]] = {}
        self._ids: list[int] = []
        self._added = 0
        self._rejected: list[Rejected] = []

    def add(self, presets: Iterable[Preset]) -> ImportReport:
        """Adds those that fit their synth and makes them findable."""
        for number, preset in enumerate(presets, 1):
            try:
                self._ids.append(self._find_or_insert(preset))
            except (PresetError, UnknownName, MissingDependency) as error:
                self._rejected.append(Rejected(number, str(error), preset.name))
            else:
                self._label(preset)
        self._index()
        merged = len(self._ids) - self._added
        return ImportReport(tuple(self._ids), self._added, merged, tuple(self._rejected))

    def _find_or_insert(self, preset: Preset) -> int:
        layout, vectors = self._layout(preset.synth)
        row = [layout, vectors.pack(preset.values, preset.rest)]
        new = self._connection.execute(_INSERT_PRESET, row).rowcount
        number = self._connection.execute(_FIND_PRESET, row).fetchone()[0]
        if new and preset.rest:
            self._connection.execute(_INSERT_REST, [number, preset.rest])
        self._added += new
        return number

    def _layout(self, synth: str) -> tuple[int, Vectors]:
        if synth not in self._layouts:
            space = self._space_of(synth)
            row = [synth, describe(space)]
            self._connection.execute(_INSERT_LAYOUT, row)
            self._layouts[synth] = self._connection.execute(_FIND_LAYOUT, row).fetchone()[0], Vectors(space)
        return self._layouts[synth]

    def _label(self, preset: Preset) -> None:
        texts = [preset.name, preset.category, preset.author, json.dumps(preset.tags), self._source]
        self._connection.execute(_INSERT_LABEL, [self._ids[-1], *map(_clean, texts)])

    def _index(self) -> None:
        for entry in read_entries(self._connection, list(dict.fromkeys(self._ids))):
            texts = ["\n".join(dict.fromkeys(_words(label, field) for label in entry.labels)) for field in FIELDS]
            self._connection.execute("DELETE FROM words WHERE rowid = ?", [entry.id])
            self._connection.execute(_INSERT_WORDS, [entry.id, *texts])


def _words(label: Label, field: str) -> str:
    return " ".join(label.tags) if field == "tags" else getattr(label, field)


def _clean(text: str) -> str:
    """A file name may hold bytes that are no text; SQLite does not take them."""
    return text.encode("utf-8", "replace").decode()
