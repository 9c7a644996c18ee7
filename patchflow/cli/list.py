"""`patchflow list`: the engines, models, metrics, formats or executors there are."""

from typing import Annotated

import typer

__all__ = ["list_"]


def list_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="One of: engines, models, metrics, formats, executors.")],
) -> None:
    """List what there is of a KIND: synths (engines), models, metrics, preset formats or executors of data sets.

    \b
    Example: patchflow list engines
    Example: patchflow list metrics
    """
    from ._catalogue import catalogue
    from ._console import print_meanings

    print_meanings(catalogue(kind))
