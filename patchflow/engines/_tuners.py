"""Moves presets by cents with parameters that transpose: coarse ones come near, finer ones make up for the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..presets import ParamSpace

__all__ = ["Tuner", "tuned"]

_COARSE = 3  # stepped tuners that are moved beside the finest: each more takes three times as long
_HEARD = 5.0  # cents; for less than that nothing else is changed
_FAR = 0.5  # from the value of a knob that is needed
_SAME = 1e-6  # in the unit cube
_TRIED = 3  # values of a coarse tuner: the nearest, and those beside it, for which a finer one may have the room


@dataclass(frozen=True)
class Tuner:
    """Parameters that transpose a sound, moved together.

    Args:
        places: Where they are in the space; all are of one kind and have the same cells.
        cents: How high each cell is; of continuous parameters, how high equally far places from end to end are, rising
            or falling. If some are as high as the next, they are the steps of stairs, and nothing lies between.
        moving: Which of them are moved in each preset, shape `(N, M)`; all if None.
        needs: Places of other parameters, and the coordinate of each at which these transpose the whole sound; else
            they move a part of it only.
    """

    places: tuple[int, ...]
    cents: tuple[float, ...]
    moving: np.ndarray | None = None
    needs: tuple[tuple[int, float], ...] = ()


def tuned(
    points: np.ndarray, cents: np.ndarray, tuners: Sequence[Tuner], space: ParamSpace, free: np.ndarray | None = None
) -> np.ndarray:
    """Returns presets that sound higher by some cents, as near as the tuners come; see `Engine.transposed`.

    What a tuner needs is set only where that comes nearer by what can be heard.

    Args:
        points: Encoded presets, shape `(N, P)`.
        cents: How much higher, shape `(N,)`.
        tuners: What moves the pitch, the coarsest first. Of stepped ones the three coarsest and the finest are moved.
        space: Of the points.
        free: Which parameters may move, shape `(P,)`; all if None.

    Returns:
        Encoded presets, shape `(N, P)`.

    Example:
        >>> from patchflow.presets import Knob, Steps
        >>> space = ParamSpace((Steps("key", -12, 12, default=0), Knob("tune", -50, 50, default=0)))
        >>> tuners = (Tuner((0,), tuple(range(-1200, 1201, 100))), Tuner((1,), (-50, 50)))
        >>> space.decode(tuned(space.default()[None], np.array([730]), tuners, space)[0])
        {'key': 7, 'tune': 30.0}
    """
    free = np.ones(len(space), bool) if free is None else np.asarray(free, bool)
    points = space.snap(points)
    cents = np.asarray(cents, float)
    usable = [_unlocked(tuner, free, len(points)) for tuner in tuners]
    moving = [tuner for tuner in usable if _moving(tuner).any()]
    always = [tuner for tuner in moving if not tuner.needs]
    best, left = _nearest(points, cents, _few(always, space.cells), space.cells)
    for needs in dict.fromkeys(tuner.needs for tuner in moving if tuner.needs):
        changed, height, off = _with_needs(points, needs, tuners, space.cells, free)
        able = [tuner for tuner in moving if tuner.needs in ((), needs)]
        tried, still = _nearest(changed, cents - height, _few(able, space.cells), space.cells)
        nearer = np.abs(still) < np.abs(left) - np.where(off, _HEARD, _SAME)
        best = np.where(nearer[:, None], tried, best)
        left = np.where(nearer, still, left)
    return best


def _with_needs(
    points: np.ndarray,
    needs: tuple[tuple[int, float], ...],
    tuners: Sequence[Tuner],
    cells: np.ndarray,
    free: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns points with what some tuners need, by how much that makes them sound higher, and which are changed.

    What cannot be set makes them infinitely high: no tuner comes near.
    """
    places = [place for place, _ in needs]
    off = np.abs(points[:, places] - np.array([value for _, value in needs]))
    # Far from what is needed, the part that the tuners move is not what is heard: the rest is, which is as high as
    # they are at their defaults.
    other = np.any(off > np.where(cells[places] > 0, _SAME, _FAR), axis=1)
    height = np.zeros(len(points))
    for tuner in tuners:
        if tuner.needs == needs:
            height += _height(points, tuner, cells)
    changed = points.copy()
    for place, value in needs:
        changed[:, place] = value
    possible = np.all(free[places] | (off <= _SAME), axis=1)
    return changed, np.where(possible, np.where(other, height, 0), np.inf), np.any(off > _SAME, axis=1)


def _height(points: np.ndarray, tuner: Tuner, cells: np.ndarray) -> np.ndarray:
    """Returns how high one parameter is above its default, shape `(N,)`."""
    coordinate = points[:, tuner.places[0]]
    count = len(tuner.cents)
    if cells[tuner.places[0]]:
        return np.array(tuner.cents)[np.minimum((coordinate * count).astype(int), count - 1)]
    return np.interp(coordinate, np.linspace(0, 1, count), tuner.cents)


def _few(tuners: Sequence[Tuner], cells: np.ndarray) -> list[Tuner]:
    """The tuners without the stepped ones between the coarsest and the finest."""
    stepped = [place for place, tuner in enumerate(tuners) if not _slides(tuner, cells)]
    left_out = stepped[_COARSE:-1]
    return [tuner for place, tuner in enumerate(tuners) if place not in left_out]


def _slides(tuner: Tuner, cells: np.ndarray) -> bool:
    """Whether every pitch between its ends can be reached."""
    return not cells[tuner.places[0]] and bool(np.diff(tuner.cents).all())


def _unlocked(tuner: Tuner, free: np.ndarray, count: int) -> Tuner:
    """The tuner, which moves none of its parameters in presets where it would have to move a locked one."""
    locked = ~free[list(tuner.places)]
    moving = np.ones((count, len(locked)), bool) if tuner.moving is None else tuner.moving
    return replace(tuner, moving=moving & ~(moving & locked).any(1, keepdims=True))


def _nearest(
    points: np.ndarray, cents: np.ndarray, tuners: Sequence[Tuner], cells: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns points, and the cents that they are still away."""
    if not tuners:
        return points, cents
    first = tuners[0]
    others = tuners[1:]
    if _slides(first, cells):
        return _nearest(*_slid(points, cents, first), others, cells)
    count = int(cells[first.places[0]])
    best, left = _nearest(*_stepped(points, cents, first, 0, count), others, cells)
    for rank in range(1, _TRIED if others else 1):
        tried, still = _nearest(*_stepped(points, cents, first, rank, count), others, cells)
        nearer = np.abs(still) < np.abs(left) - 1e-6
        best = np.where(nearer[:, None], tried, best)
        left = np.where(nearer, still, left)
    return best, left


def _slid(points: np.ndarray, cents: np.ndarray, tuner: Tuner) -> tuple[np.ndarray, np.ndarray]:
    """Moves continuous parameters; returns the points and what is left."""
    places = list(tuner.places)
    moving = _moving(tuner)
    grid = np.linspace(0, 1, len(tuner.cents))
    table = np.array(tuner.cents)
    if table[0] > table[-1]:
        grid = grid[::-1]
        table = table[::-1]
    height = np.interp(points[:, places], np.linspace(0, 1, len(table)), tuner.cents)
    room_below = np.where(moving, height - table[0], np.inf).min(1)
    room_above = np.where(moving, table[-1] - height, np.inf).min(1)
    moves = np.where(moving.any(1), np.clip(cents, -room_below, room_above), 0)
    moved = np.interp(height + moves[:, None], table, grid)
    points = points.copy()
    points[:, places] = np.where(moving & (moves != 0)[:, None], moved, points[:, places])
    return points, cents - moves


def _stepped(
    points: np.ndarray, cents: np.ndarray, tuner: Tuner, rank: int, cells: int
) -> tuple[np.ndarray, np.ndarray]:
    """Moves stepped parameters to what is the nearest but `rank`; returns the points and what is left."""
    rows = np.arange(len(points))
    places = list(tuner.places)
    moving = _moving(tuner)
    table = np.array(tuner.cents)
    count = len(table)
    centres = (np.arange(count) + 0.5) / count if cells else np.linspace(0, 1, count)
    steps = np.abs(points[:, places, None] - centres).argmin(2)
    # Of steps that are equally high, the one in the middle
    choices = np.array([np.median(np.flatnonzero(table == height)) for height in np.unique(table)]).astype(int)
    first = steps[rows, moving.argmax(1)]
    wanted = steps[:, :, None] + (choices - first[:, None])[:, None]
    possible = np.all(((wanted >= 0) & (wanted < count)) | ~moving[:, :, None], axis=1)
    reached = table[choices] - table[first][:, None]
    away = np.where(possible, np.abs(cents[:, None] - reached), np.inf)
    away[reached == 0] -= 1e-6  # of two that are as near, the one that is there
    chosen = np.argsort(away, axis=1, kind="stable")[:, min(rank, len(choices) - 1)]
    moved = moving & (possible[rows, chosen] & (reached[rows, chosen] != 0))[:, None]
    wanted = np.clip(wanted[rows, :, chosen], 0, count - 1)
    points = points.copy()
    points[:, places] = np.where(moved, centres[wanted], points[:, places])
    return points, cents - np.where(moved.any(1), reached[rows, chosen], 0)


def _moving(tuner: Tuner) -> np.ndarray:
    assert tuner.moving is not None  # set by `_unlocked`
    return tuner.moving
