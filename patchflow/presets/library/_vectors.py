"""Packs the values of a preset, and what it sounds like, into a few bytes, and unpacks them, also as points."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...parsing import json_value
from ..space import Choice, Knob, Parameter, ParamSpace, Steps, Value
from ._database import Damaged

__all__ = [
    "FINGERPRINT",
    "Vectors",
    "describe_space",
    "is_sound",
    "measures_size",
    "pack_sounds",
    "space_from",
    "unpack_prints",
    "unpack_sounds",
]

FINGERPRINT = 32
"""Bytes of SHA-256, with which the bytes of a preset end that has a state."""


class Vectors:
    """Packs presets of one synth: one small whole number per step or choice, eight bytes per knob.

    Args:
        space: The parameters of the synth.

    Example:
        >>> vectors = Vectors(ParamSpace((Choice("wave", ("sine", "saw")), Knob("gain", -60.0, 0.0))))
        >>> data = vectors.pack({"wave": "saw", "gain": -6.1})
        >>> len(data), vectors.unpack(data)
        (9, {'wave': 'saw', 'gain': -6.1})
    """

    def __init__(self, space: ParamSpace) -> None:
        self.space = space
        self._knobs = [parameter for parameter in space.parameters if isinstance(parameter, Knob)]
        # Where all is discrete, as on the DX7, a slice does: picking 145 columns one by one is slow.
        self._discrete = slice(None) if not self._knobs else np.flatnonzero(space.cells > 0)
        self._continuous = np.flatnonzero(space.cells == 0)
        self._cells = space.cells[self._discrete]
        small = np.uint8 if max(space.cells, default=0) <= 256 else np.dtype("<u4")
        self._row = np.dtype([("cells", small, self._cells.shape), ("knobs", "<f8", (len(self._knobs),))])

    def pack(self, values: Mapping[str, Value], state: bytes = b"") -> bytes:
        """Returns the bytes of a preset.

        Args:
            values: See `Preset.values`.
            state: See `Preset.state`; only its fingerprint is packed, so that presets that differ have other bytes.

        Raises:
            PresetError: If a parameter is missing or its value is not allowed.
            UnknownName: If a name is not a parameter.
        """
        numbers = np.array(self.space.numbers(values), float)
        row = np.empty((), self._row)
        row["cells"] = numbers[self._discrete]
        row["knobs"] = numbers[self._continuous]
        # The bytes are the preset's identity in the library: equal bytes, same preset.
        fingerprint = hashlib.sha256(state).digest() if state else b""
        return row.tobytes() + fingerprint

    def has_state(self, data: bytes) -> bool:
        """Returns whether the packed preset has a state."""
        return len(data) == self._row.itemsize + FINGERPRINT

    def is_of(self, data: bytes, state: bytes) -> bool:
        """Returns whether the packed preset has this state, b"" for none."""
        fingerprint = hashlib.sha256(state).digest() if state else b""
        return data[self._row.itemsize :] == fingerprint

    def unpack(self, data: bytes) -> dict[str, Value]:
        """Returns the values of a preset, exactly those that were packed.

        Raises:
            StorageError: If `data` is damaged.
        """
        rows = self._rows([data])
        numbers = np.empty(len(self.space))
        numbers[self._discrete] = rows["cells"][0]
        numbers[self._continuous] = rows["knobs"][0]
        return {p.name: _value(p, number) for p, number in zip(self.space.parameters, numbers, strict=True)}

    def points(self, data: Sequence[bytes]) -> np.ndarray:
        """Returns encoded presets, shape `(N, P)`.

        Raises:
            StorageError: If one of `data` is damaged.
        """
        rows = self._rows(data)
        points = np.empty((len(rows), len(self.space)))
        points[:, self._discrete] = (rows["cells"] + 0.5) / self._cells
        for i, knob, numbers in zip(self._continuous, self._knobs, rows["knobs"].T, strict=True):
            points[:, i] = _unit_values(knob, numbers)
        return points

    def _rows(self, data: Sequence[bytes]) -> np.ndarray:
        """Checked rows of `cells` and `knobs`, without the fingerprints."""
        size = self._row.itemsize
        if any(len(row) not in (size, size + FINGERPRINT) for row in data):
            raise Damaged("a preset has too many or too few bytes")
        rows = np.frombuffer(b"".join(row[:size] for row in data), self._row)
        low = [knob.low for knob in self._knobs]
        high = [knob.high for knob in self._knobs]
        # asked this way round, NaN is not in range
        in_range = (low <= rows["knobs"]) & (rows["knobs"] <= high)
        if (rows["cells"] >= self._cells).any() or not in_range.all():
            raise Damaged("a value is not allowed")
        return rows


def describe_space(space: ParamSpace) -> str:
    """Returns text that two spaces share if and only if they encode all values alike."""
    return json.dumps([_description(parameter) for parameter in space.parameters], separators=(",", ":"))


def space_from(description: str) -> ParamSpace:
    """Returns the space that `describe_space` described, without units, groups and defaults.

    Raises:
        StorageError: If `description` is damaged.
    """
    try:
        return ParamSpace(tuple(_parameter(*item) for item in json_value(description)))
    except (ValueError, TypeError) as error:
        raise Damaged("the parameters of a synth cannot be read") from error


def _description(parameter: Parameter) -> list[Any]:
    match parameter:
        case Knob():
            facts = ["knob", parameter.name, parameter.low, parameter.high, parameter.log]
            # Left out where it is 1: libraries from before there were powers then still have the same text.
            return facts if parameter.power == 1 else [*facts, parameter.power]
        case Steps():
            return ["steps", parameter.name, parameter.low, parameter.high]
        case Choice():
            return ["choice", parameter.name, parameter.options]


def _parameter(kind: str, name: str, *facts: Any) -> Parameter:
    if kind == "knob":
        low, high, log, *power = facts
        return Knob(name, low, high, log=log, power=power[0] if power else 1.0)
    return Steps(name, *facts) if kind == "steps" else Choice(name, tuple(*facts))


def _value(parameter: Parameter, number: float) -> Value:
    if isinstance(parameter, Knob):
        return float(number)
    return parameter.value((number + 0.5) / parameter.cells)


def _unit_values(knob: Knob, numbers: np.ndarray) -> np.ndarray:
    """`Knob.unit_value` of many numbers."""
    if knob.log:
        return np.log(numbers / knob.low) / np.log(knob.high / knob.low)
    return ((numbers - knob.low) / (knob.high - knob.low)) ** (1 / knob.power)


_VECTOR = np.dtype("<f2")
_MEASURES = np.dtype("<f4")
_NEAR_1 = 0.01  # what halves of floats, as they are stored, make of a length of 1


def pack_sounds(
    vectors: np.ndarray, measures: np.ndarray, prints: np.ndarray | None = None
) -> list[tuple[bytes, bytes]]:
    """Returns the bytes of what presets sound like.

    Args:
        vectors: What an ear says, shape `(N, width)`: each of length 1, or zeros.
        measures: What is measured, shape `(N, M)`.
        prints: Fingerprints, uint8, a multiple of four bytes each, which are put behind what is measured.

    Example:
        >>> [(len(vector), len(measured)) for vector, measured in pack_sounds(np.zeros((1, 128)), np.zeros((1, 10)))]
        [(256, 40)]
    """
    more = np.zeros((len(vectors), 0), np.uint8) if prints is None else prints
    rows = zip(vectors.astype(_VECTOR), measures.astype(_MEASURES), more, strict=True)
    return [(vector.tobytes(), measured.tobytes() + each.tobytes()) for vector, measured, each in rows]


def measures_size(measures: int) -> int:
    """Returns how many bytes so many numbers that are measured have; behind them are fingerprints."""
    return measures * _MEASURES.itemsize


def unpack_sounds(
    packed: Sequence[tuple[object, object]], width: int, measures: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns what presets sound like.

    Args:
        packed: Of each, what `pack_sounds` made; or anything else, such as None, where that is not known.
        width: Numbers of a vector.
        measures: Numbers that are measured.

    Returns:
        Whether a row is whole, shape `(N,)`; the vectors, float32, shape `(N, width)`, zeros where it is not; what is
        measured, float32, shape `(N, measures)`, NaN where it is not.
    """
    sizes = (width * _VECTOR.itemsize, measures * _MEASURES.itemsize)
    silent = (bytes(sizes[0]), np.full(measures, np.nan, _MEASURES).tobytes())
    fits = np.array([_has_sizes(row, sizes) for row in packed], bool)
    rows = [row if fit else silent for row, fit in zip(packed, fits, strict=True)]
    vectors = np.frombuffer(b"".join(row[0] for row in rows), _VECTOR).reshape(-1, width)  # type: ignore[misc]
    measured = np.frombuffer(b"".join(row[1] for row in rows), _MEASURES).reshape(-1, measures)  # type: ignore[misc]
    with np.errstate(invalid="ignore"):  # bytes that are no number
        vectors = vectors.astype(np.float32)
    whole = fits & _are_units(vectors)
    vectors[~whole] = 0.0
    measured = np.where(whole[:, None], measured, np.float32(np.nan))
    # halves of floats are a little longer or shorter than what was given
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return whole, np.divide(vectors, lengths, out=vectors, where=lengths > 0), measured


def is_sound(vector: bytes, measures: bytes) -> bool:
    """Returns whether bytes out of a damaged library may be what a preset sounds like, whatever the ear."""
    if len(vector) < _VECTOR.itemsize or len(vector) % _VECTOR.itemsize or len(measures) % _MEASURES.itemsize:
        return False
    return bool(_are_units(np.frombuffer(vector, _VECTOR)[None].astype(np.float32))[0])


def _has_sizes(row: tuple[object, object], sizes: tuple[int, int]) -> bool:
    vector, measures = row
    if not isinstance(vector, bytes) or not isinstance(measures, bytes):
        return False
    return (len(vector), len(measures)) == sizes


def unpack_prints(packed: Sequence[object], size: int) -> np.ndarray:
    """Returns fingerprints of presets, uint8, shape `(N, size)`, with 255 everywhere where there is none.

    Args:
        packed: Of each what stands behind the measures, see `pack_sounds`, or anything else where that is not known.
        size: Bytes of each; others are of another version.
    """
    nothing = b"\xff" * size
    rows = [row if isinstance(row, bytes) and len(row) == size else nothing for row in packed]
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, size)


def _are_units(vectors: np.ndarray) -> np.ndarray:
    """Whether vectors are of length 1 or all zeros, as an ear makes them; damaged ones hardly ever are."""
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(vectors, axis=1)
    return (lengths == 0) | (np.abs(lengths - 1) < _NEAR_1)
