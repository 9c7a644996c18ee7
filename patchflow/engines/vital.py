"""The Vital engine: the parameters that presets use most."""

from collections.abc import Mapping
from typing import ClassVar

from ..presets import ParamSpace
from ..presets.vital import CORE
from ._vital import VitalPlayer

__all__ = ["Vital"]


class Vital(VitalPlayer):
    """Vital, the 179 parameters of its core; `vital_full` has all.

    References:
        https://github.com/DBraun/Vita, https://github.com/mtytel/vital
    """

    synth: ClassVar[str] = "vital"
    space: ClassVar[ParamSpace] = CORE
    tuning: ClassVar[Mapping[tuple[str, ...], float]] = {
        ("voice_transpose",): 100.0,
        ("osc_1.tune", "osc_2.tune", "osc_3.tune"): 1.0,
    }
    relatives: ClassVar[tuple[str, ...]] = ("vital_full",)
