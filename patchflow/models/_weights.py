"""Trained models on disk: safetensors whose header says which model, synth and sizes they are."""

import functools
import hashlib
import json
import math
import os
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from ..errors import ModelError, StorageError
from ..old_names import with_new_names
from ..parsing import damage_named, json_value
from ..presets import ParamSpace
from ..storage import opened_file, user_folder, write_atomically
from ._base import Network

__all__ = [
    "find_weights",
    "header_of",
    "load_model",
    "read_header",
    "save_model",
    "shipped",
    "users_weights",
    "weights_of",
]

_FORMAT = "2"
_READABLE = ("1", "2")  # the first has older names of sizes
_USUAL = "posterior"  # the model whose weights are called after the synth alone
_OURS = Path(__file__).absolute().parent / "weights"  # those that come with the package
M = TypeVar("M", bound=Network)


def save_model(path: str | Path, model: Network, name: str, synth: str, *, about: dict[str, Any] | None = None) -> None:
    """Writes weights in half precision, and whole numbers as they are, with all that makes the model again.

    Args:
        path: File to write, whole or not at all.
        model: The model.
        name: Its name in the registry of models.
        synth: Name of the synth it was trained for.
        about: Facts for people: recipe, steps, losses.

    Raises:
        StorageError: If the file cannot be written.
    """
    header = header_of(name, synth, model.space, model.config(), about or {})
    halved = dict(model.named_parameters())  # counts and statistics would not fit
    tensors = {}
    for key, value in model.state_dict().items():
        kept = value.half() if key in halved else value
        tensors[key] = kept.contiguous()
    write_atomically(path, save(tensors, header))


def header_of(
    name: str, synth: str, space: ParamSpace, config: Mapping[str, Any], about: Mapping[str, Any]
) -> dict[str, str]:
    """Returns the header of a file that `read_header` and `weights_of` know.

    Args:
        name: Name of the model.
        synth: Name of the synth it is for.
        space: The synth's parameters.
        config: What makes the model again.
        about: Facts for people.
    """
    return {
        "format": _FORMAT,
        "model": name,
        "synth": synth,
        "parameters": json.dumps(space.names),
        "space": _fingerprint(space),
        "config": json.dumps(config),
        "about": json.dumps(about),
    }


def load_model(path: str | Path, space: ParamSpace, models: Mapping[str, type[M]]) -> M:
    """Makes the model of a file, ready for inference.

    Args:
        path: File that `save_model` wrote.
        space: Parameters of the synth it will be used for.
        models: Where models are looked up.

    Raises:
        ModelError: If the file is missing, damaged, or of another synth or model.
    """
    header = read_header(path)
    if not _fits(header, space):
        raise ModelError(f"{path}: trained for synth {header['synth']!r}, whose parameters differ from these")
    with damage_named(path, ModelError, is_what="damaged or of another version"), safe_open(path, "pt") as file:
        sizes = with_new_names("sizes", json_value(header["config"]))
        kind = models[header["model"]]
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        # Weights of the package need no check, which would be half of the time that a match takes to load.
        if Path(path).absolute().parent != _OURS:
            _check_sizes(sizes, shapes)
            _check_shapes(lambda: kind(space, **sizes), shapes)
        model = kind(space, **sizes)
        # Files are in half precision, so every tensor goes back to the type the model has. Older files also hold
        # buffers that follow from the sizes, which models no longer save: those are left out.
        types = {key: value.dtype for key, value in model.state_dict().items()}
        derived = dict(model.named_buffers()).keys() - types
        wanted = shapes.keys() - derived
        model.load_state_dict({key: file.get_tensor(key).to(types[key]) for key in wanted})
    return model.eval().requires_grad_(False)


def read_header(path: str | Path) -> dict[str, str]:
    """Returns what `save_model` wrote beside the weights.

    Raises:
        ModelError: If the file is missing or not a model.
    """
    with damage_named(path, ModelError, is_what="not a readable model file"):
        try:
            with opened_file(path):  # a device or a pipe would keep safetensors waiting
                pass
        except StorageError as error:
            raise ModelError(f"{path}: not a readable model file ({error})") from error
        with safe_open(path, "np") as file:
            header = file.metadata() or {}
    missing = {"format", "model", "synth", "parameters", "config"} - header.keys()
    if missing or header["format"] not in _READABLE:
        raise ModelError(f"{path}: not a patchflow model of format {' or '.join(_READABLE)}")
    return header


def shipped(synth: str, model: str = _USUAL) -> Path | None:
    """Returns the weights that come with the package for a synth, if there are any.

    Args:
        synth: Name of the engine.
        model: Name of the model.
    """
    path = _OURS / _file_name(synth, model)
    return path if path.exists() else None


def users_weights(synth: str, model: str = _USUAL) -> Path:
    """Returns where a user's own weights for a synth lie: in `$PATCHFLOW_WEIGHTS` or their data folder.

    Args:
        synth: Name of the engine.
        model: Name of the model.

    Raises:
        StorageError: If there is no such folder, see `user_folder`.
    """
    chosen = os.environ.get("PATCHFLOW_WEIGHTS")
    folder = Path(chosen) if chosen else user_folder() / "weights"
    return folder / _file_name(synth, model)


def weights_of(synth: str, space: ParamSpace, model: str = _USUAL) -> Path | None:
    """Returns the weights to use for a synth: the user's own, else those that are shipped, if there are any.

    Those that are shipped are for a plug-in as `patchflow synth add` describes it. For one whose description was
    changed there are none.

    Args:
        synth: Name of the engine.
        space: Its parameters.
        model: Name of the model.
    """
    with suppress(StorageError):  # who has no folder has no weights of their own
        own = users_weights(synth, model)
        if own.exists():
            return own
    ours = shipped(synth, model)
    return ours if ours and _fits(read_header(ours), space) else None


def find_weights(synth: str, space: ParamSpace, wanted: str | Path, models: Mapping[str, type[M]]) -> Path:
    """Returns the weights that are meant by a path or by the name of a model.

    Args:
        synth: Name of the engine.
        space: Its parameters.
        wanted: A file, or the folder that a training run wrote; or, if there is none of this name, a model of which
            the user or the package has weights.
        models: Where models are looked up.

    Raises:
        ModelError: If it is none of these; what has a folder or an ending is taken for a path.
    """
    path = Path(wanted)
    name = str(wanted)
    of_run = path / f"{synth}.safetensors"
    if of_run.is_file():
        return of_run
    if path.is_file() or path.parent != Path() or path.suffix:
        return path
    if name not in models:
        raise ModelError(f"model={name!r}: neither a file nor one of the models {', '.join(models)}")
    found = weights_of(synth, space, name)
    if found is None:
        raise ModelError(
            f"model={name!r}: no weights for synth {synth!r}; looked for {users_weights(synth, name)} "
            f"and among the shipped ones. Train some with `patchflow train`, or give a file"
        )
    return found


def _fits(header: dict[str, str], space: ParamSpace) -> bool:
    """Whether weights are for parameters of these names and, if the header says so, these ranges."""
    same_names = header["parameters"] == json.dumps(space.names)
    return same_names and header.get("space", _fingerprint(space)) == _fingerprint(space)


@functools.lru_cache(maxsize=8)  # it takes longer than reading a header, and a match asks four times
def _fingerprint(space: ParamSpace) -> str:
    """A hash of all that decides what a point of the cube stands for."""
    # group and default say nothing of that, and may change from version to version
    facts = [{**asdict(parameter), "group": "", "default": None} for parameter in space.parameters]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _file_name(synth: str, model: str) -> str:
    return f"{synth}.safetensors" if model == _USUAL else f"{synth}-{model}.safetensors"


def _check_sizes(sizes: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Compares the sizes in a header with how much a file holds, before anything counts up to one of them.

    Raises:
        ValueError: If one is larger than all tensors together, which no width, and no number of layers, is.
    """
    most = sum(math.prod(shape) for shape in shapes.values())
    for name, value in sizes.items():
        for size in value if isinstance(value, list) else [value]:
            if isinstance(size, int | float) and not -most <= size <= most:
                raise ValueError(f"{name}={value}: its header asks for more than the {most:,} numbers there are")


def _check_shapes(make: Callable[[], nn.Module], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Makes a model that has sizes and no weights, and compares its tensors with those of a file.

    A header may ask for more than any memory has, or for layers without end: nothing is made of more tensors, or larger
    ones, than the file holds.

    Raises:
        ValueError: If they differ.
    """
    here = threading.get_ident()
    made = 0

    def count(*_: object) -> None:
        nonlocal made
        made += threading.get_ident() == here  # the hook is there for all threads
        if made > len(shapes):
            raise ValueError("its header asks for more tensors than there are")

    hook = register_module_parameter_registration_hook(count)
    try:
        # A size of 0 is no fault of its own, and what torch says of it is no line of ours.
        with warnings.catch_warnings(action="ignore"), torch.device("meta"):
            model = make()
    finally:
        hook.remove()
    for key, value in model.state_dict().items():
        if shapes.get(key) != tuple(value.shape):
            raise ValueError(f"{key}: its header asks for {tuple(value.shape)}, and there is {shapes.get(key, 'none')}")
    unknown = shapes.keys() - model.state_dict().keys() - dict(model.named_buffers()).keys()
    if unknown:
        raise ValueError(f"{min(unknown)}: not a tensor of this model")
