"""The parameters of a synth, continuous, integer or categorical, and their encoding to the unit cube."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import PresetError, UnknownName

__all__ = ["Choice", "Knob", "ParamSpace", "Parameter", "Steps", "Value"]

Value = float | int | str


@dataclass(frozen=True)
class Knob:
    """A continuous parameter.

    Args:
        name: Unique within its synth, e.g. `"cutoff"`.
        low: Smallest value, in `unit`.
        high: Largest value, in `unit`.
        unit: Hz, s, dB, st (semitones) or "" for a ratio.
        log: Whether equal steps of the encoded value are equal ratios. Needs `low > 0`.
        group: The part of the synth it belongs to, e.g. `"filter"`.
        default: Value in a fresh preset; `low` if not given.
        power: The value rises from `low` with this power of the encoded value: above 1, small values have more room.

    Raises:
        ValueError: If the range is empty, if it is logarithmic and reaches 0 or has a power, or if that is not above 0.

    Example:
        >>> cutoff = Knob("cutoff", 20.0, 20_000.0, unit="Hz", log=True)
        >>> round(cutoff.value(0.5))
        632
    """

    name: str
    low: float
    high: float
    unit: str = ""
    log: bool = False
    group: str = ""
    default: float | None = None
    power: float = 1.0

    cells = 0  # a continuous parameter has no cells

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"{self.name}: low={self.low:g} is not below high={self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"{self.name}: low={self.low:g} of a logarithmic range is not above 0")
        if self.power <= 0 or (self.log and self.power != 1):
            raise ValueError(f"{self.name}: power={self.power:g}: not above 0, or of a logarithmic range")

    def number(self, value: Value) -> float:
        """Returns a checked `value` as a number in `[low, high]`.

        Raises:
            PresetError: If `value` is not a finite number in the range.
        """
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise PresetError(f"{self.name}={value!r}: not in [{self.low:g}, {self.high:g}] {self.unit}".rstrip())
        return float(value)

    def unit_value(self, number: float) -> float:
        """Returns the place of `number` in [0, 1]."""
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        return ((number - self.low) / (self.high - self.low)) ** (1 / self.power)

    def value(self, u: float) -> float:
        """Returns the native value at `u` in [0, 1]."""
        u = min(max(float(u), 0.0), 1.0)
        if self.log:
            value = self.low * (self.high / self.low) ** u
        else:
            value = self.low + u**self.power * (self.high - self.low)
        # rounding may leave the range by one bit, and `number` would then refuse it
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Steps:
    """An integer parameter: every whole number from `low` to `high`.

    It cuts [0, 1] into `high - low + 1` equal cells; a value is encoded as the centre of its cell,
    so that uniform noise inside the cell dequantises it.

    Args:
        name: Unique within its synth, e.g. `"op1.coarse"`.
        low: Smallest value.
        high: Largest value.
        unit: What one step is, or "".
        group: The part of the synth it belongs to, e.g. `"op1"`.
        default: Value in a fresh preset; `low` if not given.

    Raises:
        ValueError: If the range is empty.

    Example:
        >>> Steps("detune", -7, 7).value(0.5)
        0
    """

    name: str
    low: int
    high: int
    unit: str = ""
    group: str = ""
    default: int | None = None

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"{self.name}: low={self.low} is above high={self.high}")

    @property
    def cells(self) -> int:
        """How many values there are."""
        return self.high - self.low + 1

    def number(self, value: Value) -> float:
        """Returns a checked `value` as the index of its cell.

        Raises:
            PresetError: If `value` is not a whole number in the range.
        """
        # NaN is in no range; a bool is an int to Python, but no value of a preset
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        if not self.low <= number <= self.high or number != int(number):
            raise PresetError(f"{self.name}={value!r}: not a whole number in [{self.low}, {self.high}]")
        return float(number) - self.low

    def unit_value(self, number: float) -> float:
        """Returns the centre of cell `number`, in [0, 1]."""
        return (number + 0.5) / self.cells

    def value(self, u: float) -> int:
        """Returns the native value whose cell holds `u`."""
        return self.low + min(max(int(u * self.cells), 0), self.cells - 1)


@dataclass(frozen=True)
class Choice:
    """A categorical parameter: one of several named options.

    Args:
        name: Unique within its synth, e.g. `"lfo.wave"`.
        options: The names, in the synth's own order.
        group: The part of the synth it belongs to.
        default: Option in a fresh preset; the first if not given.

    Raises:
        ValueError: If there is no option, or one twice.

    Example:
        >>> Choice("wave", ("sine", "saw")).value(0.9)
        'saw'
    """

    name: str
    options: tuple[str, ...]
    group: str = ""
    default: str | None = None

    unit = ""

    def __post_init__(self) -> None:
        if not self.options or len(set(self.options)) < len(self.options):
            raise ValueError(f"{self.name}: options={self.options}: none, or one twice")

    @property
    def cells(self) -> int:
        """How many options there are."""
        return len(self.options)

    def number(self, value: Value) -> float:
        """Returns the index of the option `value`.

        Raises:
            PresetError: If `value` is not one of the options.
        """
        if value not in self.options:
            raise PresetError(f"{self.name}={value!r}: not one of {', '.join(self.options)}")
        return float(self.options.index(str(value)))

    def unit_value(self, number: float) -> float:
        """Returns the centre of cell `number`, in [0, 1]."""
        return (number + 0.5) / self.cells

    def value(self, u: float) -> str:
        """Returns the option whose cell holds `u`."""
        return self.options[min(max(int(u * self.cells), 0), self.cells - 1)]


Parameter = Knob | Steps | Choice


@dataclass(frozen=True)
class ParamSpace:
    """The parameters of a synth, in a fixed order.

    A preset is encoded as a point of the unit cube, one coordinate a parameter. A discrete
    parameter with K values cuts its axis into K cells and is encoded as the centre of a cell.

    Args:
        parameters: Knobs, steps and choices with distinct names.

    Raises:
        ValueError: If two parameters share a name.

    Example:
        >>> from patchflow.presets import Choice, Knob
        >>> space = ParamSpace((Choice("wave", ("sine", "saw")), Knob("gain", -60.0, 0.0, unit="dB")))
        >>> space.decode(space.encode({"wave": "saw", "gain": -30.0}))
        {'wave': 'saw', 'gain': -30.0}
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        if len(self.index) != len(self.parameters):
            raise ValueError("two parameters share a name")

    def __len__(self) -> int:
        return len(self.parameters)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def index(self) -> dict[str, int]:
        """The position of every name."""
        return {parameter.name: i for i, parameter in enumerate(self.parameters)}

    @cached_property
    def cells(self) -> np.ndarray:
        """Number of values of every parameter, 0 for continuous ones, shape `(P,)`."""
        return np.array([parameter.cells for parameter in self.parameters])

    @cached_property
    def categorical(self) -> np.ndarray:
        """Which parameters choose among options in no order, boolean, shape `(P,)`.

        The next cell of such a parameter is no nearer than any other, so it is redrawn, not moved.

        Example:
            >>> from patchflow.presets import Choice, Knob, Steps
            >>> space = ParamSpace((Choice("wave", ("sine", "saw")), Steps("octave", -2, 2), Knob("gain", -60.0, 0.0)))
            >>> space.categorical.tolist()
            [True, False, False]
        """
        return np.array([isinstance(parameter, Choice) for parameter in self.parameters], bool)

    @cached_property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """Positions of the parameters of every named group."""
        found: dict[str, list[int]] = {}
        for i, parameter in enumerate(self.parameters):
            if parameter.group:
                found.setdefault(parameter.group, []).append(i)
        return {group: tuple(members) for group, members in found.items()}

    def select(self, name: str) -> tuple[int, ...]:
        """Returns the positions of a parameter or of a whole group.

        Raises:
            UnknownName: If there is neither a parameter nor a group of this name.
        """
        if name in self.index:
            return (self.index[name],)
        if name in self.groups:
            return self.groups[name]
        raise UnknownName("parameter or group", name, [*self.names, *self.groups])

    def default(self) -> np.ndarray:
        """Returns the encoded fresh preset, shape `(P,)`."""
        return np.array([_default(parameter) for parameter in self.parameters])

    def numbers(self, values: Mapping[str, Value]) -> list[float]:
        """Returns what the values of a complete preset are before they are scaled to the unit cube.

        A continuous parameter gives its native value, a discrete one the index of its cell.

        Raises:
            PresetError: If a parameter is missing or its value is not allowed.
            UnknownName: If a name is not a parameter.
        """
        for name in values:
            if name not in self.index:
                raise UnknownName("parameter", name, self.names)
        for name in self.names:
            if name not in values:
                raise PresetError(f"{name}: missing from the preset")
        return [parameter.number(values[parameter.name]) for parameter in self.parameters]

    def encode(self, values: Mapping[str, Value]) -> np.ndarray:
        """Returns the point of a complete preset, shape `(P,)`.

        Raises:
            PresetError: If a parameter is missing or its value is not allowed.
            UnknownName: If a name is not a parameter.
        """
        pairs = zip(self.parameters, self.numbers(values), strict=True)
        return np.array([parameter.unit_value(number) for parameter, number in pairs], float)

    def decode(self, point: np.ndarray) -> dict[str, Value]:
        """Returns the preset at a point of the unit cube, shape `(P,)`."""
        coordinates = np.asarray(point, float).tolist()
        return {p.name: p.value(u) for p, u in zip(self.parameters, coordinates, strict=True)}

    def snap(self, points: np.ndarray) -> np.ndarray:
        """Returns the points clipped to the cube and moved to cell centres, shape `(..., P)`."""
        points = np.clip(points, 0.0, 1.0)
        # continuous parameters have 0 cells: 1 keeps the division defined, `where` then drops the result
        cells = np.maximum(self.cells, 1)
        centres = (np.minimum(np.floor(points * cells), cells - 1) + 0.5) / cells
        return np.where(self.cells > 0, centres, points)


def _default(parameter: Parameter) -> float:
    first = parameter.value(0.0)
    value = first if parameter.default is None else parameter.default
    return parameter.unit_value(parameter.number(value))
