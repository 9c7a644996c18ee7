"""Result files to a page of tables, and to the same numbers for machines."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ...storage import make_folder, write_atomically
from .board import boards_of, read_results, read_tags
from .claims import verdicts
from .numbers import numbers_of
from .page import page

__all__ = ["write_tables"]


def write_tables(folders: Sequence[str | Path], out: str | Path) -> Path:
    """Writes a page of all results in folders and below, and a JSON file of the same name beside it.

    Neither a synth nor a model is needed. Boards, of one synth and one size of models each, are never mixed.

    Args:
        folders: What `evaluate_run` and `evaluate_trivial` wrote.
        out: The Markdown file.

    Returns:
        Path of the JSON file.

    Raises:
        StorageError: If results are missing, damaged, not finished or not comparable, or a file cannot be written.
    """
    out = Path(out)
    boards = boards_of(read_results(folders))
    found, tags, numbers = verdicts(boards), read_tags(folders), [numbers_of(board) for board in boards]
    machine = {"boards": numbers, "claims": [asdict(verdict) for verdict in found], "tags": tags}
    beside = out.with_suffix(".json")
    make_folder(out.parent)
    write_atomically(out, page(numbers, found, tags).encode())
    write_atomically(beside, json.dumps(machine, indent=1, allow_nan=False).encode())
    return beside
