"""`patchflow train`: makes a model from a recipe."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..train import Report

__all__ = ["train"]


def train(
    recipe: Annotated[
        Path,
        typer.Argument(metavar="RECIPE", help="A .toml file: data, model, schedule, where results go."),
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Values that replace those of the recipe.")
    ] = None,
) -> None:
    """Train a model as RECIPE says.

    An interrupted run goes on from its last checkpoint when started again. The losses and the
    recipe as resolved are saved beside the weights.

    \b
    Example: patchflow train recipes/dexed-cpu.toml steps=100 seed=1
    """
    from ..train import train as run
    from ._parse import key_values

    typer.echo(run(recipe, key_values(overrides or []), _show))


def _show(report: "Report") -> None:
    losses = "  ".join(f"{name} {value:.4f}" for name, value in report.losses.items())
    typer.echo(f"{report.stage:<6}  {report.done:>9,} of {report.total:,}  {losses}".rstrip(), err=True)
