"""Writes the tables of OSC addresses into docs/live.md.

Usage: python docs/make_osc_table.py
"""

import re
from collections.abc import Iterator
from pathlib import Path

from patchflow.osc.addresses import ADDRESSES, ANSWERS, Argument, OscAddress

__all__ = ["with_tables"]

PAGE = Path(__file__).parent / "live.md"
BLOCK = re.compile(r"(<!-- osc:start -->\n).*?(<!-- osc:end -->)", re.DOTALL)
KINDS = {"value": "newest", "event": "in order", "command": "in order"}


def main() -> None:
    """Writes the tables between their marks."""
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")


def with_tables(page: str) -> str:
    """Returns a page with the tables of today between its marks.

    Raises:
        SystemExit: If the page has no marks.
    """
    if not BLOCK.search(page):
        raise SystemExit(f"{PAGE.name}: no <!-- osc:start --> with an <!-- osc:end --> after it")
    lines = "\n".join(_lines())
    return BLOCK.sub(lambda found: f"{found[1]}{lines}\n{found[2]}", page)


def _lines() -> Iterator[str]:
    yield "| address | takes | does | answers | in the original system | of several |"
    yield "|---|---|---|---|---|---|"
    for address in ADDRESSES:
        cells = [
            f"`{address.path}`",
            _arguments(address),
            address.does + (" (`/q` asks for it)" if address.asks else ""),
            " ".join(f"`{answer}`" for answer in address.answers),
            f"`{address.alias}`" if address.alias else "",
            KINDS[address.kind],
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "| what is sent | with | says |"
    yield "|---|---|---|"
    for answer in ANSWERS:
        yield f"| `{answer.path}` | {answer.arguments} | {answer.says} |"


def _arguments(address: OscAddress) -> str:
    told = ", ".join(map(_argument, address.arguments))
    return f"{told}; up to {address.repeats:,} times" if address.repeats > 1 else told


def _argument(argument: Argument) -> str:
    range_ = "" if argument.kind == "text" else f" {argument.low:g} to {argument.high:g}"
    whole = " whole" if argument.kind == "whole" else ""
    text = f"{argument.name}{whole}{range_}{', clipped' if argument.clip else ''}"
    return f"[{text}]" if argument.optional else text


if __name__ == "__main__":
    main()
