"""A preset: the values of a synth's parameters and what is known about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .parameters import Value
from .space import ParamSpace

__all__ = ["Preset", "check"]


@dataclass(frozen=True)
class Preset:
    """The setting of a synth.

    Args:
        synth: Name of the engine it belongs to, e.g. `"dexed"`.
        values: A value for every parameter of the synth's space, in native units.
        name: What the user calls it.
        category: E.g. `"Bass"`; "" if unknown.
        author: "" if unknown.
        tags: Free words.
        state: What the synth's own file holds beyond the space, in the format's own bytes; kept on the way through.

    Example:
        >>> Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, name="Pluck").name
        'Pluck'
    """

    synth: str
    values: Mapping[str, Value]
    name: str = ""
    category: str = ""
    author: str = ""
    tags: tuple[str, ...] = field(default=())
    state: bytes = b""


def check(preset: Preset, space: ParamSpace) -> None:
    """Makes sure that a preset is complete and that all its values are allowed.

    Args:
        preset: From any source.
        space: The parameters of its synth.

    Raises:
        PresetError: If a parameter is missing or its value is not allowed.
        UnknownName: If a name is not a parameter.

    Example:
        >>> from patchflow.presets import Knob
        >>> check(Preset("tone", {"gain": 9}), ParamSpace((Knob("gain", -60, 0, unit="dB"),)))
        Traceback (most recent call last):
        patchflow.errors.PresetError: gain=9: not in [-60, 0] dB
    """
    space.numbers(preset.values)
