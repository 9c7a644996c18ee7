"""One architecture, one file: `models["posterior"]` is a class."""

from typing import Any

from ..registry import Registry

__all__ = ["models"]

models: Registry[Any] = Registry("patchflow.models", "model")
