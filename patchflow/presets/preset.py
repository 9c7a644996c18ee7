"""A preset: the values of a synth's parameters and what is known about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .parameters import Value

__all__ = ["Preset"]


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
