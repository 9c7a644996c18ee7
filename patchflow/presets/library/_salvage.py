"""Puts the rows that are left of a damaged library together again: presets with their synths, states and labels."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from ...errors import StorageError
from ..space import ParamSpace
from ._pages import Row, rows_on_pages
from ._vectors import FINGERPRINT, Vectors, describe_space, space_from
from .entry import Label

__all__ = ["Salvage", "SavedPreset"]

_LOOKED_AT = 200  # presets of a layout, to find out whose they are


@dataclass(frozen=True)
class SavedPreset:
    """A preset of which everything is whole, but perhaps its state.

    Args:
        layout: Number of its layout.
        vector: Its values, see `Vectors`.
        state: See `Preset.state`.
        stateless: Whether it had a state, which is lost.
        labels: All that are left; none if all are lost.
    """

    layout: int
    vector: bytes
    state: bytes
    stateless: bool
    labels: tuple[Label, ...]


@dataclass
class Salvage:
    """The rows of a library, as they are found in its file, tables before indexes.

    A row may be found twice, and damage may have made two different ones of it: the first that is right counts.

    Args:
        layouts: Synths and descriptions of their parameters, by the layout's number.
        presets: Layouts and vectors, by the preset's number.
        labels: The presets they are of, and what they say, by the label's number.
        words: What the search index says of presets, by their number: a field is a text with a line for each label.
        states: States by their SHA-256.
        mentioned: The numbers of all presets that there are traces of in tables.
        last: The highest number that was ever given to a preset, as far as is known.
    """

    layouts: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    presets: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    labels: dict[int, tuple[int, Label]] = field(default_factory=dict)
    words: dict[int, Row] = field(default_factory=dict)
    states: dict[bytes, bytes] = field(default_factory=dict)
    mentioned: set[int] = field(default_factory=set)
    last: int = 0

    @classmethod
    def read(cls, data: bytes | memoryview) -> "Salvage":
        """Collects all rows of a file."""
        found = cls()
        of_indexes: list[Row] = []
        for row in rows_on_pages(data):
            if row.number is None:
                of_indexes.append(row.columns)
            else:
                found.take(row.number, row.columns)
        found.mentioned = {*found.presets, *found.words, *(preset for preset, _ in found.labels.values())}
        for columns in of_indexes:
            # An index of all columns holds them in the table's order, and then the row's number.
            number = columns[-1] if columns else None
            if isinstance(number, int):
                found.take(number, (None, *columns[:-1]))
        found.last = max([found.last, *found.mentioned])
        return found

    def take(self, number: int, columns: Row) -> None:
        """Keeps a row of the table that it looks like; what it is not whole in comes out later."""
        match columns:
            case (None, str(synth), str(parameters)):
                self.layouts.setdefault(number, []).append((synth, parameters))
            case (None, int(layout), bytes(vector)):
                self.presets.setdefault(number, []).append((layout, vector))
            case (None, int(preset), str(name), str(category), str(author), str(tags), str(source)):
                with suppress(ValueError, TypeError):
                    label = Label(name, category, author, tuple(map(str, json.loads(tags))), source)
                    self.labels.setdefault(number, (preset, label))
            case (None, str(), str(), str(), str(), str()):
                self.words.setdefault(number, columns[1:])
            case (None, bytes(data)):
                # A state, or a part of the search index. A state is known by its fingerprint.
                self.states[hashlib.sha256(data).digest()] = data
            case ("preset", int(last)):
                self.last = max(self.last, last)

    def spaces(self, known: Iterable[tuple[str, ParamSpace]]) -> dict[int, tuple[str, ParamSpace]]:
        """Returns the synth and the space of each layout that presets are of and that can be told.

        Args:
            known: The synths there are, with their parameters, for layouts that are lost.
        """
        vectors: dict[int, list[bytes]] = {}
        for candidates in self.presets.values():
            for layout, vector in candidates:
                vectors.setdefault(layout, []).append(vector)
        there = [(synth, describe_space(space)) for synth, space in known]
        found: dict[int, tuple[str, ParamSpace]] = {}
        for layout, of_it in vectors.items():
            # one that a synth still has before one that damage may have changed
            own = sorted(self.layouts.get(layout, []), key=lambda pair: pair not in there)
            best = max(own or there, key=lambda pair: _fitting(pair[1], of_it), default=None)
            if best and _fitting(best[1], of_it):
                found[layout] = (best[0], space_from(best[1]))
        return found

    def saved(self, spaces: dict[int, tuple[str, ParamSpace]]) -> dict[int, SavedPreset]:
        """Returns the presets that are whole, by number.

        Args:
            spaces: From `spaces`.
        """
        vectors = {layout: Vectors(space) for layout, (_, space) in spaces.items()}
        labels: dict[int, list[Label]] = {}
        for _, (preset, label) in sorted(self.labels.items()):
            labels.setdefault(preset, []).append(label)
        saved: dict[int, SavedPreset] = {}
        for number, candidates in sorted(self.presets.items()):
            # that on which table and index agree before one that is found once
            for layout, vector in sorted(candidates, key=candidates.count, reverse=True):
                if number > 0 and layout in vectors and _is_whole(vectors[layout], vector):
                    own = labels.get(number) or self._from_words(number)
                    saved[number] = self._saved(layout, vector, vectors[layout].has_state(vector), own)
                    break
        return saved

    def _saved(self, layout: int, vector: bytes, has_state: bool, labels: list[Label]) -> SavedPreset:
        state = self.states.get(vector[-FINGERPRINT:], b"") if has_state else b""
        if has_state and not state:
            return SavedPreset(layout, vector[:-FINGERPRINT], b"", True, tuple(labels))
        return SavedPreset(layout, vector, state, False, tuple(labels))

    def _from_words(self, number: int) -> list[Label]:
        """What the search index remembers of a preset: of each field what its first label said."""
        first = [str(text).partition("\n")[0] for text in self.words.get(number, ())]
        if not any(first):
            return []
        name, category, author, _, source = first
        return [Label(name, category, author, source=source)]


def _fitting(description: str, vectors: list[bytes]) -> int:
    """How many of the presets of a layout may be of a synth, of those that are looked at."""
    with suppress(StorageError):
        packed = Vectors(space_from(description))
        return sum(_is_whole(packed, vector) for vector in vectors[:_LOOKED_AT])
    return 0


def _is_whole(vectors: Vectors, vector: bytes) -> bool:
    with suppress(StorageError):
        vectors.unpack(vector)
        return True
    return False
