"""The last stage of a search: small steps of every audible parameter of the best preset."""

import numpy as np

from ..engines import Engine
from .scorer import Outcome, Scored
from .stages import Stage

__all__ = ["Polish", "audible_parameters"]

_STEP = 0.04  # first step, as a share of the range
_LARGEST, _SMALLEST = 0.25, 1e-3
_COMBINED = 32  # combinations of helpful moves that are tried after every sweep


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
        rng: Source of chance.
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
        self._queue: list[dict[int, float]] = []
        self._asked: list[dict[int, float]] = []
        self._helped: dict[int, tuple[float, float]] = {}  # gain and shift by position
        self._combining = True
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
        self._asked, self._queue = self._queue[:count], self._queue[count:]
        points = np.tile(self._center, (len(self._asked), 1))
        for point, move in zip(points, self._asked, strict=True):
            for i, shift in move.items():
                point[i] += shift
        return np.clip(points, 0, 1), np.full(len(points), self._pitch)

    def tell(self, outcome: Outcome) -> None:
        """See `Stage.tell`."""
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
        smallest = (self._step <= self._least).all()
        self._stuck = same and not self._helped and bool(smallest)
        helped = np.isin(np.arange(len(self._step)), list(self._helped))
        self._step = np.clip(self._step * np.where(helped, 1.5, 0.5), self._least, _LARGEST)
        self._center, self._pitch, self._best = found.points[0], int(found.pitch[0]), float(found.distance[0])
        audible = np.intersect1d(np.nonzero(audible_parameters(self.engine, self._center))[0], self.free)
        moves = [{int(i): self._shift(int(i), sign)} for i in audible for sign in (-1, 1)]
        self._queue = [moves[k] for k in self.rng.permutation(len(moves))]
        self._helped, self._combining = {}, False
        if not self._queue:  # nothing can be heard or everything is locked
            self._queue, self._stuck = [{}], True

    def _shift(self, i: int, sign: int) -> float:
        if self._ordered[i]:
            return sign * float(self._step[i])
        return float(self.rng.random() - self._center[i])  # any other category

    def _combinations(self) -> list[dict[int, float]]:
        """The best few helpful moves together, and random subsets of all of them."""
        order = sorted(self._helped, key=lambda i: -self._helped[i][0])
        sizes = sorted({min(len(order), k) for k in (2, 3, 4, 6, 8, 12, 16, 24, 32, 48) if len(order) >= 2})
        chosen = [order[:k] for k in sizes]
        while len(order) > 2 and len(chosen) < _COMBINED:
            chosen.append(list(self.rng.choice(order, int(self.rng.integers(2, len(order) + 1)), replace=False)))
        return [{int(i): self._helped[int(i)][1] for i in some} for some in chosen] or [{}]


def audible_parameters(engine: Engine, point: np.ndarray) -> np.ndarray:
    """Returns which parameters of a preset can be heard when they change, shape `(P,)`.

    Args:
        engine: Its `canonical` form resets what cannot be heard.
        point: Encoded preset, shape `(P,)`.
    """
    moved = np.tile(point, (len(point), 1))
    np.fill_diagonal(moved, np.where(point < 0.5, point + 0.45, point - 0.45))
    return np.diagonal(engine.canonical(moved) != engine.canonical(point[None]))
