"""One synth, one file: `engines["dexed"]()` makes one."""

from ..registry import Registry
from ._engine import Engine, Note
from ._renderer import Renderer

__all__ = ["Engine", "Note", "Renderer", "engines"]

engines: Registry[type[Engine]] = Registry("patchflow.engines", "synth")
