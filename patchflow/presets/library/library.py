"""A library of presets on this computer: add, search, take out."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ...errors import MissingDependency, OptionError, PresetError, StorageError, UnknownName
from ...storage import user_folder
from ..formats import Rejected
from ..preset import Preset
from ..space import ParamSpace
from ._database import Damaged, changing, opened, require_bytes
from ._labels import hints_for, matching, read_entries, stored_labels, write_label, write_words
from ._vectors import Vectors, describe_space, measures_size, pack_sounds, space_from, unpack_prints, unpack_sounds
from .entry import Entry, Hint, ImportReport, Label, Restored, Sounds

__all__ = ["Adding", "Library", "default_path"]


def default_path() -> Path:
    """Returns where the user's library lies: `$PATCHFLOW_LIBRARY` or a file in the user's data folder.

    Raises:
        StorageError: If there is no such folder, see `user_folder`.
    """
    chosen = os.environ.get("PATCHFLOW_LIBRARY")
    return Path(chosen) if chosen else user_folder() / "library.sqlite"


class Library:
    """Presets of any synths in one SQLite file, each set of values once.

    Several programs and threads may use a library at once: a change is made whole or not at all,
    and waits for those of others. Nothing stays open between calls. `add` makes the file if there
    is none; everything else needs one.

    Args:
        path: The file; `default_path()` if not given.
        notice: Is told, in a line, which program is waited for and where a copy of an older version is kept.

    Raises:
        StorageError: By every method, if the file is missing, damaged, not a library, made by a
            newer patchflow, or not writable where it must be.

    Example:
        >>> import tempfile
        >>> from patchflow.presets import dx7
        >>> init = dx7.SPACE.decode(dx7.SPACE.default())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     library = Library(Path(folder, "library.sqlite"))
        ...     report = library.add([Preset("dexed", init, name="SYNBRASS 1")], lambda synth: dx7.SPACE)
        ...     [entry.name for entry in library.search("brass")]
        ['SYNBRASS 1']
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, notice: Callable[[str], None] = lambda _: None
    ) -> None:
        self.path = default_path() if path is None else Path(path)
        self._notice = notice

    def __len__(self) -> int:
        with opened(self.path, self._notice) as connection:
            return connection.execute("SELECT count(*) FROM preset").fetchone()[0]

    def last(self) -> int:
        """Returns the highest number of a preset, 0 if there is none; those that come in later have higher ones."""
        with opened(self.path, self._notice) as connection:
            return connection.execute("SELECT max(id) FROM preset").fetchone()[0] or 0

    def add(self, presets: Iterable[Preset], space_of: Callable[[str], ParamSpace], source: str = "") -> ImportReport:
        """Adds presets; one with exactly the values and the state of another only adds its names to it.

        Args:
            presets: From any source; those that do not fit are rejected.
            space_of: Gives the parameters of a synth, e.g. `lambda synth: engines[synth].space`.
            source: Where they come from, e.g. a file name, to be shown and found.
        """
        with changing(self.path, create=True, notice=self._notice) as connection:
            return Adding(connection, space_of, source).add(presets)

    def annotate(self, labels: Mapping[int, Label]) -> None:
        """Adds labels to presets; each replaces the earlier label of its source.

        Args:
            labels: By number of the preset. The source says where a label comes from, e.g. `"measured"`.

        Raises:
            UnknownName: If a preset is not there.
        """
        with changing(self.path, notice=self._notice) as connection:
            _require(connection, list(labels))
            for number, label in labels.items():
                connection.execute("DELETE FROM label WHERE preset = ? AND source = ?", [number, label.source])
                write_label(connection, number, label)
            write_words(connection, list(labels))

    def search(
        self, text: str = "", *, synth: str = "", category: str = "", author: str = "", limit: int | None = None
    ) -> tuple[Entry, ...]:
        """Finds presets.

        Args:
            text: Words or parts of words, all of which occur in names, categories, authors, tags
                or sources, in small or capital letters; "" finds everything.
            synth: Only presets of this synth.
            category: Only presets of this category.
            author: Only presets of this author.
            limit: Return no more than this; all if not given.

        Returns:
            The best first: those with the words in a short name.

        Raises:
            OptionError: If `limit` is below 1.
        """
        if limit is not None and limit < 1:
            raise OptionError(f"limit={limit}: not 1 or more")
        with opened(self.path, self._notice) as connection:
            ids = matching(connection, text, synth, category, author, limit=limit)
            return read_entries(connection, ids)

    def entry(self, id: int) -> Entry:  # noqa: A002
        """Returns all that is known of a preset but its values.

        Raises:
            UnknownName: If there is no such preset.
        """
        with opened(self.path, self._notice) as connection:
            _require(connection, [id])
            return read_entries(connection, [id])[0]

    def entries(self, ids: Sequence[int]) -> tuple[Entry, ...]:
        """Returns all that is known of presets but their values, in the order of `ids`.

        Raises:
            StorageError: If one of them is not there.
        """
        with opened(self.path, self._notice) as connection:
            return read_entries(connection, ids)

    def get(self, id: int) -> Preset:  # noqa: A002
        """Returns a preset with its values and its first name, category and author.

        Raises:
            UnknownName: If there is no such preset.
        """
        with opened(self.path, self._notice) as connection:
            _require(connection, [id])
            return _presets(connection, [id])[id]

    def presets(self, ids: Sequence[int]) -> dict[int, Preset]:
        """Returns many presets by their numbers, each as by `get`; those that are not there are left out."""
        with opened(self.path, self._notice) as connection:
            return _presets(connection, ids)

    def hints(self, text: str = "", *, synth: str = "", category: str = "", author: str = "") -> tuple[Hint, ...]:
        """Returns why a search, see `search`, finds nothing: which of its words no preset has, and what is like them.

        Returns:
            Empty if each of the words and filters alone finds something.
        """
        with opened(self.path, self._notice) as connection:
            return hints_for(connection, text, {"synth": synth, "category": category, "author": author})

    def remove(self, ids: Sequence[int]) -> None:
        """Takes presets out, all or none; `undo` brings them back until others are removed.

        Raises:
            UnknownName: If one of them is not there.
        """
        with changing(self.path, notice=self._notice) as connection:
            _require(connection, ids)
            _remove(connection, ids)

    def undo(self) -> tuple[Restored, ...]:
        """Brings the presets of the last removal back, with their numbers and all that belonged to them.

        Returns:
            What became of each; none if there is nothing to bring back.
        """
        with changing(self.path, notice=self._notice) as connection:
            return _restore(connection)

    def sounds(self, ear: str, width: int, measures: int) -> Sounds:
        """Returns what all presets sound like, as far as that is known.

        Args:
            ear: The version of the ear; what another one said is as if nobody had listened.
            width: Numbers of a vector of the ear.
            measures: How many things are measured.
        """
        with opened(self.path, self._notice) as connection:
            rows = connection.execute(_SOUNDS, [measures_size(measures), ear]).fetchall()
        known, vectors, measured = unpack_sounds([row[2:] for row in rows], width, measures)
        ids = np.array([row[0] for row in rows], np.int64)
        return Sounds(ids, np.array([row[1] for row in rows], object), known, vectors, measured)

    def prints(self, ear: str, ids: Sequence[int], measures: int, size: int) -> np.ndarray:
        """Returns fingerprints of presets, uint8, shape `(N, size)`, with 255 everywhere where there is none.

        Args:
            ear: The version of the ear that listened to them.
            ids: Numbers of the presets.
            measures: How many things are measured beside.
            size: Bytes of each.
        """
        with opened(self.path, self._notice) as connection:
            found = dict(connection.execute(_PRINTS, [measures_size(measures) + 1, ear, json.dumps(list(ids))]))
        return unpack_prints([found.get(number) for number in ids], size)

    def keep_sounds(
        self, ear: str, ids: Sequence[int], vectors: np.ndarray, measures: np.ndarray, prints: np.ndarray | None = None
    ) -> None:
        """Stores what presets sound like, in place of what was known of them; those that are gone are left out.

        Args:
            ear: The version of the ear.
            ids: Numbers of the presets.
            vectors: What the ear says, each of length 1 or zeros, shape `(N, width)`.
            measures: What is measured, shape `(N, M)`.
            prints: Fingerprints, uint8, a multiple of four bytes each.
        """
        with changing(self.path, notice=self._notice) as connection:
            for number, packed in zip(ids, pack_sounds(vectors, measures, prints), strict=True):
                connection.execute(_KEEP_SOUND, [number, ear, *packed, number])

    def ids(self, synth: str) -> tuple[int, ...]:
        """Returns the numbers of all presets of a synth, ascending."""
        with opened(self.path, self._notice) as connection:
            return tuple(id_ for (id_,) in connection.execute(_IDS_OF_SYNTH, [synth]))

    def points(self, synth: str, space: ParamSpace) -> np.ndarray:
        """Returns all presets of a synth, encoded.

        Args:
            synth: Name of the engine.
            space: Its parameters.

        Returns:
            Shape `(N, P)`, in the order of `ids`.

        Raises:
            StorageError: If there are presets with other parameters, from another version of the synth.
        """
        with opened(self.path, self._notice) as connection:
            layouts = [layout for (layout,) in connection.execute(_LAYOUTS_OF_SYNTH, [synth])]
            vectors = [vector for (vector,) in connection.execute(_VECTORS_OF_SYNTH, [synth])]
            if any(other != describe_space(space) for other in layouts):
                raise StorageError(
                    f"{self.path}: holds presets of another version of {synth!r}. Remove or re-import them."
                )
            require_bytes(vectors)
            return Vectors(space).points(vectors)


def _presets(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, Preset]:
    rows = connection.execute(_CONTENT, [json.dumps(list(ids))]).fetchall()
    entries = read_entries(connection, [number for number, *_ in rows])
    vectors_of = {layout: Vectors(space_from(layout)) for layout in dict.fromkeys(row[1] for row in rows)}
    found: dict[int, Preset] = {}
    for entry, (number, layout, vector, state) in zip(entries, rows, strict=True):
        require_bytes([vector, b"" if state is None else state])
        values = vectors_of[layout].unpack(vector)
        if not vectors_of[layout].is_of(vector, state or b""):
            raise Damaged("the state of a preset is not what was stored")
        found[number] = Preset(entry.synth, values, entry.name, entry.category, entry.author, entry.tags, state or b"")
    return found


_SOUNDS = """SELECT preset.id, synth, sound.vector, substr(sound.measures, 1, ?) FROM preset
JOIN layout ON layout.id = layout LEFT JOIN sound ON sound.preset = preset.id AND ear = ? ORDER BY preset.id"""
_PRINTS = """SELECT preset, substr(measures, ?) FROM sound WHERE ear = ?
AND preset IN (SELECT value FROM json_each(?))"""
_KEEP_SOUND = "INSERT OR REPLACE INTO sound SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM preset WHERE id = ?)"
_CONTENT = """SELECT preset.id, parameters, vector, rest.data FROM preset JOIN layout ON layout.id = layout
LEFT JOIN rest ON rest.preset = preset.id WHERE preset.id IN (SELECT value FROM json_each(?))"""
_IDS_OF_SYNTH = "SELECT preset.id FROM preset JOIN layout ON layout.id = layout WHERE synth = ? ORDER BY preset.id"
_LAYOUTS_OF_SYNTH = "SELECT DISTINCT parameters FROM preset JOIN layout ON layout.id = layout WHERE synth = ?"
_VECTORS_OF_SYNTH = """SELECT vector FROM preset WHERE layout IN (SELECT id FROM layout WHERE synth = ?) ORDER BY id"""


def _require(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    last = connection.execute("SELECT max(id) FROM preset").fetchone()[0] or 0
    for id_ in ids:
        there = 0 < id_ <= last and connection.execute("SELECT 1 FROM preset WHERE id = ?", [id_]).fetchone()
        if not there:
            raise UnknownName("preset", str(id_), [f"numbers up to {last}"] if last else [])


_INSERT_PRESET = "INSERT OR IGNORE INTO preset (layout, vector) VALUES (?, ?)"
_FIND_PRESET = "SELECT id FROM preset WHERE layout = ? AND vector = ?"
_INSERT_STATE = "INSERT INTO rest (preset, data) VALUES (?, ?)"
_INSERT_LAYOUT = "INSERT OR IGNORE INTO layout (synth, parameters) VALUES (?, ?)"
_FIND_LAYOUT = "SELECT id FROM layout WHERE synth = ? AND parameters = ?"


class Adding:
    """Adds presets to a library, inside a transaction.

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
        """Adds the presets that fit their synth, and puts their words into the index."""
        for number, preset in enumerate(presets, 1):
            try:
                self._ids.append(self._find_or_insert(preset))
            except (PresetError, UnknownName, MissingDependency) as error:
                self._rejected.append(Rejected(number, str(error), preset.name))
            else:
                self._label(preset)
        write_words(self._connection, list(dict.fromkeys(self._ids)))
        merged = len(self._ids) - self._added
        return ImportReport(tuple(self._ids), self._added, merged, tuple(self._rejected))

    def _find_or_insert(self, preset: Preset) -> int:
        layout, vectors = self._layout(preset.synth)
        row = [layout, vectors.pack(preset.values, preset.state)]
        # OR IGNORE changes no row where the same preset is there, so the count is 0 or 1
        new = self._connection.execute(_INSERT_PRESET, row).rowcount
        number = self._connection.execute(_FIND_PRESET, row).fetchone()[0]
        if new and preset.state:
            self._connection.execute(_INSERT_STATE, [number, preset.state])
        self._added += new
        return number

    def _layout(self, synth: str) -> tuple[int, Vectors]:
        if synth not in self._layouts:
            space = self._space_of(synth)
            row = [synth, describe_space(space)]
            self._connection.execute(_INSERT_LAYOUT, row)
            (layout,) = self._connection.execute(_FIND_LAYOUT, row).fetchone()
            self._layouts[synth] = (layout, Vectors(space))
        return self._layouts[synth]

    def _label(self, preset: Preset) -> None:
        label = Label(preset.name, preset.category, preset.author, preset.tags, self._source)
        write_label(self._connection, self._ids[-1], label)


_KEEP = """INSERT INTO removed (preset, layout, vector, state, labels)
SELECT preset.id, layout, vector, rest.data, ? FROM preset LEFT JOIN rest ON rest.preset = preset.id
WHERE preset.id = ?"""


def _remove(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Takes presets out that are there; those that were removed before cannot be brought back any more."""
    connection.execute("DELETE FROM sound WHERE preset IN (SELECT preset FROM removed)")
    connection.execute("DELETE FROM removed")
    for entry in read_entries(connection, list(dict.fromkeys(ids))):
        labels = [asdict(label) for label in entry.labels]
        connection.execute(_KEEP, [json.dumps(labels), entry.id])
    # Labels and states go with the preset (ON DELETE CASCADE); the full-text table knows no such rule.
    rows = [(id_,) for id_ in ids]
    connection.executemany("DELETE FROM words WHERE rowid = ?", rows)
    connection.executemany("DELETE FROM preset WHERE id = ?", rows)


_REMOVED = "SELECT preset, layout, vector, state, labels FROM removed ORDER BY preset"
_INSERT_NUMBERED = "INSERT OR IGNORE INTO preset (id, layout, vector) VALUES (?, ?, ?)"


def _restore(connection: sqlite3.Connection) -> tuple[Restored, ...]:
    """Brings the presets of the last removal back."""
    restored: list[Restored] = []
    for was, layout, vector, state, text in connection.execute(_REMOVED).fetchall():
        labels = stored_labels(text)
        # The number is free, since none is given twice. But the same preset may have been imported
        # again meanwhile, under another number: then only its labels come back.
        new = connection.execute(_INSERT_NUMBERED, [was, layout, vector]).rowcount
        (number,) = connection.execute(_FIND_PRESET, [layout, vector]).fetchone()
        if new and state is not None:
            connection.execute(_INSERT_STATE, [number, state])
        if number != was:
            connection.execute("UPDATE OR IGNORE sound SET preset = ? WHERE preset = ?", [number, was])
            connection.execute("DELETE FROM sound WHERE preset = ?", [was])
        for label in labels:
            write_label(connection, number, label)
        restored.append(Restored(number, was, next((label.name for label in labels if label.name), "")))
    write_words(connection, [preset.id for preset in restored])
    connection.execute("DELETE FROM removed")
    return tuple(restored)
