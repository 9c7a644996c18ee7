"""Reads the rows of an SQLite file page by page, without SQLite, so that a damaged page costs only what is on it.

Every row is looked for twice: in the leaves of its table, and in those of an index that holds all of its columns.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Found", "Row", "rows_on_pages"]

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


class _Broken(Exception):
    """A row that is not whole."""


@dataclass(frozen=True)
class Found:
    """A row, and where it was.

    Args:
        number: Its number in the table; None of an index.
        columns: What it holds.
    """

    number: int | None
    columns: Row


def rows_on_pages(data: bytes | memoryview) -> Iterator[Found]:
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

    def rows(self, number: int) -> Iterator[Found]:
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

    def _row(self, page: memoryview, place: int, kind: int) -> Found:
        if kind == _INDEX_INNER:
            place += 4  # the page with the smaller ones
        size, place = _number(page, place)
        row = None
        if kind == _TABLE_LEAF:
            row, place = _number(page, place)
            row = row - 2**64 if row >= 2**63 else row
        if size > min(_LARGEST, len(self.data)):
            raise _Broken
        return Found(row, _columns(self._content(page, place, size, kind)))

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
