"""One import into a preset library."""

import sqlite3
from collections.abc import Callable, Iterable

from ..errors import MissingDependency, PresetError, UnknownName
from ._labels import write_label, write_words
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
        write_words(self._connection, list(dict.fromkeys(self._ids)))
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
        label = Label(preset.name, preset.category, preset.author, preset.tags, self._source)
        write_label(self._connection, self._ids[-1], label)
