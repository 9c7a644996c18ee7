"""Writes result files as a page of tables and as JSON, and a page again from its JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import StorageError
from ...old_names import OLD_NAMES, with_new_names, with_new_value
from ...parsing import read_object
from ...storage import make_folder, write_atomically
from .board import boards_of, read_results, read_tags
from .claims import Comparison, Verdict, verdicts
from .numbers import numbers_of
from .page import page

__all__ = ["rewrite_tables", "write_tables"]


def write_tables(folders: Sequence[str | Path], out: str | Path) -> Path:
    """Writes a page of all results in folders and below, and a JSON file of the same name beside it.

    Neither a synth nor a model is needed. Boards, of one synth and one size of models each, are never mixed.

    Args:
        folders: What `evaluate_run` and `evaluate_baselines` wrote.
        out: The Markdown file.

    Returns:
        Path of the JSON file.

    Raises:
        StorageError: If results are missing, damaged, not finished or not comparable, or a file cannot be written.
    """
    boards = boards_of(read_results(folders))
    found = verdicts(boards)
    tags = read_tags(folders)
    return _write(Path(out), [numbers_of(board) for board in boards], found, tags)


def rewrite_tables(out: str | Path) -> Path:
    """Writes a page again from the JSON file beside it, so that old numbers stand under today's names and headings.

    No number changes, and no result file is needed: the JSON file has all that the page shows. It is written again too.

    Args:
        out: The Markdown file that `write_tables` wrote.

    Returns:
        Path of the JSON file.

    Raises:
        StorageError: If the JSON file is missing or is not of `write_tables`, or a file cannot be written.
    """
    out = Path(out)
    beside = out.with_suffix(".json")
    known = read_object(beside)
    try:
        boards = [_board(board) for board in known["boards"]]
        found = [_verdict(claim) for claim in known["claims"]]
        tags = [with_new_names("tags", entry) for entry in known["tags"]]
        return _write(out, boards, found, tags)
    except (AttributeError, KeyError, TypeError) as error:
        raise StorageError(f"{beside}: not the numbers of a page of tables ({error})") from error


def _write(out: Path, boards: list[dict[str, Any]], found: list[Verdict], tags: list[dict[str, Any]]) -> Path:
    numbers = {"boards": boards, "claims": [asdict(verdict) for verdict in found], "tags": tags}
    beside = out.with_suffix(".json")
    make_folder(out.parent)
    write_atomically(out, page(boards, found, tags).encode())
    write_atomically(beside, json.dumps(numbers, indent=1, allow_nan=False).encode())
    return beside


def _board(board: Mapping[str, Any]) -> dict[str, Any]:
    """A board of a JSON file under today's names."""
    rows = []
    for old in board["rows"]:
        row = with_new_names("summary", old)
        row["name"] = _row_name(row["name"])
        row["kind"] = with_new_value("kind", row["kind"])
        rows.append(row)
    return {**board, "rows": rows}


def _row_name(name: str) -> str:
    """A row's name under today's names: one in brackets says sizes, as in `"cnn (gated=1)"`."""
    model, bracket, sizes = name.partition(" (")
    if not bracket:
        return name
    renamed = []
    for size in sizes.removesuffix(")").split(", "):
        key, sign, value = size.partition("=")
        renamed.append(OLD_NAMES["sizes"].get(key, key) + sign + value)
    return f"{model} ({', '.join(sorted(renamed))})"  # in the order of `board`


def _verdict(claim: Mapping[str, Any]) -> Verdict:
    text, only, models = claim["claim"].partition(" (only ")
    today = OLD_NAMES["claim"].get(text, text) + only + models
    return Verdict(**{**claim, "claim": today, "comparison": Comparison(**claim["comparison"])})
