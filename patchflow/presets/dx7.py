"""The parameters of a Yamaha DX7 voice: bytes, canonical values, the order of operators.

References:
    Yamaha, DX7 Operating Manual (1983), pp. 26-61; data format in the appendix
    https://github.com/asb2m10/dexed/blob/master/Documentation/sysex-format.txt
"""

import functools

import numpy as np

from .space import Choice, Parameter, ParamSpace, Steps, Value

__all__ = [
    "LIMITS",
    "NAMES",
    "OPERATORS",
    "SPACE",
    "bytes_from_points",
    "canonical",
    "order_operators",
    "points_from_bytes",
    "sorted_parts",
    "values_from_bytes",
]

OPERATORS = 6
OFF_ON = ("off", "on")
CURVES = ("-lin", "-exp", "+exp", "+lin")
WAVES = ("triangle", "saw down", "saw up", "square", "sine", "sample & hold")


def _operator(n: int) -> list[Parameter]:
    """The 21 parameters of operator `n`, in the order of their bytes."""
    op = f"op{n}"
    levels = (99, 99, 99, 0)
    return [
        *[Steps(f"{op}.rate{i}", 0, 99, group=op, default=99) for i in range(1, 5)],
        *[Steps(f"{op}.level{i}", 0, 99, group=op, default=level) for i, level in enumerate(levels, 1)],
        Steps(f"{op}.breakpoint", 0, 99, unit="st above A-1", group=op, default=39),
        Steps(f"{op}.left_depth", 0, 99, group=op),
        Steps(f"{op}.right_depth", 0, 99, group=op),
        Choice(f"{op}.left_curve", CURVES, group=op),
        Choice(f"{op}.right_curve", CURVES, group=op),
        Steps(f"{op}.rate_scaling", 0, 7, group=op),
        Steps(f"{op}.amp_mod", 0, 3, group=op),
        Steps(f"{op}.velocity", 0, 7, group=op),
        Steps(f"{op}.output", 0, 99, group=op, default=99 if n == 1 else 0),
        Choice(f"{op}.mode", ("ratio", "fixed"), group=op),
        Steps(f"{op}.coarse", 0, 31, group=op, default=1),
        Steps(f"{op}.fine", 0, 99, group=op),
        Steps(f"{op}.detune", -7, 7, group=op, default=0),
    ]


def _voice() -> list[Parameter]:
    """The 19 parameters that all operators share, in the order of their bytes."""
    return [
        *[Steps(f"pitch.rate{i}", 0, 99, group="pitch", default=99) for i in range(1, 5)],
        *[Steps(f"pitch.level{i}", 0, 99, group="pitch", default=50) for i in range(1, 5)],
        Choice("algorithm", tuple(str(n) for n in range(1, 33)), group="voice"),
        Steps("feedback", 0, 7, group="voice"),
        Choice("osc_sync", OFF_ON, group="voice", default="on"),
        Steps("lfo.speed", 0, 99, group="lfo", default=35),
        Steps("lfo.delay", 0, 99, group="lfo"),
        Steps("lfo.pitch_depth", 0, 99, group="lfo"),
        Steps("lfo.amp_depth", 0, 99, group="lfo"),
        Choice("lfo.sync", OFF_ON, group="lfo", default="on"),
        Choice("lfo.wave", WAVES, group="lfo"),
        Steps("lfo.pitch_mod", 0, 7, group="lfo", default=3),
        Steps("transpose", -24, 24, unit="st", group="voice", default=0),
    ]


def _space() -> ParamSpace:
    parameters: list[Parameter] = []
    for n in range(1, OPERATORS + 1):
        parameters += _operator(n)
    return ParamSpace((*parameters, *_voice()))


def _places() -> np.ndarray:
    """Place in a single-voice dump of each parameter of the space, shape `(145,)`."""
    places = np.arange(145)
    # A dump holds operator 6 first and operator 1 last, the space counts upwards.
    operators = places[: 21 * OPERATORS].reshape(OPERATORS, 21)
    operators[:] = operators[::-1].copy()
    return places


def _all_values(parameter: Parameter) -> list[Value]:
    return [parameter.value((cell + 0.5) / parameter.cells) for cell in range(parameter.cells)]


@functools.cache  # when they are first asked for, which a match never does
def _values() -> list[list[Value]]:
    """All values of every parameter of the space, in the order of its cells."""
    return [_all_values(parameter) for parameter in SPACE.parameters]


SPACE = _space()

_DEFAULT = SPACE.default()

_BYTE = _places()

NAMES = tuple(SPACE.names[i] for i in np.argsort(_BYTE))
"""The names of the parameters, in the order of a single-voice dump."""

LIMITS = SPACE.cells[np.argsort(_BYTE)] - 1
"""The largest byte of each parameter, in the order of a single-voice dump, shape `(145,)`."""


def bytes_from_points(points: np.ndarray) -> np.ndarray:
    """Returns the 145 parameter bytes of each voice, in the order of a single-voice dump.

    Args:
        points: Encoded presets, shape `(..., 145)`.

    Returns:
        uint8, shape `(..., 145)`.
    """
    data = np.empty(np.shape(points), np.uint8)
    # The cast to uint8 rounds down, to the number of the cell, which is the byte.
    data[..., _BYTE] = np.clip(np.asarray(points) * SPACE.cells, 0, SPACE.cells - 1)
    return data


def points_from_bytes(data: np.ndarray) -> np.ndarray:
    """Returns the encoded presets of parameter bytes that are all in range.

    Args:
        data: Bytes in the order of a single-voice dump, shape `(..., 145)`.

    Returns:
        Cell centres, shape `(..., 145)`.
    """
    return (np.asarray(data)[..., _BYTE] + 0.5) / SPACE.cells


def values_from_bytes(data: np.ndarray) -> dict[str, Value]:
    """Returns the native values of one voice, all of whose bytes are in range.

    The same as `SPACE.decode(points_from_bytes(data))`, and ten times as fast.

    Args:
        data: Bytes in the order of a single-voice dump, shape `(145,)`.
    """
    cells = np.asarray(data)[_BYTE].tolist()
    return {name: values[cell] for name, values, cell in zip(SPACE.names, _values(), cells, strict=True)}


def canonical(points: np.ndarray) -> np.ndarray:
    """Returns voices that sound the same, with every parameter that cannot be heard at its default.

    A voice played without wheels or pedals does not use: an operator that no level, key scaling
    or velocity lifts above silence; a scaling curve of depth 0; a pitch envelope that stays in the
    middle; a modulation oscillator that reaches neither pitch nor amplitude.

    Args:
        points: Encoded presets, shape `(N, 145)`.

    Returns:
        Encoded presets, shape `(N, 145)`.
    """
    points = SPACE.snap(points)
    for n in range(1, OPERATORS + 1):
        _reset_operator(points, n)

    still = np.all([_cell(points, f"pitch.level{i}") == 50 for i in range(1, 5)], axis=0)
    _reset(points, still, [f"pitch.rate{i}" for i in range(1, 5)])

    no_pitch = (_cell(points, "lfo.pitch_depth") == 0) | (_cell(points, "lfo.pitch_mod") == 0)
    # amp_mod alone lowers an operator by a hair, even at amp_depth 0, so it is never reset
    insensitive = np.all([_cell(points, f"op{n}.amp_mod") == 0 for n in range(1, OPERATORS + 1)], axis=0)
    no_amp = (_cell(points, "lfo.amp_depth") == 0) | insensitive
    _reset(points, no_pitch, ["lfo.pitch_depth", "lfo.pitch_mod"])
    _reset(points, no_amp, ["lfo.amp_depth"])
    _reset(points, no_pitch & no_amp, ["lfo.speed", "lfo.delay", "lfo.sync", "lfo.wave"])
    return points


def _reset_operator(points: np.ndarray, n: int) -> None:
    """Resets, in place, the scaling curves of an operator that are flat, and all of an operator that is silent."""
    op = f"op{n}"
    flat_left = _cell(points, f"{op}.left_depth") == 0
    flat_right = _cell(points, f"{op}.right_depth") == 0
    _reset(points, flat_left, [f"{op}.left_curve"])
    _reset(points, flat_right, [f"{op}.right_curve"])
    _reset(points, flat_left & flat_right, [f"{op}.breakpoint"])

    # Key scaling with a positive curve (+exp, +lin) makes even an operator of output 0 audible.
    lifted_left = ~flat_left & (_cell(points, f"{op}.left_curve") >= 2)
    lifted_right = ~flat_right & (_cell(points, f"{op}.right_curve") >= 2)
    silent = (_cell(points, f"{op}.output") == 0) & ~(lifted_left | lifted_right)
    _reset(points, silent, [p.name for p in SPACE.parameters if p.group == op and p.name != f"{op}.output"])


def _cell(points: np.ndarray, name: str) -> np.ndarray:
    """The bytes of one parameter, shape `(N,)`."""
    place = SPACE.index[name]
    return np.floor(points[:, place] * SPACE.cells[place])


def _reset(points: np.ndarray, rows: np.ndarray, names: list[str]) -> None:
    for name in names:
        place = SPACE.index[name]
        points[rows, place] = _DEFAULT[place]


def sorted_parts(points: np.ndarray) -> np.ndarray:
    """Returns voices that sound the same, with interchangeable operators in one order.

    Silent operators come last, the others in the order of their carriers' frequencies.

    Args:
        points: Canonical encoded presets, shape `(N, 145)`.

    Returns:
        Encoded presets, shape `(N, 145)`.
    """
    return order_operators(points, SPACE)


_INTERCHANGEABLE: dict[int, tuple[tuple[tuple[int, ...], ...], ...]] = {
    5: (((1, 2), (3, 4)),),
    6: (((1, 2), (3, 4)),),
    10: (((5,), (6,)),),
    12: (((4,), (5,), (6,)),),
    13: (((4,), (5,)),),
    15: (((5,), (6,)),),
    17: (((3, 4), (5, 6)),),
    19: (((4,), (5,)),),
    20: (((1,), (2,)), ((5,), (6,))),
    21: (((1,), (2,)), ((4,), (5,))),
    22: (((3,), (4,), (5,)),),
    23: (((4,), (5,)),),
    24: (((1,), (2,)), ((3,), (4,), (5,))),
    25: (((1,), (2,), (3,)), ((4,), (5,))),
    27: (((5,), (6,)),),
    29: (((1,), (2,)),),
    30: (((1,), (2,), (6,)),),
    31: (((1,), (2,), (3,), (4,)),),
    32: (((1,), (2,), (3,), (4,), (5,)),),
}
"""For an algorithm, sets of stacks of operators that may change places, the carrier of a stack first.

Found by rendering all 720 permutations of every algorithm; `tests/presets/test_dx7_order.py` does it again.
"""

_SORT_KEYS = ("mode", "coarse", "fine", "detune", "output")  # all else decides between equals


def order_operators(points: np.ndarray, space: ParamSpace) -> np.ndarray:
    """Returns voices that sound the same, with interchangeable operators in one order.

    Silent operators come last, others in the order of their carriers' frequencies.

    Args:
        points: Canonical encoded presets, shape `(N, P)`.
        space: Of the DX7.

    Returns:
        Encoded presets, shape `(N, P)`.
    """
    points = points.copy()
    operators = {n: _members(space, n) for n in range(1, OPERATORS + 1)}
    algorithm = 1 + np.floor(points[:, space.index["algorithm"]] * 32).astype(int)
    for number, sets in _INTERCHANGEABLE.items():
        rows = np.nonzero(algorithm == number)[0]
        if not len(rows):
            continue
        for stacks in sets:
            # A row for each stack: all parameters of its carrier, then of the operators above it.
            slots = np.array([_stack_members(operators, stack) for stack in stacks])
            places = (rows[:, None, None], slots)
            found = points[places]  # (rows, stacks, parameters)
            points[places] = np.take_along_axis(found, _order(found)[..., None], 1)
    return points


def _members(space: ParamSpace, n: int) -> np.ndarray:
    """Positions of the parameters of an operator, the sort keys first."""
    keys = [space.index[f"op{n}.{name}"] for name in _SORT_KEYS]
    others = [i for i in space.groups[f"op{n}"] if i not in keys]
    return np.array(keys + others)


def _stack_members(operators: dict[int, np.ndarray], stack: tuple[int, ...]) -> np.ndarray:
    return np.concatenate([operators[n] for n in stack])


def _order(stacks: np.ndarray) -> np.ndarray:
    """Returns the order of the stacks of every row, shape `(rows, stacks)`."""
    # Column 4 of a stack is its carrier's output. A level of 0 is the centre of the first of 100 cells.
    silent = stacks[..., _SORT_KEYS.index("output")] < 1 / 100
    keys = np.concatenate([silent[..., None], stacks], -1)
    # lexsort takes the most important key last
    return np.lexsort(np.moveaxis(keys, -1, 0)[::-1], axis=-1)
