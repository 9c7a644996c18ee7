"""Trained models on disk: safetensors whose header says which model, synth and sizes they are."""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..errors import ModelError, UnknownName
from ..presets import ParamSpace
from ..registry import Registry
from ..storage import write_atomically
from ._model import Model

__all__ = ["load_model", "own_weights", "read_header", "save_model", "shipped", "weights_of"]

_FORMAT = "1"


M = TypeVar("M", bound=Model)


def save_model(path: str | Path, model: Model, name: str, synth: str, *, about: dict[str, Any] | None = None) -> None:
    """Writes weights in half precision with everything needed to make the model again.

    Args:
        path: File to write, whole or not at all.
        model: The model.
        name: Its name in the registry of models.
        synth: Name of the synth it was trained for.
        about: Facts for people: recipe, steps, losses.

    Raises:
        StorageError: If the file cannot be written.
    """
    header = {
        "format": _FORMAT,
        "model": name,
        "synth": synth,
        "parameters": json.dumps(model.space.names),
        "config": json.dumps(model.config()),
        "about": json.dumps(about or {}),
    }
    halved = {name for name, _ in model.named_parameters()}  # counts and statistics would not fit
    tensors = {
        key: (value.to(torch.float16) if key in halved else value).contiguous()
        for key, value in model.state_dict().items()
    }
    write_atomically(path, save(tensors, header))


def load_model(path: str | Path, space: ParamSpace, models: Registry[type[M]]) -> M:
    """Makes the model of a file, ready for inference.

    Args:
        path: File that `save_model` wrote.
        space: Parameters of the synth it will be used for.
        models: Where models are looked up.

    Raises:
        ModelError: If the file is missing, damaged, or of another synth or model.
    """
    header = read_header(path)
    if header["parameters"] != json.dumps(space.names):
        raise ModelError(f"{path}: trained for synth {header['synth']!r}, whose parameters differ from these")
    try:
        model = models[header["model"]](space, **json.loads(header["config"]))
        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        types = {key: value.dtype for key, value in model.state_dict().items()}
        model.load_state_dict({key: value.to(types[key]) for key, value in tensors.items()})
    except (KeyError, OSError, RuntimeError, SafetensorError, TypeError, UnknownName, ValueError) as error:
        raise ModelError(f"{path}: damaged or of another version ({_one_line(error)})") from error
    return model.eval().requires_grad_(False)


def read_header(path: str | Path) -> dict[str, str]:
    """Returns what `save_model` wrote beside the weights.

    Raises:
        ModelError: If the file is missing or not a model.
    """
    try:
        with safe_open(path, "np") as file:
            header = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: not a readable model file ({_one_line(error)})") from error
    missing = {"format", "model", "synth", "parameters", "config"} - header.keys()
    if missing or header["format"] != _FORMAT:
        raise ModelError(f"{path}: not a patchflow model of format {_FORMAT}")
    return header


def shipped(synth: str) -> Path | None:
    """Returns the posterior that comes with the package for a synth, if there is one."""
    path = Path(__file__).parent / "weights" / f"{synth}.safetensors"
    return path if path.exists() else None


def own_weights(synth: str) -> Path:
    """Returns where a user's own posterior for a synth lies: in `$PATCHFLOW_WEIGHTS` or their data folder."""
    from platformdirs import user_data_path

    chosen = os.environ.get("PATCHFLOW_WEIGHTS")
    folder = Path(chosen) if chosen else user_data_path("patchflow", appauthor=False) / "weights"
    return folder / f"{synth}.safetensors"


def weights_of(synth: str) -> Path | None:
    """Returns the posterior to use for a synth: the user's own, else the one that comes along, if there is one."""
    own = own_weights(synth)
    return own if own.exists() else shipped(synth)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
