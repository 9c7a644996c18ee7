"""Trained models on disk: safetensors whose header says which model, synth and sizes they are."""

import json
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

__all__ = ["load_model", "read_header", "save_model", "shipped"]

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
    tensors = {key: value.to(torch.float16).contiguous() for key, value in model.state_dict().items()}
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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
