"""Writes the tables of docs/reliability.md, from what kills.py, fuzz.py and plugin_endurance.py have counted.

Usage: python benchmarks/reliability.py
writes docs/reliability.md. Each of the three does so too, when it has counted.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marked import filled

__all__ = ["PAGE", "page", "write_tables"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "reliability.md"
OUTCOMES = ("read", "in part", "refused", "uncaught", "over 10 s", "over 1 GB")


def write_tables() -> None:
    """Writes all tables of the page again."""
    PAGE.write_text(page(), "utf-8")


def page() -> str:
    """Returns the page with the tables of the results there are.

    Raises:
        ValueError: If the page has no place for one of them.
    """
    tables = {}
    for name, table in (("kills", kills), ("fuzz", fuzz), ("plugin_endurance", endurance)):
        tables[name] = table(json.loads((RESULTS / f"{name}.json").read_text()))
    return filled(PAGE, tables)


def kills(found: Mapping[str, Any]) -> list[str]:
    """Returns what became of killed commands, as Markdown."""
    columns = ("kills", "lost", "mixed", "left")
    lines = ["| command | kills | lost | mixed | left behind |", "|---|---:|---:|---:|---:|"]
    lines += [_row(f"`{name}`", [counts[column] for column in columns]) for name, counts in found.items()]
    totals = [sum(counts[column] for counts in found.values()) for column in columns]
    return [*lines, _row("all", totals)]


def fuzz(found: Mapping[str, Any]) -> list[str]:
    """Returns what became of damaged files, as Markdown."""
    lines = [
        f"| reader | {' | '.join(OUTCOMES)} | slowest | lines reached | distinct errors |",
        f"|---|{'---:|' * (len(OUTCOMES) + 3)}",
    ]
    for name, reader in found["readers"].items():
        counts = [reader["counts"][outcome] for outcome in OUTCOMES]
        slowest = f"{reader['slowest, s']:.1f} s"
        lines.append(_row(name, [*counts, slowest, f"{reader['lines reached']:.0%}", reader["distinct errors"]]))
    slowest = max(reader["slowest, s"] for reader in found["readers"].values())
    totals = [found["total"][outcome] for outcome in OUTCOMES]
    return [*lines, _row(f"all {found['cases']:,}", [*totals, f"{slowest:.1f} s", "", ""])]


def endurance(found: Mapping[str, Any]) -> list[str]:
    """Returns what many matches left behind, as Markdown."""
    lines = ["| after match | zombies | processes | descriptors | threads | memory |", "|---|---:|---:|---:|---:|---:|"]
    for name, when in (("1", "first"), ("10", "tenth"), (str(found["matches"]), "last"), ("most", "most")):
        counts = found[when]
        numbers = [counts[column] for column in ("zombies", "children", "descriptors", "threads")]
        lines.append(_row(name, [*numbers, f"{counts['memory_kb'] / 1024:.0f} MB"]))
    counted = f"{found['matches']} matches of {found['seconds']:g} s with {found['synth']}."
    said = (
        f"{counted} Hosts were killed in {found['killed']} of them. Not complete: {found['not_complete']}.",
        f"After the tenth, memory grows by {found['growth_kb_per_match']:g} kB a match.",
    )
    return [*lines, "", *said]


def _row(name: str, cells: Sequence[int | str]) -> str:
    texts = [f"{cell:,}" if isinstance(cell, int) else cell for cell in cells]
    return f"| {name} | {' | '.join(texts)} |"


if __name__ == "__main__":
    write_tables()
