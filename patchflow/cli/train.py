"""`patchflow train`: makes a model from a recipe, or for a synth of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._numbers import number

if TYPE_CHECKING:
    from ..train import Report

__all__ = ["train"]


def train(
    recipe: Annotated[
        Path | None,
        typer.Argument(metavar="RECIPE", help="A .toml file: data, model, schedule, where results go."),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Values that replace those of the recipe.")
    ] = None,
    *,
    synth: Annotated[
        str,
        typer.Option(metavar="NAME", help="Train for this synth from the presets of your library, no recipe needed."),
    ] = "",
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", parser=number, help="With --synth: about how long it may take.  [default: 60]"),
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --synth: cpu or cuda.  [default: cpu]")
    ] = None,
    library: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --synth: the preset library.  [default: yours, if any]")
    ] = None,
) -> None:
    """Train a model as RECIPE says, or one for a synth that `match --synth` will use from then on.

    An interrupted run goes on from its last checkpoint when started again. The losses and the
    recipe as resolved are saved beside the weights.

    With --synth presets are played as match plays them: their values on top of the synth's fresh
    preset, without wavetables or whatever else they hold beyond their parameters.

    \b
    Example: patchflow train recipes/dexed-cpu.toml steps=100 seed=1
    Example: patchflow train --synth amsynth --minutes 30
    """
    from ..train import train as run
    from ..train import train_own
    from ._parse import key_values, library_file

    if (recipe is None) == (synth == ""):
        raise typer.BadParameter("give a recipe or --synth, and not both")
    if recipe is not None:
        if (minutes, device, library) != (None, None, None):
            raise typer.BadParameter("--minutes, --device and --library go with --synth; beside a recipe: minutes=60")
        typer.echo(run(recipe, key_values(overrides or []), _show))
        return
    source = library_file(library, none=False)
    wanted = {"minutes": 60.0 if minutes is None else minutes, "device": device or "cpu"}
    typer.echo(train_own(synth, library=source, progress=_show, **wanted))


def _show(report: "Report") -> None:
    losses = "  ".join(f"{name} {value:.4f}" for name, value in report.losses.items())
    typer.echo(f"{report.stage:<6}  {report.done:>9,} of {report.total:,}  {losses}".rstrip(), err=True)
