"""The last stage of a search: small steps of every audible parameter of the best preset."""

import numpy as np

from ..engines import Engine
from .scorer import Outcome, Scored
from .stages import Stage

__all__ = ["Polish", "audible_parameters"]

_STEP = 0.04  # first step, as a share of the range
_LARGEST = 0.25
_SMALLEST = 1e-3  # of parameters that have no steps of their own
_TOGETHER = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48)  # how many of the most helpful moves are tried as one
_COMBINED = 32  # combinations of helpful moves that are tried after every sweep

_Move = dict[int, float]  # shift by position


class Polish(Stage):
    """Sweeps: every audible parameter one step up and down, then the moves that helped, together.

    A parameter whose move helped takes larger steps in the next sweep, the others smaller ones. CMA-ES in
    its place did no better than going on recombining; sweeps do (see LOG.md).

    References:
        Hooke & Jeeves, "Direct Search" Solution of Numerical and Statistical Problems (1961)
        https://doi.org/10.1145/321062.321069

    Args:
        engine: Knows which parameters are audible.
        free: Positions of parameters that may change, shape `(L,)`.
        rng: Random generator.
    """

    name = "polish"
    screened = False

    def __init__(self, engine: Engine, free: np.ndarray, rng: np.random.Generator) -> None:
        self.engine = engine
        self.free = free
        self.rng = rng
        cells = engine.space.cells
        self._least = np.where(cells > 0, 1 / np.maximum(cells, 1), _SMALLEST)
        self._step = np.maximum(_STEP, self._least)
        self._ordered = ~engine.space.categorical
        self._center = np.empty(0)
        self._queue: list[_Move] = []
        self._asked: list[_Move] = []
        self._helped: dict[int, tuple[float, float]] = {}  # gain and shift by position
        self._combining = True  # as if a sweep had just ended: the first `ask` begins one
        self._stuck = False

    def stuck(self, found: Scored) -> bool:
        """Returns whether no step helps this best preset any more."""
        return self._stuck and np.array_equal(found.points[0], self._center)

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        if not self._queue:
            if self._combining:
                self._begin(self.parents(found))
            else:
                self._queue = self._combinations()
                self._combining = True
        self._asked = self._queue[:count]
        self._queue = self._queue[count:]
        points = np.tile(self._center, (len(self._asked), 1))
        for point, move in zip(points, self._asked, strict=True):
            for i, shift in move.items():
                point[i] += shift
        return np.clip(points, 0, 1), np.full(len(points), self._pitch)

    def tell(self, outcome: Outcome) -> None:
        """See `Stage.tell`."""
        # Combinations are not credited to their parts: if one is better, it is the centre of the next sweep anyway.
        if self._combining:
            return
        for move, value in zip(self._asked, outcome.distance, strict=True):
            ((i, shift),) = move.items()
            gain = self._best - value
            if gain > self._helped.get(i, (0.0, 0.0))[0]:
                self._helped[i] = (gain, shift)

    def _begin(self, found: Scored) -> None:
        """Starts a sweep around the best preset."""
        same = np.array_equal(found.points[0], self._center)
        smallest = bool((self._step <= self._least).all())
        self._stuck = same and not self._helped and smallest
        helped = np.isin(np.arange(len(self._step)), list(self._helped))
        self._step = np.clip(self._step * np.where(helped, 1.5, 0.5), self._least, _LARGEST)
        self._center = found.points[0]
        self._pitch = int(found.pitch[0])
        self._best = float(found.distance[0])
        moves = self._single_moves()
        self._queue = [moves[k] for k in self.rng.permutation(len(moves))]
        self._helped = {}
        self._combining = False
        if not self._queue:  # nothing can be heard or everything is locked
            self._queue = [{}]
            self._stuck = True

    def _single_moves(self) -> list[_Move]:
        """Every audible free parameter one step down, and one step up."""
        audible = np.nonzero(audible_parameters(self.engine, self._center))[0]
        moves = []
        for i in np.intersect1d(audible, self.free).tolist():
            moves.append({i: self._shift(i, -1)})
            moves.append({i: self._shift(i, 1)})
        return moves

    def _shift(self, i: int, sign: int) -> float:
        if self._ordered[i]:
            return sign * float(self._step[i])
        return float(self.rng.random() - self._center[i])  # any other category

    def _combinations(self) -> list[_Move]:
        """The best few helpful moves together, and random subsets of all of them; one empty move if there are none."""
        order = sorted(self._helped, key=self._gain, reverse=True)
        chosen = []
        if len(order) >= 2:
            sizes = {min(len(order), size) for size in _TOGETHER}
            chosen = [order[:size] for size in sorted(sizes)]
        while len(order) > 2 and len(chosen) < _COMBINED:
            size = int(self.rng.integers(2, len(order) + 1))
            chosen.append(self.rng.choice(order, size, replace=False).tolist())
        return [self._together(positions) for positions in chosen] or [{}]

    def _gain(self, position: int) -> float:
        return self._helped[position][0]

    def _together(self, positions: list[int]) -> _Move:
        return {i: self._helped[i][1] for i in positions}


def audible_parameters(engine: Engine, point: np.ndarray) -> np.ndarray:
    """Returns which parameters of a preset can be heard when they change, shape `(P,)`.

    Args:
        engine: Its `canonical` form resets what cannot be heard.
        point: Encoded preset, shape `(P,)`.
    """
    # Row i is the preset with parameter i moved by almost half its range. If the canonical forms of both have the same
    # value in place i, the move was undone there: parameter i makes no sound.
    moved = np.tile(point, (len(point), 1))
    np.fill_diagonal(moved, np.where(point < 0.5, point + 0.45, point - 0.45))
    return np.diagonal(engine.canonical(moved) != engine.canonical(point[None]))
