"""What very many presets need: entries read on demand, texts in which parts of words are found, an index of vectors.

The index is one of the package voyager. It is kept beside the library, completed, and made anew if need be.
"""

import bisect
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, overload

import numpy as np

from ..errors import MissingDependency, StorageError
from ..parsing import json_value
from ..presets import Entry
from ..progress import Progress, ProgressCallback, TellCallback, ignore, tell_nobody
from ..storage import json_text, write_atomically

__all__ = ["INDEXED_FROM", "EntriesOnDemand", "FieldValues", "Index", "Texts", "entries_at"]

INDEXED_FROM = 500_000
"""Presets up to which all are compared, which is exact and takes a few hundredths of a second."""

_FORMAT = "patchflow index 1"
_HEADER = 1_000  # bytes that a header has at most
_LINKS = 12  # of a vector to others, in the index
_DEPTH_MADE = 100  # vectors that are looked at for the links of one
_DEPTH_ASKED = 200  # and for one query
_MORE = 10  # times as many are asked for as are wanted: the index has vectors of 8 bits, and the best are then compared
_CHUNK = 20_000  # vectors that are added before somebody is told
_ONE_BY_ONE = 2_000  # in a graph this small, one of two vectors that are added at once may be left without a link to it
_EVERY = 100  # rows of which one is compared with what is in the index
_SAME = 0.95  # cosine of a vector and itself in the index, where it has 8 bits, at least
_KEPT = 250_000  # vectors that are added before the file is written


class EntriesOnDemand(Sequence[Entry]):
    """Entries that are read when somebody asks for them: whoever searches by sound needs those of the hits alone.

    Args:
        count: How many there are.
        read: Gives the entries of rows.
    """

    def __init__(self, count: int, read: Callable[[np.ndarray], Sequence[Entry]]) -> None:
        self._count = count
        self._read = read

    @cached_property
    def _all(self) -> Sequence[Entry]:
        return self._read(np.arange(self._count))

    def at(self, rows: np.ndarray) -> Sequence[Entry]:
        """Returns the entries of rows."""
        if "_all" in self.__dict__:
            return [self._all[row] for row in rows]
        return self._read(rows)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._all)

    @overload
    def __getitem__(self, row: int) -> Entry: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Entry]: ...
    def __getitem__(self, row: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(row, slice):
            return self.at(np.arange(self._count)[row])
        if not -self._count <= row < self._count:
            raise IndexError(row)
        return self.at(np.array([row % self._count]))[0]


def entries_at(entries: Sequence[Entry], rows: np.ndarray) -> Sequence[Entry]:
    """Returns some entries, and reads no others."""
    return entries.at(rows) if isinstance(entries, EntriesOnDemand) else [entries[row] for row in rows]


class Texts:
    """Short texts of presets in which parts of words are looked for, as one long one: a loop over all is too slow.

    Args:
        texts: Of each preset, any number.
    """

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self._rows: dict[str, list[int]] = {}
        lines: list[str] = []
        for row, of_preset in enumerate(texts):
            clean = [" ".join(text.casefold().split()) for text in of_preset]
            for text in dict.fromkeys(clean):
                self._rows.setdefault(text, []).append(row)
            lines.append("\t".join(clean) + "\n")
        self._joined = "".join(lines)
        self._starts = [0, *accumulate(map(len, lines))]

    def having(self, part: str) -> np.ndarray:
        """Returns which presets have a part in one of their texts, bool, shape `(N,)`."""
        found = np.zeros(len(self._starts) - 1, bool)
        at = self._joined.find(part)
        while 0 <= at < len(self._joined):
            row = bisect.bisect_right(self._starts, at) - 1
            found[row] = True
            at = self._joined.find(part, self._starts[row + 1])
        return found

    def having_all(self, parts: Sequence[str]) -> np.ndarray:
        """Returns which presets have all of some parts, each in any of their texts."""
        found = np.ones(len(self._starts) - 1, bool)
        for part in dict.fromkeys(parts):
            if not found.any():
                break
            found &= self.having(part)
        return found

    def equal(self, text: str) -> np.ndarray:
        """Returns which presets have a text that is just this."""
        found = np.zeros(len(self._starts) - 1, bool)
        found[self._rows.get(text, [])] = True
        return found


class FieldValues:
    """Which presets have which values of a field, such as a tag: asked again and again, a loop over all is too slow.

    Args:
        values: Of each preset, as they are compared.
    """

    def __init__(self, values: Sequence[frozenset[str]]) -> None:
        self._count = len(values)
        self._rows: dict[str, list[int]] = {}
        for row, own in enumerate(values):
            for value in own:
                self._rows.setdefault(value, []).append(row)

    @property
    def there(self) -> frozenset[str]:
        """All values that any preset has."""
        return frozenset(self._rows)

    def fulfilling(self, alternatives: Sequence[Sequence[tuple[str, bool]]]) -> np.ndarray:
        """Returns which presets fulfil one of several groups of values, bool, shape `(N,)`.

        Args:
            alternatives: Groups of values, and whether a preset must have each, or must not.
        """
        found = np.zeros(self._count, bool)
        for group in alternatives:
            of_group = np.ones(self._count, bool)
            for value, is_wanted in group:
                having = np.zeros(self._count, bool)
                having[self._rows.get(value, [])] = True
                of_group &= having == is_wanted
            found |= of_group
        return found


class Index:
    """Finds the nearest of very many vectors, most of them: nine of ten and more, see `benchmarks/search_speed.py`.

    The method is a graph of near neighbours in layers, in which a query walks nearer and nearer.

    References:
        Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small
        World graphs (2018), https://arxiv.org/abs/1603.09320

    Args:
        graph: Of the package voyager, with the presets' numbers.
        ids: The numbers of the rows that it covers, ascending, shape `(N,)`.
    """

    def __init__(self, graph: Any, ids: np.ndarray) -> None:
        self._graph = graph
        self._ids = ids

    def __len__(self) -> int:
        """How many rows it covers, from the first on."""
        return len(self._ids)

    @classmethod
    def opened(
        cls,
        path: Path,
        ear: str,
        ids: np.ndarray,
        vectors: np.ndarray,
        *,
        progress: ProgressCallback = ignore,
        tell: TellCallback = tell_nobody,
    ) -> "Index | None":
        """Returns the index of a file, brought up to date; it is made if it is missing, damaged or of another ear.

        Args:
            path: The file.
            ear: The version of the ear.
            ids: The presets' numbers, ascending, shape `(N,)`.
            vectors: Of length 1 each, or zeros, which are left out, float32, shape `(N, width)`.
            progress: Called with the number of vectors that are in it.
            tell: Called with a line if it is made anew or cannot be kept.

        Returns:
            None, and a line, if the package voyager is not installed.
        """
        try:
            _voyager()
        except MissingDependency as error:
            tell(f"all {len(ids):,} presets are compared, which is slower than an index: {error}")
            return None
        graph = _read(path, ear, vectors.shape[1], tell)
        wanted = ids[vectors.any(1)]
        if graph is not None and not _is_of(graph, ids, vectors):
            tell(f"{path}: of another library. The index is made anew.")
            graph = None
        if graph is not None:
            there = np.fromiter(graph.ids, np.int64, len(graph.ids))
            # those that are gone stay in it, as long as they do not crowd out the others
            if 2 * len(np.setdiff1d(there, wanted)) > len(there):
                graph = None
            else:
                wanted = np.setdiff1d(wanted, there)
        if graph is None:
            graph = _empty(vectors.shape[1], len(wanted))
        _add(graph, ids, vectors, wanted, keep=lambda: _write(path, graph, ear, tell), progress=progress)
        return cls(graph, ids)

    def nearest(self, vector: np.ndarray, count: int) -> np.ndarray:
        """Returns the rows of vectors near one, and more of them than are asked for, in no order.

        Args:
            vector: Of length 1, float32, shape `(width,)`.
            count: How many are wanted.
        """
        most = min(len(self._graph), _MORE * count)
        while most:
            try:
                found, _ = self._graph.query(vector, most, query_ef=max(_DEPTH_ASKED, most))
            except _voyager().RecallError:  # of many that are all alike, not all can be reached
                most //= 2
                continue
            here = np.isin(found.astype(np.int64), self._ids)
            return np.searchsorted(self._ids, found[here].astype(np.int64))
        return np.zeros(0, np.int64)


def _voyager() -> Any:
    try:
        import voyager
    except ImportError as error:
        raise MissingDependency("an index needs the package 'voyager': pip install 'patchflow[index]'") from error
    return voyager


def _empty(width: int, size: int) -> Any:
    voyager = _voyager()
    return voyager.Index(
        voyager.Space.Cosine,
        width,
        M=_LINKS,
        ef_construction=_DEPTH_MADE,
        max_elements=max(size, 1),
        storage_data_type=voyager.StorageDataType.Float8,
    )


def _add(
    graph: Any,
    ids: np.ndarray,
    vectors: np.ndarray,
    wanted: np.ndarray,
    *,
    keep: Callable[[], None],
    progress: ProgressCallback,
) -> None:
    """Adds vectors, and keeps the file now and then, so that an interrupted call loses little."""
    rows = np.searchsorted(ids, wanted)
    first = kept = 0
    while first < len(rows):
        progress(Progress("index", first, len(rows), "presets"))
        is_small = len(graph) < _ONE_BY_ONE
        chunk = rows[first : first + (_ONE_BY_ONE if is_small else _CHUNK)]
        graph.add_items(vectors[chunk], ids[chunk].tolist(), num_threads=1 if is_small else -1)
        first += len(chunk)
        if first - kept >= _KEPT or first == len(rows):
            kept = first
            keep()
    progress(Progress("index", len(rows), len(rows), "presets"))


def _is_of(graph: Any, ids: np.ndarray, vectors: np.ndarray) -> bool:
    """Whether a graph was made of these vectors: compared are the first, the last and some between that both have."""
    both = np.intersect1d(np.fromiter(graph.ids, np.int64, len(graph.ids)), ids[vectors.any(1)])
    if not len(both):
        return True  # nothing of it will be found, and it is made anew
    compared = np.unique([*both[::_EVERY], both[-1]])
    kept = graph.get_vectors(compared)
    given = vectors[np.searchsorted(ids, compared)]
    nearness = (kept * given).sum(1) / np.maximum(np.linalg.norm(kept, axis=1), 1e-9)
    return bool(nearness.min() > _SAME)


def _write(path: Path, graph: Any, ear: str, tell: TellCallback) -> None:
    content = graph.as_bytes()
    header = {"format": _FORMAT, "ear": ear, "sha256": hashlib.sha256(content).hexdigest()}
    try:
        write_atomically(path, json_text(header).encode() + b"\n" + content)
    except StorageError as error:
        tell(f"the index is not kept, and will be made again: {error}")


def _read(path: Path, ear: str, width: int, tell: TellCallback) -> Any:
    """The graph of a file; None if there is none that is right, which is told."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        tell(f"{path}: cannot be read ({error.strerror}). The index is made anew.")
        return None
    wrong = ""
    first, _, content = data[:_HEADER].partition(b"\n")
    content = data[len(first) + 1 :]
    try:
        header = json_value(first.decode())
        if header["format"] != _FORMAT:
            wrong = "of another version"
        elif header["ear"] != ear:
            wrong = "of another ear"
        elif header["sha256"] != hashlib.sha256(content).hexdigest():
            wrong = "damaged"
    except (ValueError, TypeError, KeyError):
        wrong = "damaged"
    if not wrong:
        graph = _voyager().Index.load(io.BytesIO(content))
        wrong = "" if graph.num_dimensions == width else "of another ear"
        if not wrong:
            return graph
    tell(f"{path}: {wrong}. The index is made anew.")
    return None
