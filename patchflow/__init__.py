"""Give it a sound, get the preset: `Matcher.load("dexed").match("sound.wav")`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .match import Matcher

__all__ = ["Matcher"]


def __getattr__(name: str) -> Any:
    # importing patchflow must not import torch: the command line answers --help first
    if name == "Matcher":
        from .match import Matcher

        return Matcher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
