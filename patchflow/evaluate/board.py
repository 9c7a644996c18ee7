"""What was measured, sorted: results of one row, rows of one board, and their means."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Board", "Result", "Row"]


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
