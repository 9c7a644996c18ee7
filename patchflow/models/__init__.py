"""One architecture, one file: `models["posterior"]` is a class; trained ones are files."""

from ..registry import Registry
from ._autoencoder import AutoEncoder
from ._density import Density, as_density
from ._files import find_weights, load_model, own_weights, read_header, save_model, shipped, weights_of
from ._macros import Macros
from ._model import Batch, Model, sample

__all__ = [
    "AutoEncoder",
    "Batch",
    "Density",
    "Macros",
    "Model",
    "as_density",
    "find_weights",
    "load_model",
    "models",
    "own_weights",
    "read_header",
    "sample",
    "save_model",
    "shipped",
    "weights_of",
]

models: Registry[type[Model]] = Registry("patchflow.models", "model")
