"""`patchflow train`: trains a model as a recipe says, or one for a synth from your own presets; shows how far it is."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from ..errors import PatchflowError
from ..progress import Progress
from ._console import ProgressBar, losses_text, say
from ._parse import number, synth_name

__all__ = ["train"]

_EVERY = 60.0  # seconds between two lines where there is no terminal to draw a bar on
_FIRST = 5.0  # seconds until the first of them


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
        typer.Option(
            metavar="NAME",
            parser=synth_name,
            help="Train for this synth from the presets of your library, no recipe needed.",
        ),
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

    A recipe is a small TOML file, explained in docs/training.md; an unknown key is an error. It has:

    \b
    * bank (presets that sounds are rendered from) or data (examples)
    * synth, model, and out, the folder for all results
    * if you like: epochs or steps, batch, learning_rate, device = "cuda"
    * base: another recipe that this one changes

    The folder gets:

    \b
    * SYNTH.safetensors: the weights, whose path is printed at the end
    * log.jsonl: every term of the loss, on training and validation items
    * recipe.json: the recipe as resolved, and the commit
    * a checkpoint: after any interruption the same command goes on from it

    The weights are the same with and without interruptions. On stderr it says first what is trained, on what and
    when that will end; then, as a bar or in a line a minute, how far it is, how long is left, and the losses (each
    term as training/validation); in the end how `match` uses the weights.

    On several GPUs: torchrun --nproc-per-node 4 -m patchflow train RECIPE device=cuda

    With --synth presets are played as match plays them: their values on top of the synth's fresh
    preset, without wavetables or whatever else they hold beyond their parameters.

    \b
    Example: patchflow train recipes/dexed-cpu.toml steps=100 seed=1
    Example: patchflow train --synth amsynth --minutes 30
    """
    from ..train import is_follower, leave_to_the_first

    if (recipe is None) == (synth == ""):
        raise typer.BadParameter("give a recipe or --synth, and not both")
    if recipe is not None and (minutes, device, library) != (None, None, None):
        raise typer.BadParameter("--minutes, --device and --library go with --synth; beside a recipe: minutes=60")
    try:
        if recipe is not None:
            _by_recipe(recipe, overrides or [])
        else:
            _for_synth(synth, 60.0 if minutes is None else minutes, device or "cpu", library)
    except PatchflowError as error:
        # On several GPUs every process meets the same error, and the first one prints it. Memory may run out on one
        # GPU alone: that is printed by whichever it is.
        if is_follower() and "out of memory" not in str(error):
            leave_to_the_first()
        raise


def _by_recipe(recipe: Path, overrides: Sequence[str]) -> None:
    from ..train import is_follower
    from ..train import train as run
    from ._parse import key_values

    with _TrainOutput() as output:
        weights = run(recipe, key_values(overrides), output.show, output.tell)
    if not is_follower():
        output.end(weights, used=False)


def _for_synth(synth: str, minutes: float, device: str, library: Path | None) -> None:
    from ..train import train_for_synth
    from ._parse import library_file

    with _TrainOutput() as output:
        weights = train_for_synth(
            synth,
            library=library_file(library, none=False),
            minutes=minutes,
            device=device,
            progress=output.show,
            tell=output.tell,
        )
    output.end(weights, used=True)


class _TrainOutput:
    """Shows how a training is doing, on stderr; only the path of the weights goes to stdout."""

    def __init__(self) -> None:
        self._bar = ProgressBar("loading", every=_EVERY, first=_FIRST)
        self._last: Progress | None = None

    def __enter__(self) -> "_TrainOutput":
        from ..train import is_follower

        if not is_follower():  # of several processes the first one speaks
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, line: str) -> None:
        """Prints a line that says what is going to be done."""
        with self._bar.hidden():
            say(line, err=True)

    def show(self, progress: Progress) -> None:
        """Shows how much is done, how long is left, and the losses."""
        self._last = progress
        self._bar.show(progress)

    def end(self, weights: Path, *, used: bool) -> None:
        """Prints the last losses, the path of the weights, and how they are used.

        Args:
            weights: The file.
            used: Whether `match` takes them by itself from now on.
        """
        if self._last is not None and self._last.losses:
            say(f"trained  {'  '.join(losses_text(self._last.losses))}", err=True)
        say(str(weights))
        if used:
            say(f"`patchflow match SOUND --synth {weights.stem}` uses these weights from now on", err=True)
        else:
            model = shlex.quote(str(weights.parent))
            say(f"to use these weights: patchflow match SOUND --synth {weights.stem} --model {model}", err=True)
