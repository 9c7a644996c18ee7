"""One architecture, one file: `models["posterior"]` is a class; trained ones are files."""

from ..registry import Registry
from ._files import load_model, read_header, save_model, shipped
from ._model import Model

__all__ = ["Model", "load_model", "models", "read_header", "save_model", "shipped"]

models: Registry[type[Model]] = Registry("patchflow.models", "model")
