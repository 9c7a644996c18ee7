"""All parameters of a synth and their encoding to the unit cube."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import PresetError, UnknownName
from .parameters import Choice, Parameter, Value

__all__ = ["ParamSpace"]


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
