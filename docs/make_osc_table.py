"""Writes the tables of OSC addresses, and of how fast they are, into docs/live.md.

Usage: python docs/make_osc_table.py
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from patchflow.osc.addresses import ADDRESSES, ANSWERS, Argument, OscAddress

__all__ = ["with_tables"]

PAGE = Path(__file__).parent / "live.md"
TIMES = Path(__file__).parents[1] / "benchmarks" / "results" / "live_latency.json"
BLOCK = "(<!-- {name}:start -->\n).*?(<!-- {name}:end -->)"
LARGE = 2**31 - 1  # the end of a range that is none
KINDS = {"value": "the newest counts", "event": "in order", "command": "in order"}


def main() -> None:
    """Writes the tables between their marks."""
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")


def with_tables(page: str) -> str:
    """Returns a page with the tables of today between their marks.

    Raises:
        SystemExit: If the page has no marks.
    """
    for name, lines in (("osc", _lines()), ("times", _times())):
        block = re.compile(BLOCK.format(name=name), re.DOTALL)
        if not block.search(page):
            raise SystemExit(f"{PAGE.name}: no <!-- {name}:start --> with a <!-- {name}:end --> after it")
        text = "\n".join(lines)
        page = block.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
    return page


def _times() -> Iterator[str]:
    found = json.loads(TIMES.read_text())
    yield f"| what | median | 95 % are within | longest | lost of {found['rounds']} |"
    yield "|---|---|---|---|---|"
    for what, times in found["ms"].items():
        yield f"| {what} | {times['median']} ms | {times['p95']} ms | {times['longest']} ms | {times['lost']} |"
    flood = found["flood"]
    memory = flood["memory_mb"]
    yield ""
    yield (
        f"A minute of {flood['messages_a_second']:,} messages a second, one of ten a macro: "
        f"{flood['last_values_kept']} of {flood['last_values']} last values"
    )
    yield (
        f"are kept, memory is {memory[1]:.0f} MB after 5 s and {memory[-1]:.0f} MB at the end, and "
        f"{100 * flood['cpu_share']:.0f} % of one core are used."
    )


def _lines() -> Iterator[str]:
    yield "| address | takes | does | answers | in the original system | where many come |"
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
    bounded = argument.kind != "text" and argument.high < LARGE
    range_ = f" {argument.low:g} to {argument.high:g}" if bounded else ""
    whole = " whole" if argument.kind == "whole" else ""
    text = f"{argument.name}{whole}{range_}{', clipped' if argument.clip else ''}"
    return f"[{text}]" if argument.optional else text


if __name__ == "__main__":
    main()
