"""A training run, from its recipe to its weights: the model and all that belongs to it, built, trained and kept."""

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from ..engines import engines
from ..errors import ModelError, OptionError, UnknownName
from ..features.inputs import inputs
from ..models import Model, default_sizes, load_model, models, read_header, save_model
from ..parsing import damage_named, json_value
from ..presets import ParamSpace
from ..progress import ProgressCallback, TellCallback, ignore, tell_nobody
from ..storage import locked, make_folder, write_atomically
from ..version import commit
from .checkpoint import Log, State, last_losses, load_checkpoint
from .distributed import Replicas, Team, joined
from .loader import Loader
from .loop import Loop
from .recipe import Recipe, read_recipe
from .schedule import ERROR, Terms
from .training_data import Source, TrainingData, load_batch, open_data, open_source, streamed

__all__ = ["build", "fit", "settle", "train"]

_SHOWN = 128  # items that a model sees before the first step


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


@runtime_checkable
class _Normalises(Protocol):
    """A model that standardises its input, and gets mean and deviation of the training items for that."""

    def normalise(self, mean: Tensor, std: Tensor) -> None: ...


def build(settings: Recipe, space: ParamSpace, source: Source, device: str) -> State:
    """Makes the model and all that belongs to it.

    Args:
        settings: The recipe.
        space: Parameters of the synth.
        source: What will be learned from.
        device: Where the model goes.

    Raises:
        UnknownName: If there is no such model, or it has no such size.
        OptionError: If a size is not allowed, or the model takes another input than there is.
        ModelError: If the weights to begin with are not of this model.
    """
    sizes = _sizes(settings, source.attributes)
    model = _make(settings, space, sizes)
    _check_fits(model, settings, source)
    if settings.start:
        _load_start(model, settings, space)
    model.to(device)
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = AdamW(model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
    # written into checkpoints: a run goes on with the same items only
    learned = {key: getattr(settings, key) for key in ("bank", "data", "fold", "seed")}
    return State(model, average, optimizer, learned)


def settle(state: State, settings: Recipe, data: TrainingData, device: str) -> Terms:
    """Shows the model of a new run its first items, and finds the names of the terms of its loss.

    If it has `normalise`, it gets mean and deviation of the training items. Layers that begin with what they see first
    see it now, before there are replicas. A model that has learned already is not changed.

    Args:
        state: What `build` made, restored if the run goes on.
        settings: The recipe.
        data: What is learned from.
        device: Where the model is.

    Raises:
        UnknownName: If the recipe names terms that the loss has not.
    """
    new = state.step == 0
    # the names of the terms come from a loss; to compute one changes batch norm, so a resumed run does it with a copy
    model = state.model if new else copy.deepcopy(state.model)
    if new and not settings.start and isinstance(model, _Normalises):
        model.normalise(data.mean.to(device), data.std.to(device))

    rng = np.random.default_rng(settings.seed)
    rows = rng.permutation(len(data.train))[: min(_SHOWN, settings.batch)]
    batch = load_batch(data.train, np.sort(rows), data.input).to(device)
    torch.manual_seed(settings.seed)
    generator = torch.Generator(device).manual_seed(settings.seed)
    with torch.no_grad():
        names = tuple(model.train().loss(batch, generator))
    if new:
        state.average.load_state_dict(model.state_dict())

    terms = Terms(names, settings.weights, settings.loss_warmup)
    if settings.monitor not in ("", ERROR):
        terms.check(settings.monitor)
    return terms


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


def _make(settings: Recipe, space: ParamSpace, sizes: Mapping[str, Any]) -> Model:
    torch.manual_seed(settings.seed)
    try:
        return models[settings.model](space, **sizes)
    except (ValueError, RuntimeError) as error:
        shown = ", ".join(f"{name}={size!r}" for name, size in sizes.items())
        raise OptionError(f"model={settings.model!r}, sizes {shown or 'as they are'}: {error}") from error


def _sizes(settings: Recipe, attributes: int) -> dict[str, Any]:
    """The keyword arguments of the model, each of the type of its default; the number of attributes is the data's."""
    defaults = default_sizes(models[settings.model])
    sizes = dict(settings.sizes)
    if "attributes" in defaults and attributes:
        sizes.setdefault("attributes", attributes)
    for name, size in sizes.items():
        if name not in defaults:
            raise UnknownName(f"size of model {settings.model!r}", name, defaults)
        _check_size(name, size, defaults[name])
    if "attributes" in defaults and sizes.get("attributes", 0) not in (0, attributes) and attributes:
        raise OptionError(f"sizes.attributes={sizes['attributes']}: the data has {attributes} attributes")
    return sizes


def _check_size(name: str, size: Any, default: Any) -> None:
    if type(default) is int and not (type(size) is int and size >= min(1, default)):
        raise OptionError(f"sizes.{name}={size!r}: not a whole number of at least {min(1, default)}")
    if type(default) is float and type(size) not in (int, float):
        raise OptionError(f"sizes.{name}={size!r}: not a number")
    if type(default) is str and type(size) is not str:
        raise OptionError(f"sizes.{name}={size!r}: not a text")


def _check_fits(model: Model, settings: Recipe, source: Source) -> None:
    """Makes sure that the model can learn from the items in the way the recipe says."""
    if model.input != source.input:
        raise OptionError(
            f"model={settings.model!r}: takes the input {model.input!r}, but {source.place} gives {source.input!r}. "
            "Give sizes.input, if the model has that, or other data."
        )
    if settings.augmented and not inputs[model.input].bounded:
        raise OptionError(f"augmented={settings.augmented}: only levels can be, not {model.input!r}. Give augmented=0.")
    # torch's dropout draws from one state of the whole process, which threads would use in any order
    drops = any(isinstance(module, nn.modules.dropout._DropoutNd) for module in model.modules())
    if settings.workers > 1 and drops:
        raise OptionError(f"workers={settings.workers}: {settings.model!r} drops out at random. Give workers=1.")


def _load_start(model: Model, settings: Recipe, space: ParamSpace) -> None:
    """Loads the weights to begin with."""
    start = load_model(settings.start, space, models)
    if type(start) is not type(model) or start.config() != model.config():
        raise ModelError(
            f"start={settings.start!r}: is a {type(start).__name__} of {start.config()}, not of {model.config()}"
        )
    model.load_state_dict(start.state_dict())
