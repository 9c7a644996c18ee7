"""The Dexed engine: a DX7, bit-exact and fast, from the dexed-py package."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

# The public class of this name wraps every call in a Patch, which costs more than rendering.
from dexed._dexed import DexedSynth  # pyright: ignore[reportMissingImports]

from ..presets import ParamSpace, dx7
from ._dexed_tuning import TUNING, transposed_voices
from ._engine import Engine, Note

__all__ = ["Dexed"]

_UNNAMED_ALL_ON = b" " * 10 + b"\x3f"  # an empty name, and six bits that switch the operators on


class Dexed(Engine):
    """A DX7 voice on the engine of Dexed, all 145 parameters.

    References:
        https://github.com/DBraun/dexed-py, https://github.com/asb2m10/dexed
    """

    space: ClassVar[ParamSpace] = dx7.SPACE
    native: ClassVar[str] = "syx"
    tuning: ClassVar[Mapping[tuple[str, ...], float]] = TUNING
    lacks: ClassVar[Mapping[str, str]] = {"noise": "a DX7 has no source of noise"}

    def __init__(self) -> None:
        self._synths: dict[int, DexedSynth] = {}

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note; see `Engine.render`."""
        if rate not in self._synths:
            self._synths[rate] = DexedSynth(float(rate))
        synth = self._synths[rate]
        synth.load_sysex(dx7.bytes_from_points(point).tobytes() + _UNNAMED_ALL_ON)
        sound = synth.render(note.pitch, note.velocity, note.hold, note.length)
        return _fit(sound, note.samples(rate))

    def canonical(self, points: np.ndarray) -> np.ndarray:
        """Resets what cannot be heard; see `presets.dx7.canonical`."""
        return dx7.canonical(points)

    def sorted_parts(self, points: np.ndarray) -> np.ndarray:
        """Sorts interchangeable operators; see `presets.dx7.sorted_parts`."""
        return dx7.sorted_parts(points)

    def transposed(self, points: np.ndarray, cents: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """Moves the pitch; see `_dexed_tuning`."""
        return transposed_voices(points, cents, np.ones(len(self.space), bool) if free is None else free)


def _fit(sound: np.ndarray, samples: int) -> np.ndarray:
    """The engine rounds the length down; ours is rounded to nearest."""
    if len(sound) == samples:
        return sound
    return np.pad(sound[:samples], (0, max(0, samples - len(sound))))
