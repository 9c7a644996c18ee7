"""The Vital engine with everything that its files can set."""

from collections.abc import Mapping
from typing import ClassVar

from ..presets import ParamSpace
from ..presets.vital import FULL
from ._vital import VitalPlayer

__all__ = ["VitalFull"]


class VitalFull(VitalPlayer):
    """Vital, all 772 controls and 64 modulations; `vital` has those that presets use most.

    References:
        https://github.com/DBraun/Vita, https://github.com/mtytel/vital
    """

    synth: ClassVar[str] = "vital_full"
    space: ClassVar[ParamSpace] = FULL
    tuning: ClassVar[Mapping[tuple[str, ...], float]] = {("voice_transpose",): 100.0, ("voice_tune",): 1.0}
    relatives: ClassVar[tuple[str, ...]] = ("vital",)
