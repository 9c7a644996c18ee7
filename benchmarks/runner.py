"""Runs the rows of a quality table: item by item into a file of lines, from where it stopped the last time."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rows import Found

__all__ = ["Method", "parser", "run", "wanted"]

Method = tuple[str, str, Callable[[Any, int], Found]]
"""Name of the row, its budget, and what finds a preset for an item with a seed."""


def parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a parser of the options that all quality tables have."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("bank", help="made by prepare_bank.py")
    options.add_argument("--rows", default="", help="names of the rows to run, with commas; all if empty")
    options.add_argument("--budgets", default="", help="budgets to run, with commas, e.g. 256,1000; all if empty")
    options.add_argument("--model", help="weights; those shipped if not given")
    return options


def wanted(options: argparse.Namespace, row: str, budget: str | None = None) -> bool:
    """Returns whether a row, at a budget if one is given, was asked for."""
    named = not options.rows or row in options.rows.split(",")
    return named and (budget is None or not options.budgets or budget in options.budgets.split(","))


def run(
    path: Path,
    methods: Iterable[Method],
    items: Sequence[Any],
    options: argparse.Namespace,
    judge: Callable[[Any, Found], dict[str, Any]],
) -> None:
    """Appends one line an item, row and budget to `path`; leaves out those that are there.

    Args:
        path: File of JSON lines.
        methods: The rows.
        items: What presets are wanted for; item k gets seed k.
        options: Of `parser`.
        judge: Returns the fields of a line for an item and what was found; `"item"` identifies it.
    """
    lines = path.read_text().splitlines() if path.exists() else []
    done = {(line["item"], line["row"], line["budget"]) for line in map(json.loads, lines)}
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as out:
        for row, budget, find in methods:
            if not wanted(options, row, budget):
                continue
            start = time.monotonic()
            for seed, item in enumerate(items):
                name = item if isinstance(item, int) else item["file"]
                if (name, row, budget) in done:
                    continue
                found = find(item, seed)
                line = {"item": name, "row": row, "budget": budget, "renders": found.renders,
                        "seconds": round(found.seconds, 3), **judge(item, found)}  # fmt: skip
                out.write(json.dumps(line) + "\n")
                out.flush()
            print(f"{row} {budget}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
