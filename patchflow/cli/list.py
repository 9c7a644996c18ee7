"""`patchflow list`: the engines, models, metrics, formats or executors there are."""

from typing import Annotated

import typer

__all__ = ["list_"]


def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="One of: engines, models, metrics, formats, executors.")],
) -> None:
    """List the synths, models, metrics, preset formats or executors of data sets there are.

    \b
    Example: patchflow list metrics
    """
    from ._catalogue import catalogue

    entries = catalogue(kind)
    width = max(map(len, entries), default=0)
    for name, meaning in entries.items():
        typer.echo(f"{name:<{width}}  {meaning}")
