"""`patchflow score`: how far one sound is from another."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["score"]


def score(
    a: Annotated[Path, typer.Argument(metavar="A", help="The sound to score.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The sound it should be like.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            "-m",
            metavar="NAME",
            help="One of `patchflow list metrics`. May be repeated.  [default: all]",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print nothing but JSON: numbers by metric, and units.")
    ] = False,
) -> None:
    """Print how far sound A is from sound B.

    Both are taken from their first audible sample on, for at most 30 s; the shorter is padded with silence.

    \b
    Example: patchflow score mine.wav theirs.wav -m log_mel_l1
    """
    from ..match.output.distances import compare_files
    from ..metrics import metrics
    from ..metrics._metric import units_of
    from ._console import note, print_json, say

    distances = compare_files(a, b, metric, note)
    if as_json:
        values = {distance.metric: distance.value for distance in distances}
        print_json({**values, "units": units_of({name: metrics[name] for name in values})})
        return
    width = max(len(distance.metric) for distance in distances)
    for distance in distances:
        say(f"{distance.metric:<{width}}  {distance}")
