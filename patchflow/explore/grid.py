"""Chooses, of many sounds that were tried, one for each place of a path so that what is heard moves evenly."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Grid", "choose", "costs_at", "equal_steps", "weights_at"]

_SHORTLIST = 48  # sounds that are considered for a place
_SWEEPS = 3  # over the rows of a grid, each of which depends on its neighbours


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


def choose(
    costs: np.ndarray,
    vectors: np.ndarray,
    targets: np.ndarray,
    grid: Grid,
    fixed: dict[int, int],
    *,
    smoothness: float,
) -> np.ndarray:
    """Returns the best sound for each place: near its target, and as far off it as its neighbours are.

    What is least is the sum of the costs, and of squared differences of the errors of neighbours times `smoothness`.
    Of a path it is the least there is, by dynamic programming (Viterbi); of a grid each row is, given the rows beside
    it, which are chosen again a few times.

    Args:
        costs: Of each sound at each place, see `costs_at`, shape `(N, M)`.
        vectors: Of the sounds, shape `(M, D)`.
        targets: What would be at each place, shape `(N, D)`.
        grid: How places are neighbours.
        fixed: The sound at those places that have no choice.
        smoothness: See above.

    Returns:
        Numbers of sounds, shape `(N,)`.
    """
    shortlists = _shortlists(costs, fixed)
    chosen = np.array([sounds[costs[place, sounds].argmin()] for place, sounds in enumerate(shortlists)])
    for _ in range(_SWEEPS if grid.rows > 1 else 1):
        for row in range(grid.rows):
            places = range(row * grid.columns, (row + 1) * grid.columns)
            beside = [place for place in (row - 1, row + 1) if 0 <= place < grid.rows]
            own = []
            errors = []
            for place in places:
                error = vectors[shortlists[place]] - targets[place]
                cost = costs[place, shortlists[place]]
                for other_row in beside:
                    other = other_row * grid.columns + place % grid.columns
                    gap = error - (vectors[chosen[other]] - targets[other])
                    cost += smoothness * np.square(gap).sum(1)
                own.append(cost)
                errors.append(error)
            best = _cheapest(own, errors, smoothness)
            for place, number in zip(places, best, strict=True):
                chosen[place] = shortlists[place][number]
    return chosen


def _shortlists(costs: np.ndarray, fixed: dict[int, int]) -> list[np.ndarray]:
    """The sounds that are considered for each place."""
    count = min(_SHORTLIST, costs.shape[1])
    found = []
    for place, row in enumerate(costs):
        cheapest = np.sort(np.argpartition(row, count - 1)[:count])
        found.append(np.array([fixed[place]]) if place in fixed else cheapest)
    return found


def _cheapest(costs: list[np.ndarray], errors: list[np.ndarray], smoothness: float) -> list[int]:
    """The choice at each place of a row that costs least together (Viterbi)."""
    total = costs[0]
    came_from = []
    for place in range(1, len(costs)):
        before = errors[place - 1]
        here = errors[place]
        gap = np.square(here).sum(1)[:, None] + np.square(before).sum(1) - 2 * here @ before.T
        reached = total + smoothness * gap
        best = reached.argmin(1)
        came_from.append(best)
        total = reached[np.arange(len(here)), best] + costs[place]
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
