"""Reads what is left of a damaged library, without SQLite, and puts presets together again, with all they had.

The file is read page by page, so that a damaged page costs only what is on it. Every row is looked for twice: in the
leaves of its table, and in those of an index that holds all of its columns.
"""

import hashlib
import json
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ...errors import StorageError
from ..space import ParamSpace
from ._vectors import FINGERPRINT, Vectors, describe_space, is_sound, space_from
from .entry import Label

__all__ = ["Salvage", "SavedPreset", "rows_on_pages"]

Row = tuple[int | float | str | bytes | None, ...]
"""The columns of a row; those of an index end with the number of the row in its table."""

_MAGIC = b"SQLite format 3\0"
_SIZES = [512 << shift for shift in range(8)]  # bytes that a page may have
_USUAL = 4096
_LEAST = 480  # bytes of a page that must be usable
_TRIED = 200  # pages that are read to find out their size
_HEADER = 100  # bytes at the beginning of the first page
_TABLE_LEAF = 13
_INDEX_LEAF = 10
_INDEX_INNER = 2  # the inner pages of an index hold rows too
_LARGEST = 2**30  # bytes of a row
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes of an integer, by its type
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
        sound: The version of an ear, and the bytes of what the preset sounds like, see `pack_sounds`; None if lost.
    """

    layout: int
    vector: bytes
    state: bytes
    stateless: bool
    labels: tuple[Label, ...]
    sound: tuple[str, bytes, bytes] | None = None


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
        sounds: What presets sound like, by their number, see `SavedPreset.sound`.
        mentioned: The numbers of all presets that there are traces of in tables.
        last: The highest number that was ever given to a preset, as far as is known.
    """

    layouts: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    presets: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    labels: dict[int, tuple[int, Label]] = field(default_factory=dict)
    words: dict[int, Row] = field(default_factory=dict)
    states: dict[bytes, bytes] = field(default_factory=dict)
    sounds: dict[int, tuple[str, bytes, bytes]] = field(default_factory=dict)
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
            case (None, str(ear), bytes(vector), bytes(measures)):
                if is_sound(vector, measures):
                    self.sounds.setdefault(number, (ear, vector, measures))
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
                    preset = self._saved(layout, vector, vectors[layout].has_state(vector), own)
                    saved[number] = replace(preset, sound=None if preset.stateless else self.sounds.get(number))
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


class _Broken(Exception):
    """A row that is not whole."""


@dataclass(frozen=True)
class FoundRow:
    """A row, and where it was.

    Args:
        number: Its number in the table; None of an index.
        columns: What it holds.
    """

    number: int | None
    columns: Row


def rows_on_pages(data: bytes | memoryview) -> Iterator[FoundRow]:
    """Yields all rows that are whole, those of tables and those of indexes, in no order.

    Args:
        data: The content of the file; its header may be damaged.
    """
    # the size of a page that the header gives may be wrong itself
    pages = max([_Pages(data, _size_of_pages(data)), _Pages(data, _USUAL)], key=_Pages.yields)
    unused = pages.unused()
    for number in range(1, pages.count + 1):
        if number in unused:  # what was deleted still lies there
            continue
        yield from pages.rows(number)


class _Pages:
    def __init__(self, data: bytes | memoryview, size: int) -> None:
        self.data = memoryview(data)
        self.size = size
        self.count = len(data) // size
        # at the end of each page some bytes may be kept free, for programs that encrypt
        spare = data[20] if len(data) > 20 and bytes(data[:16]) == _MAGIC else 0
        self.usable = size - (spare if spare <= size - _LEAST else 0)

    def yields(self) -> int:
        """How many rows are found on the first pages."""
        return sum(len(list(self.rows(number))) for number in range(1, min(self.count, _TRIED) + 1))

    def page(self, number: int) -> memoryview:
        if not 1 <= number <= self.count:
            raise _Broken
        return self.data[(number - 1) * self.size : number * self.size]

    def unused(self) -> set[int]:
        """The pages of the free list, as far as that can be followed."""
        found: set[int] = set()
        trunk = int.from_bytes(self.data[32:36], "big")
        while 1 < trunk <= self.count and trunk not in found:
            found.add(trunk)
            page = self.page(trunk)
            following, count = struct.unpack_from(">II", page)
            if count > self.usable // 4 - 2:
                break
            found.update(struct.unpack_from(f">{count}I", page, 8))
            trunk = following
        return found

    def rows(self, number: int) -> Iterator[FoundRow]:
        """The rows on a page; none if it is of another kind."""
        page = self.page(number)
        start = _HEADER if number == 1 else 0
        kind = page[start]
        if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER):
            return
        (count,) = struct.unpack_from(">H", page, start + 3)
        first = start + (12 if kind == _INDEX_INNER else 8)
        for place in range(first, min(first + 2 * count, self.usable - 1), 2):
            (cell,) = struct.unpack_from(">H", page, place)
            try:
                yield self._row(page, cell, kind)
            except (_Broken, IndexError, ValueError, struct.error):
                continue

    def _row(self, page: memoryview, place: int, kind: int) -> FoundRow:
        if kind == _INDEX_INNER:
            place += 4  # the page with the smaller ones
        size, place = _number(page, place)
        row = None
        if kind == _TABLE_LEAF:
            row, place = _number(page, place)
            row = row - 2**64 if row >= 2**63 else row
        if size > min(_LARGEST, len(self.data)):
            raise _Broken
        return FoundRow(row, _columns(self._content(page, place, size, kind)))

    def _content(self, page: memoryview, place: int, size: int, kind: int) -> bytes:
        """The bytes of a row, of which a long one has only the beginning on its page."""
        # https://www.sqlite.org/fileformat2.html#b_tree_pages says how much that is
        most = self.usable - 35 if kind == _TABLE_LEAF else (self.usable - 12) * 64 // 255 - 23
        here = size
        if size > most:
            least = (self.usable - 12) * 32 // 255 - 23
            here = least + (size - least) % (self.usable - 4)
            here = here if here <= most else least
        parts = [bytes(page[place : place + here])]
        left = size - len(parts[0])
        following = int.from_bytes(page[place + here : place + here + 4], "big")
        while left > 0:
            more = self.page(following)
            parts.append(bytes(more[4 : min(4 + left, self.usable)]))
            left -= len(parts[-1])
            following = int.from_bytes(more[:4], "big")
        return b"".join(parts)


def _size_of_pages(data: bytes | memoryview) -> int:
    size = int.from_bytes(data[16:18], "big")
    size = 65536 if size == 1 else size
    return size if size in _SIZES else _USUAL


def _columns(content: bytes) -> Row:
    header, place = _number(content, 0)
    kinds = []
    while place < header:
        kind, place = _number(content, place)
        kinds.append(kind)
    if place != header:
        raise _Broken
    columns = []
    for kind in kinds:
        size = _size(kind)
        columns.append(_column(kind, content[place : place + size]))
        place += size
    if place != len(content):  # a row that is whole fills its bytes exactly
        raise _Broken
    return tuple(columns)


def _size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGERS.get(kind, 0)


def _column(kind: int, data: bytes) -> int | float | str | bytes | None:
    if kind >= 12:
        return data.decode() if kind % 2 else data
    if kind in (0, 8, 9):
        return None if kind == 0 else kind - 8
    if kind == 7:
        return struct.unpack(">d", data)[0]
    if kind not in _INTEGERS:
        raise _Broken
    return int.from_bytes(data, "big", signed=True)


def _number(data: bytes | memoryview, place: int) -> tuple[int, int]:
    """An integer of one to nine bytes, the higher ones first, and the place behind it."""
    value = 0
    for _ in range(8):
        byte = data[place]
        place += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place
    return value << 8 | data[place], place + 1
