"""Puts operators that may change places into one order: what sounds the same should look the same."""

import numpy as np

from .space import ParamSpace

__all__ = ["order_operators"]

_ALIKE: dict[int, tuple[tuple[tuple[int, ...], ...], ...]] = {
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

_FIRST = ("mode", "coarse", "fine", "detune", "output")  # what orders them; the rest decides between equals


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
    operators = {n: _members(space, n) for n in range(1, 7)}
    algorithm = 1 + np.floor(points[:, space.index["algorithm"]] * 32).astype(int)
    for number, sets in _ALIKE.items():
        rows = np.nonzero(algorithm == number)[0]
        for stacks in sets if len(rows) else ():
            slots = np.array([np.concatenate([operators[n] for n in stack]) for stack in stacks])
            found = points[rows[:, None, None], slots]  # (rows, stacks, parameters)
            points[rows[:, None, None], slots] = np.take_along_axis(found, _order(found)[..., None], 1)
    return points


def _members(space: ParamSpace, n: int) -> np.ndarray:
    """Positions of the parameters of an operator, those that order it first."""
    rest = [i for i in space.groups[f"op{n}"] if space.names[i].split(".")[1] not in _FIRST]
    return np.array([space.index[f"op{n}.{name}"] for name in _FIRST] + rest)


def _order(stacks: np.ndarray) -> np.ndarray:
    """Returns the order of the stacks of every row, shape `(rows, stacks)`."""
    silent = stacks[..., _FIRST.index("output")] < 1 / 100
    keys = np.concatenate([silent[..., None], stacks], -1)
    return np.lexsort(np.moveaxis(keys, -1, 0)[::-1], axis=-1)
