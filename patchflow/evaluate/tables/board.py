"""What was measured, sorted: one board for each synth and size of models, of rows, of results."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import StorageError
from ...storage import read_object
from ..results import Lines, read_lines
from ..runs import RESULTS, SOUNDS, SUMMARY, TAGS
from .published import PUBLISHED

__all__ = ["Board", "Result", "Row", "boards_of", "read_results", "read_tags"]


@dataclass(frozen=True)
class Result:
    """What was measured of one run, or of one trivial row of one fold.

    Args:
        folder: Where it was read.
        head: What was measured.
        lines: One for each test item.
        sounds: One for each foreign sound; none if they were not judged.
        foreign: What tells these sounds from others; "" if there are none.
        summary: Costs and counts.
    """

    folder: Path
    head: dict[str, Any]
    lines: list[dict[str, Any]]
    sounds: list[dict[str, Any]]
    foreign: str
    summary: dict[str, Any]

    @property
    def items(self) -> set[Any]:
        """The test items."""
        return {line["item"] for line in self.lines}


@dataclass(frozen=True)
class Row:
    """A model, or a trivial way, with all its folds and seeds.

    Args:
        name: How the tables call it.
        kind: `"model"` or `"trivial"`.
        results: One for each fold and seed.
    """

    name: str
    kind: str
    results: tuple[Result, ...]

    def means(self, metric: str, part: str = "lines", category: str | None = None) -> np.ndarray:
        """Returns the mean of each run, shape `(runs,)`: over families, and within one over its items.

        Sounds of a family are alike; one of thousands would else be all that counts. Items without a number are left
        out.

        Args:
            metric: Name of a number in the lines.
            part: `"lines"` or `"sounds"`.
            category: Only items of it, if given.
        """
        runs = (_by_family(self._chosen([result], part, category), metric) for result in self.results)
        return np.array([np.mean(list(numbers.values())) for numbers in runs if numbers])

    def by_family(self, metric: str, part: str = "lines", category: str | None = None) -> dict[Any, float]:
        """Returns the mean of each family of sounds, over its items, folds and seeds; see `means`."""
        return _by_family(self._chosen(self.results, part, category), metric)

    def count(self, part: str = "lines") -> int:
        """Returns the number of different items of all folds."""
        return len({(result.head["fold"], line["item"]) for result in self.results for line in getattr(result, part)})

    def families(self) -> int:
        """Returns the number of different families of all folds."""
        return len({line["family"] for result in self.results for line in result.lines})

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds it was tested on; means of rows are only alike if these are the same."""
        return tuple(sorted({result.head["fold"] for result in self.results}))

    def faults(self) -> int:
        """Returns how often a preset, or the wanted sound itself, could not be played."""
        return sum(bool(line["fault"]) for result in self.results for line in (*result.lines, *result.sounds))

    @staticmethod
    def _chosen(results: Iterable[Result], part: str, category: str | None) -> Iterator[dict[str, Any]]:
        lines = (line for result in results for line in getattr(result, part))
        return (line for line in lines if category is None or line["category"] == category)


@dataclass(frozen=True)
class Board:
    """All rows that may be compared: same synth, same examples, same test items, models of the same size.

    Args:
        synth: Name of the synth.
        parameters: Their number.
        size: `"small"` or `"paper"`; "" where there are trivial rows alone.
        rows: Models first, in the order of the paper; then the trivial ones.
    """

    synth: str
    parameters: int
    size: str
    rows: tuple[Row, ...]

    @property
    def series(self) -> str:
        """The synth without the number of its parameters: boards of one series differ in that alone."""
        return re.sub(r"_\d+$", "", self.synth)

    @property
    def title(self) -> str:
        """What is printed above its tables."""
        size = f", models of {self.size} size" if self.size else ""
        return f"{self.synth}: {self.parameters} parameters{size}"

    def row(self, name: str) -> Row | None:
        """Returns the row of a name, if there is one."""
        return next((row for row in self.rows if row.name == name), None)

    def models(self, names: Sequence[str] | None = None) -> list[Row]:
        """Returns the models; of given names if there are any."""
        return [row for row in self.rows if row.kind == "model" and (names is None or row.name in names)]


def _by_family(lines: Iterable[dict[str, Any]], metric: str) -> dict[Any, float]:
    found: dict[Any, list[float]] = {}
    for line in lines:
        if (value := line.get(metric)) is not None:  # results may be older than a metric
            found.setdefault(line["family"], []).append(value)
    return {family: float(np.mean(numbers)) for family, numbers in found.items()}


_TOLD = ("row", "kind", "fold", "seed", "size", "sizes", "synth", "parameters", "data", "part", "items")
_OF_AN_ITEM = ("item", "family", "category", "fault")
_TRIVIAL = ("nearest", "mean", "random", "oracle")  # as they come, best first


def read_results(folders: Sequence[str | Path]) -> list[Result]:
    """Reads all results in folders and below.

    Raises:
        StorageError: If a folder has none, or one is damaged or not finished.
    """
    found: dict[Path, Result] = {}
    for folder in map(Path, folders):
        paths = sorted(folder.rglob(RESULTS))
        if not paths:
            raise StorageError(f"{folder}: has no {RESULTS}. Make it: patchflow evaluate {folder}")
        found |= {path.parent.resolve(): _read(path.parent) for path in paths}
    return list(found.values())


def read_tags(folders: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Reads what tag classifiers reached, in folders and below.

    Raises:
        StorageError: If a file is damaged.
    """
    paths = {path.resolve(): path for folder in folders for path in sorted(Path(folder).rglob(TAGS))}
    return [read_object(path) for path in paths.values()]


def boards_of(results: Sequence[Result]) -> list[Board]:
    """Sorts results into boards, by synth, number of parameters and size.

    Raises:
        StorageError: If results of one board are of different examples or test items, or one is there twice.
    """
    keys = {(r.head["synth"], r.head["size"]) for r in results if r.head["kind"] == "model"}
    keys |= {(r.head["synth"], "") for r in results if r.head["synth"] not in {synth for synth, _ in keys}}
    boards = [_board(synth, size, results) for synth, size in keys]
    return sorted(boards, key=lambda board: (board.series, board.parameters, board.size))


def _board(synth: str, size: str, results: Sequence[Result]) -> Board:
    mine = [r for r in results if r.head["synth"] == synth and r.head["size"] in (size, "")]
    _check_alike(mine)
    named: dict[tuple[str, str], list[Result]] = {}
    for result in mine:
        named.setdefault((result.head["kind"], _name(result, mine)), []).append(result)
    rows = [Row(name, kind, _ordered(found)) for (kind, name), found in named.items()]
    return Board(synth, mine[0].head["parameters"], size, tuple(sorted(rows, key=_place)))


def _place(row: Row) -> tuple[int, str]:
    """Rows stand as in the paper, then models it does not have, then the trivial rows."""
    model = row.results[0].head["row"]
    order = [*PUBLISHED[16], *_TRIVIAL]
    place = order.index(model) if model in order else len(PUBLISHED[16]) - (row.kind == "model") / 2
    return round(2 * place), row.name


def _check_alike(results: Sequence[Result]) -> None:
    for result in results:
        first = next(r for r in results if r.head["fold"] == result.head["fold"])
        if result.head["data"] != results[0].head["data"]:
            raise StorageError(f"{result.folder}: of other examples than {results[0].folder}. Keep them apart.")
        if result.items != first.items:
            counts = f"{len(result.items)} test items, {len(first.items)} in {first.folder}"
            raise StorageError(f"{result.folder}: {counts}, or others. Evaluate both with the same --most.")
    heard = [result for result in results if result.foreign]
    for result in heard:
        if result.foreign != heard[0].foreign:
            raise StorageError(f"{result.folder}: judged on other sounds than {heard[0].folder}. Keep them apart.")


def _name(result: Result, mine: Sequence[Result]) -> str:
    """The model; with the sizes in which others of its name differ, unless most of these, or of all, have the same."""
    same, own = [r.head["sizes"] for r in mine if r.head["row"] == result.head["row"]], result.head["sizes"]
    differing = [key for key in sorted(own) if any(sizes.get(key) != own[key] for sizes in same)]
    models = [r.head["sizes"] for r in mine if r.head["kind"] == "model"]
    for rows in (same, models):
        differing = [key for key in differing if 2 * sum(sizes.get(key) == own[key] for sizes in rows) <= len(rows)]
    shown = ", ".join(f"{key}={own[key]}" for key in differing)
    return f"{result.head['row']} ({shown})" if shown else result.head["row"]


def _ordered(found: list[Result]) -> tuple[Result, ...]:
    ordered = sorted(found, key=lambda r: (r.head["fold"], r.head["seed"]))
    for first, second in pairwise(ordered):
        if [first.head[key] for key in ("fold", "seed")] == [second.head[key] for key in ("fold", "seed")]:
            raise StorageError(
                f"{first.folder} and {second.folder}: both are {first.head['row']} of fold {first.head['fold']}, "
                f"seed {first.head['seed']}. Keep one."
            )
    return tuple(ordered)


def _read(folder: Path) -> Result:
    lines = _finished(folder / RESULTS, folder)
    foreign = _finished(folder / SOUNDS, folder) if (folder / SOUNDS).exists() else None
    sounds, known = (foreign.items, foreign.head["sounds"]) if foreign else ([], "")
    return Result(folder, lines.head, lines.items, sounds, known, read_object(folder / SUMMARY))


def _finished(path: Path, folder: Path) -> Lines:
    lines = read_lines(path)
    for number, (line, needed) in enumerate([(lines.head, _TOLD), *((line, _OF_AN_ITEM) for line in lines.items)], 1):
        if missing := [key for key in needed if key not in line]:
            raise StorageError(f"{path}: line {number} is damaged (no {missing[0]}). Evaluate it again.")
    if len(lines.done) < lines.head["items"]:
        done = f"{len(lines.done)} of {lines.head['items']} items"
        raise StorageError(f"{path}: {done}. Finish it: patchflow evaluate {folder}")
    return lines
