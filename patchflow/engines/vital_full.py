"""The Vital engine with everything that its files can set."""

from typing import ClassVar

import numpy as np

from ..presets import ParamSpace
from ..presets.vital import FULL
from ._engine import Engine, Note
from ._vital import VitalPlayer

__all__ = ["VitalFull"]


class VitalFull(Engine):
    """Vital, all 772 controls and 64 modulations; `vital` has those that presets use most.

    References:
        https://github.com/DBraun/Vita, https://github.com/mtytel/vital
    """

    space: ClassVar[ParamSpace] = FULL
    native: ClassVar[str] = "vital"

    def __init__(self) -> None:
        self._player = VitalPlayer(FULL)

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note; see `Engine.render`."""
        return self._player.render(point, note, rate)

    def build_on(self, rest: bytes) -> None:
        """Starts from other wavetables, samples and so on; see `Engine.build_on`."""
        self._player.build_on(rest)

    def canonical(self, points: np.ndarray) -> np.ndarray:
        """Resets what cannot be heard; see `presets.vital.canonical`."""
        return self._player.canonical(points)
