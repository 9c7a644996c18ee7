"""`patchflow tables`: tables of what `patchflow evaluate` measured."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["tables"]


def tables(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS", help="Folders that `patchflow evaluate` wrote, or above them.")
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The Markdown file; a .json of the same name is written next to it."
        ),
    ],
) -> None:
    """Make tables of what `patchflow evaluate` measured.

    They have accuracy, costs, tests of the paper's claims, and the published figures beside.

    Nothing but result files is read: neither a synth nor a model is needed.

    \b
    Example: patchflow tables runs/paper -o tables.md
    """
    from ..evaluate import write_tables
    from ._console import say

    beside = write_tables(results, out)
    say(str(out), str(beside))
