"""The model of a run and all that belongs to it, as it is before the first step."""

import copy
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from ..errors import ModelError, OptionError, UnknownName
from ..features.inputs import inputs
from ..models import Model, default_sizes, load_model, models
from ..presets import ParamSpace
from .checkpoint import State
from .losses import ERROR, Terms
from .recipe import Recipe
from .training_data import Source, TrainingData, load_batch

__all__ = ["build", "settle"]

_SHOWN = 128  # items that a model sees before the first step


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
