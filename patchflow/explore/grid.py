"""Chooses, of many sounds that were tried, one for each place of a path so that what is heard moves evenly."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Grid", "Taste", "choose", "costs_at", "equal_steps", "heard_apart", "weights_at"]

_SHORTLIST = (48, 160)  # sounds that are considered for a place, at least and at most
_LISTED = 5_000  # in all, so that a long path does not take long
_POWER = 4
_DB = 1.6  # of `metrics.perceptual` for each dB between two vectors
_SWEEPS = 3  # over the rows of a grid, each of which depends on its neighbours


@dataclass(frozen=True)
class Taste:
    """What a step from one sound to the next costs.

    Args:
        smoothness: Of the squared difference of how far the two are off their targets.
        evenness: Of the fourth power of how far they are apart to the ear, in dB: one large step is worse than several
            small ones.
    """

    smoothness: float
    evenness: float = 0.0

    def of_steps(self, heard: np.ndarray) -> np.ndarray:
        """Returns what steps cost for being large.

        Args:
            heard: How far they are to the ear, in dB, of any shape.
        """
        return self.evenness * heard**_POWER


@dataclass(frozen=True)
class Grid:
    """The places of a path: one row between two ends, or rows and columns between four corners.

    Args:
        rows: 1 for a path.
        columns: At least 2.

    Example:
        >>> Grid(1, 3).weights(2)
        array([[1. , 0. ],
               [0.5, 0.5],
               [0. , 1. ]])
    """

    rows: int
    columns: int

    def __len__(self) -> int:
        return self.rows * self.columns

    @property
    def places(self) -> np.ndarray:
        """Where each place is, from 0 to 1 along columns and rows, row after row, shape `(N, 2)`."""
        across = np.linspace(0, 1, self.columns)
        down = np.linspace(0, 1, self.rows) if self.rows > 1 else np.zeros(1)
        return np.stack([np.tile(across, self.rows), np.repeat(down, self.columns)], 1)

    def weights(self, ends: int) -> np.ndarray:
        """Returns how much of each end is at each place, shape `(N, ends)`."""
        return weights_at(self.places, ends)

    def corners(self, ends: int) -> list[int]:
        """Returns the places of the ends."""
        if ends == 2:
            return [0, self.columns - 1]
        last = (self.rows - 1) * self.columns
        return [0, self.columns - 1, last, last + self.columns - 1]


def weights_at(places: np.ndarray, ends: int) -> np.ndarray:
    """Returns how much of each of two ends, or of four corners, is at places of the unit square.

    Args:
        places: Along and across, from 0 to 1, shape `(N, 2)`.
        ends: 2, or 4: the second is at the end of the first row, the third and fourth begin and end the last.

    Returns:
        Not negative, in all 1, shape `(N, ends)`.
    """
    x, y = places.T
    if ends == 2:
        return np.stack([1 - x, x], 1)
    return np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], 1)


def costs_at(vectors: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Returns the squared distance of every sound from every target, shape `(N, M)`.

    Args:
        vectors: Of the sounds, shape `(M, D)`.
        targets: What would be at each place, shape `(N, D)`.
    """
    squares = np.square(vectors).sum(1) - 2 * targets @ vectors.T + np.square(targets).sum(1)[:, None]
    return np.maximum(squares, 0)


def heard_apart(squares: np.ndarray) -> np.ndarray:
    """Returns about how far sounds are apart to the ear, in dB of `metrics.perceptual`; a fifth to a third off.

    Args:
        squares: Squared distances of their vectors, see `costs_at`.
    """
    return _DB * np.sqrt(squares)


def choose(
    costs: np.ndarray,
    vectors: np.ndarray,
    targets: np.ndarray,
    grid: Grid,
    fixed: dict[int, int],
    *,
    taste: Taste,
    among: list[np.ndarray] | None = None,
    apart: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """Returns the best sound for each place: near its target, as far off it as its neighbours are, and near to them.

    What is least is the sum of the costs and of what `Taste` says of each step. Of a path it is the least there is, by
    dynamic programming (Viterbi); of a grid each row is, given the rows beside it, which are chosen again a few times.

    Args:
        costs: Of each sound at each place, see `costs_at`, shape `(N, M)`.
        vectors: Of the sounds, shape `(M, D)`.
        targets: What would be at each place, shape `(N, D)`.
        grid: How places are neighbours.
        fixed: The sound at those places that have no choice.
        taste: What steps cost.
        among: Numbers of the sounds that are considered for each place; the cheapest if not given.
        apart: Returns how far sounds are from others to the ear, in dB, of their numbers (N,) and (M,), shape `(N, M)`;
            by their vectors if not given.

    Returns:
        Numbers of sounds, shape `(N,)`.
    """
    count = min(max(_LISTED // len(grid), _SHORTLIST[0]), _SHORTLIST[1], costs.shape[1])
    shortlists = among or [np.argpartition(row, count - 1)[:count] for row in costs]
    shortlists = [np.array([fixed[place]]) if place in fixed else np.sort(few) for place, few in enumerate(shortlists)]
    chosen = np.array([sounds[costs[place, sounds].argmin()] for place, sounds in enumerate(shortlists)])

    def step_costs(place: int, here: np.ndarray, other: int, before: np.ndarray) -> np.ndarray:
        squares = costs_at(vectors[before], vectors[here])
        way = targets[place] - targets[other]
        off = squares - 2 * ((vectors[here] @ way)[:, None] - vectors[before] @ way) + way @ way
        heard = heard_apart(squares) if apart is None else apart(here, before)
        return taste.smoothness * np.maximum(off, 0) + taste.of_steps(heard)

    for _ in range(_SWEEPS if grid.rows > 1 else 1):
        for row in range(grid.rows):
            places = range(row * grid.columns, (row + 1) * grid.columns)
            own = []
            for place in places:
                cost = costs[place, shortlists[place]].astype(float)
                for other_row in (row - 1, row + 1):
                    other = other_row * grid.columns + place % grid.columns
                    if 0 <= other_row < grid.rows:
                        cost += step_costs(place, shortlists[place], other, chosen[[other]])[:, 0]
                own.append(cost)
            steps = [step_costs(p, shortlists[p], p - 1, shortlists[p - 1]) for p in places[1:]]
            best = _cheapest(own, steps)
            for place, number in zip(places, best, strict=True):
                chosen[place] = shortlists[place][number]
    return chosen


def _cheapest(costs: list[np.ndarray], steps: list[np.ndarray]) -> list[int]:
    """The choice at each place of a row that costs least together (Viterbi).

    Args:
        costs: Of each choice at each place.
        steps: Of each choice at a place, rows, from each at the place before, columns.
    """
    total = costs[0]
    came_from = []
    for cost, step in zip(costs[1:], steps, strict=True):
        reached = total + step
        best = reached.argmin(1)
        came_from.append(best)
        total = reached[np.arange(len(best)), best] + cost
    chosen = [int(total.argmin())]
    for best in reversed(came_from):
        chosen.append(int(best[chosen[-1]]))
    return chosen[::-1]


def equal_steps(distances: np.ndarray, count: int) -> np.ndarray:
    """Returns where to stop on a path so that all steps are about equally large to the ear.

    Args:
        distances: From each of M points on the path to the next, shape `(M - 1,)`.
        count: How many stops, at least 2.

    Returns:
        Numbers of points, the first and last among them, in order, shape `(count,)`.

    Example:
        >>> equal_steps(np.array([4.0, 1.0, 1.0, 1.0, 1.0]), 3).tolist()
        [0, 1, 5]
    """
    walked = np.concatenate([[0.0], np.cumsum(distances)])
    wanted = np.linspace(0, walked[-1], count)
    return np.abs(walked - wanted[:, None]).argmin(1)
