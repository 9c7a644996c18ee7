"""The last stage of a search: small steps of every audible parameter of the best preset."""

import re

import numpy as np

from ..engines import Engine
from ..presets import ParamSpace
from .scorer import Outcome, Scored
from .stages import Stage

__all__ = ["Polish", "audible_parameters", "families"]

_STEP = 0.04  # first step, as a share of the range
_LARGEST = 0.25
_SMALLEST = 1e-3  # of parameters that have no steps of their own
_TOGETHER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)  # how many of the most helpful moves are tried as one
_COMBINED = 1 / 3  # share of a batch that may be combinations of helpful moves

_Move = dict[int, float]  # shift by position


class Polish(Stage):
    """Sweeps: every audible parameter one step up or down, and what helped is tried together.

    The best of each batch is where the next steps begin; those that helped without being the best are tried from there,
    alone and together. Whoever did not help is tried in the other direction. Parameters whose names differ in one
    number, such as the outputs of all operators, also take steps as one. What helped takes larger steps in the next
    sweep, the rest smaller ones. CMA-ES in its place did no better than going on recombining; sweeps do (see LOG.md).

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
        space = engine.space
        self._least = np.where(space.cells > 0, 1 / np.maximum(space.cells, 1), _SMALLEST)
        self._ordered = ~space.categorical
        # What moves as one: single parameters first, so that the number of one is its position, then families.
        self._members = [np.array([i]) for i in range(len(space))]
        self._members += [members for members in families(space) if np.isin(members, free).all()]
        self._smallest = np.array([self._least[members].min() for members in self._members])
        self._step = np.maximum(_STEP, self._smallest)
        self._sign = rng.choice([-1, 1], len(self._members))
        self._center = np.empty(0)
        self._pitch = -1
        self._first: list[int] = []  # what has not taken a step in this sweep
        self._other_way: list[int] = []  # what has, in vain
        self._asked: list[tuple[int | None, _Move]] = []  # what moves, and how; None for several together
        self._helped: dict[int, tuple[float, _Move]] = {}  # gain and move
        self._helped_in_sweep: set[int] = set()
        self._turned: set[int] = set()  # what is tried in the other direction in this sweep
        self._to_combine = False  # whether a move helped, or the centre moved, since the last combinations
        self._moved = False  # whether the centre moved in this sweep
        self._swept = False  # whether a sweep ever began
        self._stuck = False

    def stuck(self, found: Scored) -> bool:
        """Returns whether no step helps this best preset any more."""
        return self._stuck and self._is_centre(found)

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        self._start_from(self.parents(found))
        self._asked = []
        if self._to_combine and self._helped:
            most = max(1, round(_COMBINED * count))
            self._asked = [(None, move) for move in self._combinations()[:most]]
        self._to_combine = False
        if not (self._asked or self._first or self._other_way):
            self._begin_sweep()
        while len(self._asked) < count and (self._first or self._other_way):
            self._asked.append(self._next_step())
        if not self._asked:  # nothing can be heard or everything is locked
            self._asked = [(None, {})]
            self._stuck = True
        points = np.tile(self._center, (len(self._asked), 1))
        for point, (_, move) in zip(points, self._asked, strict=True):
            for i, shift in move.items():
                point[i] += shift
        return np.clip(points, 0, 1), np.full(len(points), self._pitch)

    def tell(self, outcome: Outcome) -> None:
        """See `Stage.tell`."""
        combined = False
        improved = bool(outcome.distance.min() < self._best)
        for (mover, move), distance in zip(self._asked, outcome.distance.tolist(), strict=True):
            # Combinations are not credited to their parts: if one is better, it is the centre of what comes next.
            if mover is None:
                combined = True
                continue
            gain = self._best - distance
            if gain > 0:
                if gain > self._helped.get(mover, (0.0, {}))[0]:
                    self._helped[mover] = (gain, move)
                self._helped_in_sweep.add(mover)
                self._to_combine = True
            elif mover not in self._helped_in_sweep and mover not in self._turned:
                self._turned.add(mover)
                self._other_way.append(mover)
        if combined and not improved:  # what helped once helps no more
            self._helped = {}

    def _is_centre(self, found: Scored) -> bool:
        """Whether the best is where the steps are taken from; the same preset on another key is not."""
        return int(found.pitch[0]) == self._pitch and np.array_equal(found.points[0], self._center)

    def _start_from(self, found: Scored) -> None:
        """Moves the centre to the best preset."""
        best = found.points[0]
        if self._is_centre(found):
            return
        if len(self._center):
            # What the new centre has already cannot help again.
            changed = np.nonzero(best != self._center)[0]
            done = [mover for mover, (_, move) in self._helped.items() if np.isin(list(move), changed).any()]
            for mover in done:
                del self._helped[mover]
        self._center = best
        self._pitch = int(found.pitch[0])
        self._best = float(found.distance[0])
        self._to_combine = True
        self._moved = True

    def _begin_sweep(self) -> None:
        """Puts everything audible in line, what helped in the last sweep first."""
        helped = np.isin(np.arange(len(self._step)), list(self._helped_in_sweep))
        if self._swept:
            smallest = bool((self._step <= self._smallest).all())
            self._stuck = smallest and not helped.any() and not self._moved
            self._step = np.clip(self._step * np.where(helped, 1.5, 0.5), self._smallest, _LARGEST)
        audible = np.intersect1d(np.nonzero(audible_parameters(self.engine, self._center))[0], self.free)
        # A family moves as long as at least two of it can be heard.
        heard = [np.isin(members, audible).sum() for members in self._members]
        movers = [k for k, count in enumerate(heard) if count >= min(2, len(self._members[k]))]
        order = self.rng.permutation(movers).tolist()
        self._first = sorted(order, key=lambda mover: not helped[mover])
        self._other_way = []
        self._turned = set()
        self._helped = {}
        self._helped_in_sweep = set()
        self._moved = False
        self._swept = True

    def _next_step(self) -> tuple[int, _Move]:
        """What takes a step next, and which."""
        if self._first:
            mover = self._first.pop(0)
        else:
            mover = self._other_way.pop(0)
            self._sign[mover] *= -1
        return mover, {i: self._shift(mover, i) for i in self._members[mover].tolist()}

    def _shift(self, mover: int, i: int) -> float:
        if self._ordered[i]:
            return float(self._sign[mover] * max(self._step[mover], self._least[i]))
        return float(self.rng.random() - self._center[i])  # any other category

    def _combinations(self) -> list[_Move]:
        """The best few helpful moves together, then random subsets of all of them."""
        order = sorted(self._helped, key=lambda mover: self._helped[mover][0], reverse=True)
        sizes = sorted({min(len(order), size) for size in _TOGETHER})
        chosen = [order[:size] for size in sizes]
        chosen += [[mover] for mover in order[1:3]]
        while len(chosen) < 2 + 2 * len(order):
            size = int(self.rng.integers(1, len(order) + 1))
            chosen.append(self.rng.choice(order, size, replace=False).tolist())
        return [self._together(movers) for movers in chosen]

    def _together(self, movers: list[int]) -> _Move:
        """The moves as one; of two that move the same parameter, the later counts."""
        together: _Move = {}
        for mover in movers:
            together.update(self._helped[mover][1])
        return together


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


def families(space: ParamSpace) -> list[np.ndarray]:
    """Returns the positions of ordered parameters whose names differ in one number, for every such family.

    Example:
        >>> from patchflow.presets import dx7
        >>> [dx7.SPACE.names[i] for i in families(dx7.SPACE)[1]]
        ['op1.rate1', 'op1.rate2', 'op1.rate3', 'op1.rate4']
    """
    found: dict[str, list[int]] = {}
    for i, name in enumerate(space.names):
        if space.categorical[i]:
            continue
        for number in re.finditer(r"\d+", name):
            pattern = f"{name[: number.start()]}#{name[number.end() :]}"
            found.setdefault(pattern, []).append(i)
    return [np.array(members) for members in found.values() if len(members) > 1]
