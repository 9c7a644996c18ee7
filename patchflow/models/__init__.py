"""One architecture, one file: `models["posterior"]` is a class; trained ones are files."""

from ..registry import Registry
from ._files import load_model, own_weights, read_header, save_model, shipped, weights_of
from ._model import Model

__all__ = [
    "Model",
    "load_model",
    "models",
    "own_weights",
    "read_header",
    "save_model",
    "shipped",
    "weights_of",
]

models: Registry[type[Model]] = Registry("patchflow.models", "model")
