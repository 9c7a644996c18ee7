"""The model of a run and all that belongs to it, as they are before the first step."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import AdamW

from ..errors import ModelError, OptionError, UnknownName
from ..features.inputs import inputs
from ..models import Model, default_sizes, load_model, models
from ..presets import ParamSpace
from .checkpoint import State
from .losses import ERROR, Terms
from .recipe import Recipe
from .training_data import Material, Source, load

__all__ = ["begin", "settle"]

_LOOKED_AT = 128  # items that a model sees before the first step


def begin(settings: Recipe, space: ParamSpace, source: Source, device: str) -> State:
    """Makes the model and all that belongs to it.

    Args:
        settings: The recipe.
        space: Parameters of the synth.
        source: What will be learned from.
        device: Where the model goes.

    Raises:
        UnknownName: If there is no such model, or it has no such size.
        OptionError: If a size is not allowed, or the model hears something else than there is.
        ModelError: If the weights to begin with are not of this model.
    """
    model = _make(settings, space, _sizes(settings, source.pairs))
    if model.hears != source.hears:
        raise OptionError(
            f"model={settings.model!r}: hears {model.hears!r}, but {source.place} gives {source.hears!r}. "
            "Give sizes.hears, if the model has that, or other data."
        )
    if settings.augmented and not inputs[model.hears].bounded:
        raise OptionError(f"augmented={settings.augmented}: only levels can be, not {model.hears!r}. Give augmented=0.")
    if settings.workers > 1 and any(isinstance(m, nn.modules.dropout._DropoutNd) for m in model.modules()):
        raise OptionError(f"workers={settings.workers}: {settings.model!r} drops out at random. Give workers=1.")
    if settings.start:
        _continue(model, settings, space)
    model.to(device)
    optimizer = AdamW(model.parameters(), settings.rate, weight_decay=settings.weight_decay, fused=True)
    learned = {key: getattr(settings, key) for key in ("bank", "data", "fold", "seed")}
    return State(model, copy.deepcopy(model).requires_grad_(False), optimizer, learned)


def settle(state: State, settings: Recipe, material: Material, device: str) -> Terms:
    """Shows the model of a new run its first items, and finds the names of the terms of its loss.

    It is told mean and deviation of the training items if it has `normalise`, and layers that begin with what they
    see first see it now, before there are replicas. A model that has learned already is not changed.

    Args:
        state: What `begin` made, restored if the run goes on.
        settings: The recipe.
        material: What is learned from.
        device: Where the model is.

    Raises:
        UnknownName: If the recipe names terms that the loss has not.
    """
    new = state.step == 0
    model = state.model if new else copy.deepcopy(state.model)
    normalise = getattr(model, "normalise", None)
    if new and callable(normalise) and not settings.start:
        normalise(material.mean.to(device), material.std.to(device))
    rows = np.random.default_rng(settings.seed).permutation(len(material.train))[: min(_LOOKED_AT, settings.batch)]
    batch = load(material.train, np.sort(rows), material.hears).to(device)
    torch.manual_seed(settings.seed)
    with torch.no_grad():
        names = tuple(model.train().loss(batch, torch.Generator(device).manual_seed(settings.seed)))
    if new:
        state.average.load_state_dict(model.state_dict())
    terms = Terms(names, settings.weights, settings.warm_up)
    if settings.watch not in ("", ERROR):
        terms.check(settings.watch)
    return terms


def _make(settings: Recipe, space: ParamSpace, sizes: Mapping[str, Any]) -> Model:
    torch.manual_seed(settings.seed)
    try:
        return models[settings.model](space, **sizes)
    except (ValueError, RuntimeError) as error:
        shown = ", ".join(f"{name}={size!r}" for name, size in sizes.items())
        raise OptionError(f"model={settings.model!r}, sizes {shown or 'as they are'}: {error}") from error


def _sizes(settings: Recipe, pairs: int) -> dict[str, Any]:
    """The keyword arguments of the model, each of the type of its default; the number of tag pairs is the data's."""
    known = default_sizes(models[settings.model])
    sizes = dict(settings.sizes)
    if "pairs" in known and pairs:
        sizes.setdefault("pairs", pairs)
    for name, size in sizes.items():
        if name not in known:
            raise UnknownName(f"size of model {settings.model!r}", name, known)
        _check_size(name, size, known[name])
    if "pairs" in known and sizes.get("pairs", 0) not in (0, pairs) and pairs:
        raise OptionError(f"sizes.pairs={sizes['pairs']}: the data has {pairs} tag pairs")
    return sizes


def _check_size(name: str, size: Any, default: Any) -> None:
    if type(default) is int and not (type(size) is int and size >= min(1, default)):
        raise OptionError(f"sizes.{name}={size!r}: not a whole number of at least {min(1, default)}")
    if type(default) is float and type(size) not in (int, float):
        raise OptionError(f"sizes.{name}={size!r}: not a number")
    if type(default) is str and type(size) is not str:
        raise OptionError(f"sizes.{name}={size!r}: not a text")


def _continue(model: Model, settings: Recipe, space: ParamSpace) -> None:
    start = load_model(settings.start, space, models)
    if type(start) is not type(model) or start.config() != model.config():
        raise ModelError(
            f"start={settings.start!r}: is a {type(start).__name__} of {start.config()}, not of {model.config()}"
        )
    model.load_state_dict(start.state_dict())
