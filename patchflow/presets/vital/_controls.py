"""The controls of Vital, and how their numbers in files become values in units."""

import json
import math
import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

import numpy as np

from ...errors import PresetError
from ..space import Choice, Knob, Parameter, Steps, Value

__all__ = ["SLOTS", "VitalControl", "controls", "destinations", "sources"]

SLOTS = 64
"""Modulations that a preset may have."""

_PART = re.compile(
    r"(osc_\d|sample|filter_(?:\d|fx)|env_\d|lfo_\d|random_\d|modulation_\d+"
    r"|chorus|compressor|delay|distortion|eq|flanger|phaser|reverb)_(.+)"
)
_UNITS = {"secs": "s", "semitones": "st", "v": "voices"}


@dataclass(frozen=True)
class VitalControl:
    """One control.

    Args:
        name: As in preset files, e.g. `"osc_1_level"`.
        title: As on Vital's panel.
        low: Smallest number in a file.
        high: Largest number in a file.
        default: Number where a file has none.
        discrete: Whether numbers are whole.
        scale: How numbers become what the panel shows: Linear, Quadratic, Quartic, SquareRoot, Exponential, Indexed.
        multiply: What that is multiplied with.
        offset: What is then added.
        unit: Of the result, as Vital writes it.
        options: What the panel shows instead of whole numbers, if it does.

    Example:
        >>> attack = controls()["env_1_attack"]
        >>> attack.parameter.name, attack.parameter.unit, round(attack.value(0.5), 4)
        ('env_1.attack', 's', 0.0625)
    """

    name: str
    title: str
    low: float
    high: float
    default: float
    discrete: bool
    scale: str
    multiply: float
    offset: float
    unit: str
    options: tuple[str, ...]

    def value(self, number: float) -> Value:
        """Returns what a number in a file stands for.

        Raises:
            PresetError: If it is not allowed.
        """
        # Vital keeps numbers in single precision. One that is far off, or NaN, is not converted: it could overflow.
        near = isinstance(number, int | float) and self.low - 1 < number < self.high + 1
        single = float(np.float32(number)) if near else math.nan
        if not self.low <= single <= self.high or (self.discrete and single != int(single)):
            whole = "a whole number " if self.discrete else ""
            raise PresetError(f"{self.name}={number!r}: not {whole}in [{self.low:g}, {self.high:g}]")
        if not self.discrete:
            return self._shown(single)
        return self._names[int(single - self.low)] if self.options else int(single)

    def number(self, value: Value) -> float:
        """Returns the number that a file has for a value that is allowed."""
        if self.discrete:
            step = self._names.index(str(value)) if self.options else float(value) - self.low
            return self.low + step
        exact = self._hidden((float(value) - self.offset) / self.multiply)
        # rounded as Vital will, so that a file read again gives the same values; rounding may leave the range
        return min(max(float(np.float32(exact)), self.low), self.high)

    @cached_property
    def part(self) -> str:
        """The part of the synth it belongs to, e.g. `"osc_1"`."""
        found = _PART.fullmatch(self.name)
        if found:
            return found[1]
        return "macro" if self.name.startswith("macro") else "voice"

    @cached_property
    def parameter(self) -> Parameter:
        """How it appears in a space; as in a file without it."""
        found = _PART.fullmatch(self.name)
        name = f"{found[1]}.{found[2]}" if found else self.name
        default = self.value(self.default)
        if self.options:
            return Choice(name, self._names, self.part, str(default))
        if self.discrete:
            return Steps(name, int(self.low), int(self.high), self._unit, self.part, int(default))
        return Knob(
            name,
            low=self._shown(self.low),
            high=self._shown(self.high),
            unit=self._unit,
            log=self.scale == "Exponential",
            group=self.part,
            default=float(default),
            power=_POWERS.get(self.scale, 1.0),
        )

    def _shown(self, number: float) -> float:
        """What the panel shows for a number in a file."""
        power = _POWERS.get(self.scale, 1.0)
        scaled = 2.0**number if self.scale == "Exponential" else number**power
        return scaled * self.multiply + self.offset

    def _hidden(self, scaled: float) -> float:
        """The number in a file for what the scale makes of it: the inverse of `_shown`, but for factor and offset."""
        if self.scale == "Exponential":
            return math.log2(scaled)
        if self.scale in _POWERS:
            return max(scaled, 0.0) ** (1 / _POWERS[self.scale])  # below 0 by rounding only
        return scaled

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """A name for every whole number of a control, each once."""
        # Vital has no name for some numbers and the same name for others, and some of its lists begin below `low`.
        low = int(self.low)
        names = [_option(self, number) for number in range(low, int(self.high) + 1)]
        unique = []
        for place, name in enumerate(names):
            unique.append(name if name not in names[:place] else f"{name} {low + place}")
        return tuple(unique)

    @property
    def _unit(self) -> str:
        # Of a frequency the panel shows the period, which falls as the number rises; ours rises with it.
        if self.name.endswith("_frequency"):
            return "Hz"
        unit = self.unit.strip()
        if self.name == "beats_per_minute":
            return "bpm"
        if self.name.endswith("_tune"):
            return "st" if self.multiply == 1 else "cents"
        if self.multiply == 360:
            return "°"
        return _UNITS.get(unit, unit) or ("st" if self.name.endswith("_cutoff") else "")


_POWERS = {"Quadratic": 2.0, "Quartic": 4.0, "SquareRoot": 0.5}
_OSCILLATORS = {"osc_1": (2, 3), "osc_2": (1, 3), "osc_3": (1, 2)}


def _option(control: VitalControl, number: int) -> str:
    """What the panel shows for a whole number."""
    if control.name.endswith("_tempo"):
        return controls()["lfo_1_tempo"].options[number]
    place = number - int(control.low)
    if place >= len(control.options):
        return str(number)
    name = control.options[place]
    if name.endswith("<- Osc"):  # two of them: the other two oscillators
        return f"{name} {_OSCILLATORS[control.part][control.options[:place].count(name)]}"
    return name


@cache
def controls() -> dict[str, VitalControl]:
    """Returns all controls by name."""
    found = {}
    for item in _facts()["controls"]:
        facts = {**item, "options": tuple(item["options"])}
        found[item["name"]] = VitalControl(**facts)
    return found


@cache
def sources() -> tuple[str, ...]:
    """Returns what can modulate."""
    return tuple(_facts()["sources"])


@cache
def destinations() -> tuple[str, ...]:
    """Returns what can be modulated, by names of controls."""
    return tuple(_facts()["destinations"])


@cache
def _facts() -> dict[str, list]:
    """What Vital describes of itself, see `hosts.vita`."""
    return json.loads(files("patchflow.presets.vital").joinpath("controls.json").read_text("utf-8"))
