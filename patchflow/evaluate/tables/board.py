"""Results sorted into boards, one for each synth and size of models, a row a model; and published figures."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import StorageError
from ...old_names import with_new_names
from ...parsing import read_object
from ..results import Lines, read_lines
from ..runs import RESULTS, SOUNDS, SUMMARY, TAGS

__all__ = [
    "MEAN_PRESET",
    "OUT_OF_DOMAIN",
    "PUBLISHED",
    "Board",
    "Published",
    "Result",
    "Row",
    "boards_of",
    "read_results",
    "read_tags",
]


@dataclass(frozen=True)
class Published:
    """A row of the paper's table, means over its test sounds; lower is better.

    Args:
        mse_n: Error of the parameters relative to their mean square.
        spectral_convergence: Of mel power spectrograms.
        mel_mse: Of the same; depends on level and synth.
    """

    mse_n: float
    spectral_convergence: float
    mel_mse: float


def _rows(*rows: tuple[str, float, float, float]) -> Mapping[str, Published]:
    return {name: Published(*numbers) for name, *numbers in rows}


PUBLISHED: Mapping[int, Mapping[str, Published]] = {
    16: _rows(
        ("mlp", 0.236, 6.226, 9.548),
        ("cnn", 0.171, 1.372, 6.329),
        ("resnet", 0.191, 1.004, 6.422),
        ("ae", 0.181, 0.893, 5.557),
        ("vae", 0.182, 0.810, 4.901),
        ("wae", 0.159, 0.787, 4.979),
        ("vaeflow", 0.199, 0.838, 4.975),
        ("flow_reg", 0.197, 0.752, 4.409),
        ("flow_dis", 0.199, 0.831, 5.103),
    ),
    32: _rows(
        ("mlp", 0.218, 13.51, 36.48),
        ("cnn", 0.159, 19.18, 33.40),
        ("resnet", 0.196, 10.37, 31.13),
        ("ae", 0.169, 5.566, 17.71),
        ("vae", 0.153, 5.519, 16.85),
        ("wae", 0.147, 3.967, 16.64),
        ("vaeflow", 0.164, 1.418, 17.74),
        ("flow_reg", 0.193, 0.911, 16.61),
        ("flow_dis", 0.197, 1.481, 17.12),
    ),
}
"""By number of parameters and model: Esling et al., Universal audio synthesizer control with normalizing flows (2019),
https://arxiv.org/abs/1907.00971. For 64 parameters nothing was published there."""

MEAN_PRESET: Mapping[int, float] = {16: 0.299, 32: 0.265, 64: 0.209}
"""`mse_n` of the mean preset on the paper's data, measured on it afterwards; not in the paper."""

OUT_OF_DOMAIN: Mapping[int, Mapping[str, float]] = {
    32: {
        "mlp": 2.348,
        "cnn": 2.311,
        "resnet": 2.322,
        "ae": 1.225,
        "vae": 1.237,
        "wae": 1.194,
        "vaeflow": 1.193,
        "flow_reg": 1.101,
        "flow_dis": 1.209,
    }
}
"""Spectral convergence on sounds out of domain, of the same paper; for 16 parameters nothing was published."""


@dataclass(frozen=True)
class Result:
    """What was measured of one run, or of one baseline on one fold.

    Args:
        folder: Where it was read.
        head: The first line of the result file: model, fold, seed, sizes, examples.
        lines: One for each test item.
        sounds: One for each out-of-domain sound; none if they were not evaluated.
        out_of_domain: Fingerprint of these sounds; "" if there are none.
        summary: Costs and counts.
    """

    folder: Path
    head: dict[str, Any]
    lines: list[dict[str, Any]]
    sounds: list[dict[str, Any]]
    out_of_domain: str
    summary: dict[str, Any]

    @property
    def items(self) -> set[Any]:
        """The test items."""
        return {line["item"] for line in self.lines}


@dataclass(frozen=True)
class Row:
    """A model or a baseline, with all its folds and seeds.

    Args:
        name: Its name in the tables.
        kind: `"model"` or `"baseline"`.
        results: One for each fold and seed.
    """

    name: str
    kind: str
    results: tuple[Result, ...]

    def means(self, metric: str, part: str = "lines", category: str | None = None) -> np.ndarray:
        """Returns the mean of each run, shape `(runs,)`: over families, and within one over its items.

        Sounds of a family are alike: without the first mean, a family of thousands would decide everything. Items
        without a number are left out.

        Args:
            metric: Name of a number in the lines.
            part: `"lines"` or `"sounds"`.
            category: Only items of it, if given.
        """
        means = []
        for result in self.results:
            families = _by_family(_lines_of([result], part, category), metric)
            if families:
                means.append(np.mean(list(families.values())))
        return np.array(means)

    def by_family(self, metric: str, part: str = "lines", category: str | None = None) -> dict[Any, float]:
        """Returns the mean of each family of sounds, over its items, folds and seeds; see `means`."""
        return _by_family(_lines_of(self.results, part, category), metric)

    def count(self, part: str = "lines") -> int:
        """Returns the number of different items of all folds."""
        items = set()
        for result in self.results:
            items |= {(result.head["fold"], line["item"]) for line in getattr(result, part)}
        return len(items)

    def families(self) -> int:
        """Returns the number of different families of all folds."""
        return len({line["family"] for line in _lines_of(self.results, "lines")})

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds it was tested on; only rows of the same folds can be compared."""
        return tuple(sorted({result.head["fold"] for result in self.results}))

    def faults(self) -> int:
        """Returns how often a preset, or the target sound itself, could not be played."""
        lines = [*_lines_of(self.results, "lines"), *_lines_of(self.results, "sounds")]
        return sum(bool(line["fault"]) for line in lines)


@dataclass(frozen=True)
class Board:
    """All rows that can be compared: same synth, same examples, same test items, models of the same size.

    Args:
        synth: Name of the synth.
        parameters: Number of its parameters.
        size: `"small"` or `"paper"`; "" where there are only baselines.
        rows: Models first, in the order of the paper; then the baselines.
    """

    synth: str
    parameters: int
    size: str
    rows: tuple[Row, ...]

    @property
    def series(self) -> str:
        """The synth without the number of its parameters: boards of one series differ only in that number."""
        return re.sub(r"_\d+$", "", self.synth)

    @property
    def title(self) -> str:
        """The heading of its tables."""
        size = f", models of {self.size} size" if self.size else ""
        return f"{self.synth}: {self.parameters} parameters{size}"

    def row(self, name: str) -> Row | None:
        """Returns the row of a name, if there is one."""
        return next((row for row in self.rows if row.name == name), None)

    def models(self, names: Sequence[str] | None = None) -> list[Row]:
        """Returns the models; only those of given names, if any are given."""
        return [row for row in self.rows if row.kind == "model" and (names is None or row.name in names)]


def _lines_of(results: Iterable[Result], part: str, category: str | None = None) -> Iterator[dict[str, Any]]:
    for result in results:
        for line in getattr(result, part):
            if category is None or line["category"] == category:
                yield line


def _by_family(lines: Iterable[dict[str, Any]], metric: str) -> dict[Any, float]:
    found: dict[Any, list[float]] = {}
    for line in lines:
        value = line.get(metric)  # results may be older than a metric
        if value is not None:
            found.setdefault(line["family"], []).append(value)
    return {family: float(np.mean(numbers)) for family, numbers in found.items()}


_HEAD_KEYS = ("row", "kind", "fold", "seed", "size", "sizes", "synth", "parameters", "data", "part", "items")
_LINE_KEYS = ("item", "family", "category", "fault")
_BASELINES = ("nearest", "mean", "random", "oracle")  # in the order of the tables, best first


def read_results(folders: Sequence[str | Path]) -> list[Result]:
    """Reads all results in folders and below.

    Raises:
        StorageError: If a folder has none, or one is damaged or not finished.
    """
    # Keyed by the resolved path: a folder that is given twice, or once more with its parent, is read once.
    found: dict[Path, Result] = {}
    for folder in map(Path, folders):
        paths = sorted(folder.rglob(RESULTS))
        if not paths:
            raise StorageError(f"{folder}: has no {RESULTS}. Make it: patchflow evaluate {folder}")
        found |= {path.parent.resolve(): _read(path.parent) for path in paths}
    return list(found.values())


def read_tags(folders: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Reads the accuracies of the tag classifiers, in folders and below.

    Raises:
        StorageError: If a file is damaged.
    """
    paths: dict[Path, Path] = {}
    for folder in map(Path, folders):
        paths |= {path.resolve(): path for path in sorted(folder.rglob(TAGS))}
    return [with_new_names("tags", read_object(path)) for path in paths.values()]


def boards_of(results: Sequence[Result]) -> list[Board]:
    """Sorts results into boards, by synth, number of parameters and size.

    Raises:
        StorageError: If results of one board are of different examples or test items, or one is there twice.
    """
    keys = {(r.head["synth"], r.head["size"]) for r in results if r.head["kind"] == "model"}
    with_models = {synth for synth, _ in keys}
    # Baselines have no size. They stand on every board of their synth, and have one of their own only without models.
    keys |= {(r.head["synth"], "") for r in results if r.head["synth"] not in with_models}
    boards = [_board(synth, size, results) for synth, size in keys]
    return sorted(boards, key=lambda board: (board.series, board.parameters, board.size))


def _board(synth: str, size: str, results: Sequence[Result]) -> Board:
    own = [r for r in results if r.head["synth"] == synth and r.head["size"] in (size, "")]
    _check_alike(own)
    named: dict[tuple[str, str], list[Result]] = {}
    for result in own:
        key = (result.head["kind"], _name(result, own))
        named.setdefault(key, []).append(result)
    rows = [Row(name, kind, _sorted_runs(found)) for (kind, name), found in named.items()]
    return Board(synth, own[0].head["parameters"], size, tuple(sorted(rows, key=_place)))


def _place(row: Row) -> tuple[int, int, str]:
    """Sort key: models as in the paper, then models that the paper does not have, then the baselines."""
    model = row.results[0].head["row"]
    paper = list(PUBLISHED[16])
    if model in paper:
        return 0, paper.index(model), row.name
    if row.kind == "model":
        return 1, 0, row.name
    return 2, _BASELINES.index(model) if model in _BASELINES else 0, row.name


def _check_alike(results: Sequence[Result]) -> None:
    first_of_fold: dict[int, Result] = {}
    for result in results:
        first = first_of_fold.setdefault(result.head["fold"], result)
        if result.head["data"] != results[0].head["data"]:
            raise StorageError(f"{result.folder}: of other examples than {results[0].folder}. Keep them apart.")
        if result.items != first.items:
            counts = f"{len(result.items)} test items, {len(first.items)} in {first.folder}"
            raise StorageError(f"{result.folder}: {counts}, or others. Evaluate both with the same --most.")
    with_sounds = [result for result in results if result.out_of_domain]
    for result in with_sounds:
        first = with_sounds[0]
        if result.out_of_domain != first.out_of_domain:
            raise StorageError(f"{result.folder}: evaluated on other sounds than {first.folder}. Keep them apart.")


def _name(result: Result, board: Sequence[Result]) -> str:
    """Returns the model's name, with the sizes in brackets that make it a variant.

    These are the sizes in which results of the same name differ, but for usual values: those that most results of the
    name have, or most models of the board. So the variant is marked and the model itself is not.
    """
    row = result.head["row"]
    own_sizes = result.head["sizes"]
    same_name = [r.head["sizes"] for r in board if r.head["row"] == row]
    models = [r.head["sizes"] for r in board if r.head["kind"] == "model"]
    shown = []
    for key in sorted(own_sizes):
        value = own_sizes[key]
        differs = any(sizes.get(key) != value for sizes in same_name)
        usual = _most_have(same_name, key, value) or _most_have(models, key, value)
        if differs and not usual:
            shown.append(f"{key}={value}")
    return f"{row} ({', '.join(shown)})" if shown else row


def _most_have(all_sizes: Sequence[dict[str, Any]], key: str, value: Any) -> bool:
    count = sum(sizes.get(key) == value for sizes in all_sizes)
    return 2 * count > len(all_sizes)


def _sorted_runs(found: Sequence[Result]) -> tuple[Result, ...]:
    ordered = sorted(found, key=_run)
    for first, second in pairwise(ordered):
        if _run(first) == _run(second):
            fold, seed = _run(first)
            raise StorageError(
                f"{first.folder} and {second.folder}: both are {first.head['row']} of fold {fold}, seed {seed}. "
                "Keep one."
            )
    return tuple(ordered)


def _run(result: Result) -> tuple[int, int]:
    return result.head["fold"], result.head["seed"]


def _read(folder: Path) -> Result:
    test = _finished(folder / RESULTS, folder)
    sounds: list[dict[str, Any]] = []
    fingerprint = ""
    if (folder / SOUNDS).exists():
        out_of_domain = _finished(folder / SOUNDS, folder)
        sounds = out_of_domain.items
        fingerprint = out_of_domain.head["sounds"]
    summary = with_new_names("summary", read_object(folder / SUMMARY))
    return Result(folder, test.head, test.items, sounds, fingerprint, summary)


def _finished(path: Path, folder: Path) -> Lines:
    """Reads a result file and checks that it is whole."""
    lines = read_lines(path)
    _check_keys(path, 1, lines.head, _HEAD_KEYS)
    for number, line in enumerate(lines.items, 2):
        _check_keys(path, number, line, _LINE_KEYS)
    if len(lines.done) < lines.head["items"]:
        done = f"{len(lines.done)} of {lines.head['items']} items"
        raise StorageError(f"{path}: {done}. Finish it: patchflow evaluate {folder}")
    return lines


def _check_keys(path: Path, number: int, line: dict[str, Any], needed: Sequence[str]) -> None:
    for key in needed:
        if key not in line:
            raise StorageError(f"{path}: line {number} is damaged (no {key}). Evaluate it again.")
