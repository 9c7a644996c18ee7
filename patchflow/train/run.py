"""A training run, from its recipe to its weights."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..engines import engines
from ..errors import ModelError
from ..models import read_header, save_model
from ..parsing import damage_named, json_value
from ..progress import ProgressCallback, TellCallback, ignore, tell_nobody
from ..storage import locked, make_folder, write_atomically
from ..version import commit
from .build import build, settle
from .checkpoint import State, load_checkpoint
from .distributed import Team, joined
from .loader import Loader
from .log import Log, last_losses
from .loop import Loop
from .recipe import Recipe, read_recipe
from .replicas import Replicas
from .training_data import Source, open_data, open_source, streamed

__all__ = ["fit", "train"]


def train(
    recipe: str | Path,
    overrides: Mapping[str, str] | None = None,
    progress: ProgressCallback = ignore,
    tell: TellCallback = tell_nobody,
) -> Path:
    """Renders the training items or opens the examples, fits the model and writes its weights.

    Interrupted runs go on from their last checkpoint, to the same weights. `log.jsonl` in the output folder holds
    every term of the loss, `recipe.json` the settings as resolved and the commit. Started by torchrun, several
    processes share every batch; the first one renders, writes and reports.

    Args:
        recipe: Path of a TOML recipe, see `Recipe`.
        overrides: Values by key, as text.
        progress: Called after every block of renders, after every check of the loss, and every few seconds.
        tell: Called with lines that say what is trained, on what, into which folder and when it will end, before it
            begins.

    Returns:
        Path of the weights.

    Raises:
        OptionError: If the recipe has values that are not allowed or contradict each other, memory is not enough
            for its batch, or the model cannot be compiled.
        UnknownName: If it names keys, synths, models, sizes or terms of the loss that do not exist.
        StorageError: If bank or examples are missing or of another synth, a file cannot be written, or another run
            works in the output folder.
        ModelError: If a term of the loss stops being finite; the last checkpoint is kept.
        MissingDependency: If it wants TensorBoard, and that is not installed.
    """
    settings = read_recipe(recipe, overrides)
    with joined(settings.device) as team, _locked(settings, team):
        return fit(settings, team, progress, tell)


def fit(settings: Recipe, team: Team, progress: ProgressCallback, tell: TellCallback) -> Path:
    """Does the whole run on this process, one of `team`; whoever calls it has the output folder locked, see `train`."""
    out = Path(settings.out)
    space = engines[settings.synth].space

    # Model and checkpoint come before the items: what is wrong with a recipe is said before hours of rendering.
    source = open_source(settings)
    state = build(settings, space, source, team.device)
    load_checkpoint(out / "checkpoint.safetensors", state)
    if team.leads:
        _write_settings(out, settings)
        for line in _plan(settings, source, state):
            tell(line)

    data = open_data(settings, source, team, progress)
    terms = settle(state, settings, data, team.device)
    # replicas are copies of the model, so all that changes its weights or its layers comes before them
    team.prepare(state.model)

    with (
        streamed(settings, source, data, state.step) as items,
        _log(settings, team, state.step) as log,
        Loader(
            items,
            data.input,
            batch=settings.batch,
            seed=settings.seed,
            shuffled=settings.epochs > 0,
            augmented=settings.augmented,
            device=team.device,
        ) as loader,
        Replicas(state.model, settings.workers, team, compiled=settings.compile) as replicas,
    ):
        loop = Loop(
            settings=settings,
            state=state,
            terms=terms,
            data=data,
            loader=loader,
            replicas=replicas,
            team=team,
            out=out,
            log=log,
            progress=progress,
        )
        loop.run()

    # the whole run is over for all processes when the first one has written the weights
    path = out / f"{settings.synth}.safetensors"
    if team.leads:
        epochs = round(state.step / loader.epoch, 3)
        _save_weights(path, state, settings, epochs, source)
    team.wait()
    return path


def _locked(settings: Recipe, team: Team) -> AbstractContextManager[None]:
    """Keeps other runs out of the output folder: their checkpoints would be mixed with those of this one."""
    return locked(settings.out) if team.leads else nullcontext()


def _log(settings: Recipe, team: Team, step: int) -> AbstractContextManager[Log | None]:
    """The log of a run that goes on from a step: only the first process writes one."""
    if team.leads:
        return Log(Path(settings.out), step, tensorboard=settings.tensorboard)
    return nullcontext()


def _plan(settings: Recipe, source: Source, state: State) -> Iterator[str]:
    """What a user should know before it begins: what is trained, on what, and when it will end."""
    count = sum(weight.numel() for weight in state.model.parameters())
    yield f"trains the model {settings.model} ({count:,} weights) for the synth {settings.synth}, in {settings.out}"
    if source.bank is not None:
        parts = {part: int((source.bank.split == part).sum()) for part in ("train", "valid")}
        when = "rendered anew all the time" if settings.stream else "rendered first, once"
        yield (
            f"on {settings.items:,} sounds around {parts['train']:,} presets of {settings.bank} ({when}); "
            f"validates on {parts['valid']:,} other presets"
        )
    if source.examples is not None:
        rows = {part: len(source.examples.rows(part)) for part in ("train", "valid")}
        yield (
            f"on {rows['train']:,} examples of {settings.data}, fold {settings.fold}; "
            f"validates on {rows['valid']:,} others"
        )
    yield _limits(settings)
    if state.step:
        yield f"goes on from step {state.step:,}, after {state.minutes:.1f} minutes"


def _limits(settings: Recipe) -> str:
    """When a run ends, e.g. `"ends after 51 minutes of training, or 60,000 steps if those are sooner"`."""
    amount = f"{settings.epochs:,} epochs" if settings.epochs else f"{settings.steps:,} steps"
    if settings.minutes:
        amount = f"{settings.minutes:g} minutes of training, or {amount} if those are sooner"
    said = f"ends after {amount}"
    if settings.patience:
        said += f"; before that if {settings.patience:g} epochs bring nothing better"
    return said


def _write_settings(out: Path, settings: Recipe) -> None:
    """Writes `recipe.json`: the settings as resolved, and the commit."""
    facts = {**asdict(settings), "commit": commit()}
    make_folder(out)
    write_atomically(out / "recipe.json", json.dumps(facts, indent=1).encode())


def _save_weights(path: Path, state: State, settings: Recipe, epochs: float, source: Source) -> None:
    """Writes the weights that are kept, with the facts about the run in their header."""
    about: dict[str, Any] = {
        "recipe": asdict(settings),
        "commit": commit(),
        "steps": state.step,
        "epochs": epochs,
        "minutes": round(state.minutes, 3),
        "losses": last_losses(path.parent),
    }
    if source.examples is not None:
        about["data"] = source.examples.fingerprint  # so that nobody tests it on what it has learned
    if settings.start:
        with damage_named(settings.start, ModelError):
            about["before"] = json_value(read_header(settings.start).get("about", "{}"))
    if state.best and settings.keeps_best:
        state.average.load_state_dict(state.best)
        about["best"] = {"step": state.early_stopping.best_step, "loss": state.early_stopping.best}
    save_model(path, state.average, settings.model, settings.synth, about=about)
