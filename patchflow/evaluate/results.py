"""Reads result folders and sorts them: one board for each synth and size of models, which are never mixed."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..storage import read_object
from .board import Board, Result, Row
from .judging import RESULTS, SOUNDS, SUMMARY, TAGS
from .lines import Lines, read_lines
from .published import PUBLISHED

__all__ = ["boards_of", "read_results", "read_tags"]

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
