"""Looks for presets whose sounds are at the places of a path, and chooses among all that were played."""

import math
from collections.abc import Callable

import numpy as np

from ..engines import Engine
from ..match.stages import Variation
from .audio_space import Apart, AudioSpace, Tried
from .grid import Grid, Taste, choose, costs_at, heard_apart, weights_at

__all__ = ["PathSearch", "straight_points"]

_ON_THE_WAY = 33  # points of each straight path that are tried
_SWITCHED = 96  # presets that are tried whose parts change over at times of their own
_WIDTHS = (0.0, 0.3, 0.8)  # how long a part takes to change over, in shares of the path
_PARENTS = 12  # of each place
_FROM_PATH = 0.4  # share of the parents that are on the path as it is
_BRIDGES = 0.3  # share of the children that are for the largest steps
_MIXED = 0.6  # share of those that are mixtures, and no moves of the search
_MIXTURES = ("all", "parameters", "parts", "some parts", "switches")  # what of two presets is mixed
_SWITCH = 32  # values of a parameter that is taken for a switch, at most
_SMOOTHNESS = 1 / 32  # see `Taste`; of a path of one step, and more with the square of their number
_EVENNESS = 0.003 / 8**3  # likewise, and more with the cube of their number
_CENTS = 10.0  # out of tune by so much costs as much as 1 dB
_MOST_CENTS = 100.0  # beyond, it costs no more
_IN_TUNE = 4.0  # cents that are not worth a preset of their own
_COMPARED = 1000  # pairs of sounds whose distance is measured in the end
_FEW = (2, 10)  # sounds considered for a place then, at least and at most
_SETTLED = 2  # times that the path is chosen by distances that were measured


def straight_points(space: AudioSpace, corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns presets on the straight way through the audio space; the ends are themselves.

    Args:
        space: The audio space.
        corners: Encoded presets, shape `(C, P)`.
        weights: How much of each is in each, shape `(N, C)`.

    Returns:
        Encoded, snapped, shape `(N, P)`.
    """
    return space.presets(space.between(space.encode(corners), weights))


class PathSearch:
    """Looks for presets whose sounds are at the places of a grid.

    Args:
        engine: Transposes presets.
        corners: The ends, encoded, shape `(C, P)`.
        free: Positions of parameters that may change, shape `(L,)`.
        grid: The places.
        tried: Where what is played is kept.
        rng: Random generator.
    """

    def __init__(
        self,
        engine: Engine,
        corners: np.ndarray,
        free: np.ndarray,
        *,
        grid: Grid,
        tried: Tried,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.corners = corners
        self.free = free
        self.grid = grid
        self.tried = tried
        self.rng = rng
        locked = np.setdiff1d(np.arange(corners.shape[1]), free)
        self._locked = locked
        self._variation = Variation(engine.space, locked)
        cells = engine.space.cells
        self._switches = engine.space.categorical | ((cells > 0) & (cells <= _SWITCH))
        self._weights = grid.weights(len(corners))
        self._add(corners)
        rows = tried.rows(self._allowed(corners))
        self._targets = (self._weights @ tried.vectors[rows]).astype(np.float32)
        self._wanted_cents = self._weights @ tried.heard.offsets
        # As if the path were a curve in time: its slope counts as much however many steps it is made of.
        # Of many small steps one that is not small is worse, so that counts still more.
        steps = grid.columns - 1
        self._taste = Taste(_SMOOTHNESS * steps**2, _EVENNESS * steps**3)
        self._pairs = np.array([pair for place in range(len(grid)) for pair in self._pairs_from(place)])
        self._fixed = dict(zip(grid.corners(len(corners)), rows, strict=True))

    def begin(self, space: AudioSpace) -> None:
        """Tries the straight paths, and presets whose parts change over at times of their own."""
        ends = len(self.corners)
        on_the_way = Grid(1, _ON_THE_WAY) if ends == 2 else Grid(6, 6)
        weights = np.concatenate([on_the_way.weights(ends), self._weights])
        self._add(weights @ self.corners)
        self._add(straight_points(space, self.corners, weights))
        self._add(np.stack([self._switched() for _ in range(_SWITCHED)]))

    def go_on(self, count: int) -> None:
        """Tries the path in tune, what may bridge its large steps, and children of the best at each place."""
        costs = self._costs()
        path = self._chosen(costs)
        best = np.argsort(costs, axis=1)[:, :_PARENTS]
        children = self._tuned(path)[: count // 2]
        moves = self._variation.moves
        while len(children) < count:
            if self.rng.random() < _BRIDGES:
                children.append(self._bridge(path, costs))
            else:
                children.append(self._child(moves[self.rng.integers(len(moves))], path, best, costs))
        before = len(self.tried)
        self._add(np.stack(children))
        if len(self.tried) == before:  # all were known: a small space may have no others
            self._add(self.rng.random((count, self.corners.shape[1])))

    def path(self) -> np.ndarray:
        """Returns the best preset at each place, by its number among those that were tried, shape `(N,)`.

        The search goes by vectors, which are quick to compare. In the end distances are measured as people hear them,
        among the best few at each place.
        """
        costs = self._costs()
        path = self._chosen(costs)
        apart = Apart(self.tried)
        for _ in range(_SETTLED):
            path = self._chosen(costs, self._few(costs, path), apart)
        return path

    def _chosen(
        self, costs: np.ndarray, among: list[np.ndarray] | None = None, apart: Apart | None = None
    ) -> np.ndarray:
        return choose(
            costs, self.tried.vectors, self._targets, self.grid, self._fixed,
            taste=self._taste, among=among, apart=apart,
        )  # fmt: skip

    def _few(self, costs: np.ndarray, path: np.ndarray) -> list[np.ndarray]:
        """The sounds considered for each place: those on the path near there, and those that fit best beside them."""
        count = min(max(math.isqrt(_COMPARED // len(self._pairs)), _FEW[0]), _FEW[1])
        vectors = self.tried.vectors
        found = []
        for place, cost in enumerate(costs):
            around = self._neighbours(place)
            fit = cost + self._taste.of_steps(heard_apart(costs_at(vectors, vectors[path[around]]))).sum(0)
            best = np.argpartition(fit, min(count, len(fit)) - 1)[:count]
            found.append(np.unique(np.concatenate([path[[place, *around]], best])))
        return found

    def _costs(self) -> np.ndarray:
        """How far each sound is from each place, in dB squared, out of tune included; shape `(N, M)`."""
        costs = costs_at(self.tried.vectors, self._targets)
        off = np.nan_to_num(np.abs(self.tried.cents - self._wanted_cents[:, None]), nan=0.0)
        return costs + np.square(np.minimum(off, _MOST_CENTS) / _CENTS)

    def _child(
        self, move: Callable[..., np.ndarray], path: np.ndarray, best: np.ndarray, costs: np.ndarray
    ) -> np.ndarray:
        """A child of one of the best at a place, and of others near there."""
        places = np.array([place for place in range(len(self.grid)) if place not in self._fixed])
        far = np.sqrt(costs[places, path[places]]) + 1e-6
        place = int(self.rng.choice(places, p=0.5 * far / far.sum() + 0.5 / len(far)))
        points = self.tried.points
        if self.rng.random() < _FROM_PATH:
            parent = points[path[place]]
        else:
            parent = points[best[place, self.rng.integers(best.shape[1], size=2).min()]]
        near = [place, *self._neighbours(place)]
        donors = np.concatenate([points[best[near, : _PARENTS // 2].ravel()], self.corners])
        return move(parent, self.rng.permutation(donors), points, self.rng)

    def _bridge(self, path: np.ndarray, costs: np.ndarray) -> np.ndarray:
        """A preset for the middle of a large step: bred from its two sides, and from what lies between them so far."""
        vectors = self.tried.vectors
        points = self.tried.points
        first, second = path[self._pairs].T
        gaps = np.square(np.square(vectors[first] - vectors[second]).sum(1) + 1e-6)
        pair = self.rng.choice(len(gaps), p=gaps / gaps.sum())
        sides = [first[pair], second[pair]]
        off = costs_at(vectors, vectors[sides]).max(0) + costs[self._pairs[pair]].min(0)
        between = np.argpartition(off, min(_PARENTS, len(off)) - 1)[:_PARENTS]
        near = points[self.rng.permutation(between)]
        if self.rng.random() < _MIXED:
            here, there = self.rng.permutation(np.concatenate([points[sides], near[:1]]))[:2]
            return self._mixture(here, there)
        move = self._variation.moves[self.rng.integers(len(self._variation.moves))]
        return move(near[0], np.concatenate([near[1:], points[sides]]), points, self.rng)

    def _mixture(self, here: np.ndarray, there: np.ndarray) -> np.ndarray:
        """A mixture of two presets in one of the ways of `_MIXTURES`."""
        kind = self.rng.choice(_MIXTURES)
        share = self.rng.random()
        between = (1 - share) * here + share * there
        taken = self.rng.random(len(here)) < share
        if kind in ("parts", "some parts"):
            for block in self._variation.blocks:
                taken[block] = self.rng.random() < share
        chosen = np.where(taken, there, here)
        if kind == "all":
            return between
        if kind == "switches":  # each is thrown or not, everything else is on the way
            return np.where(self._switches, chosen, between)
        if kind == "some parts":  # the others are on the way
            for block in self._variation.blocks:
                if self.rng.random() < 0.5:
                    chosen[block] = between[block]
        return chosen

    def _neighbours(self, place: int) -> list[int]:
        row, column = divmod(place, self.grid.columns)
        around = [(row, column - 1), (row, column + 1), (row - 1, column), (row + 1, column)]
        found = []
        for other_row, other_column in around:
            if 0 <= other_row < self.grid.rows and 0 <= other_column < self.grid.columns:
                found.append(other_row * self.grid.columns + other_column)
        return found

    def _pairs_from(self, place: int) -> list[tuple[int, int]]:
        """The steps from a place to those after and below it."""
        return [(place, other) for other in self._neighbours(place) if other > place]

    def _tuned(self, path: np.ndarray) -> list[np.ndarray]:
        """The presets of the path that are out of tune, transposed by as much."""
        if self.engine.tuning_step is None:
            return []
        off = self.tried.cents[path] - self._wanted_cents
        wrong = np.flatnonzero(np.abs(off) > max(_IN_TUNE, self.engine.tuning_step / 2))
        if not len(wrong):
            return []
        free = np.isin(np.arange(len(self.engine.space)), self.free)
        return list(self.engine.transposed(self.tried.points[path[wrong]], -off[wrong], free))

    def _switched(self) -> np.ndarray:
        """A preset on the way, each part, or each parameter, of which is early or late by itself."""
        at = self.rng.random(2)
        width = float(self.rng.choice(_WIDTHS))
        alone = self.rng.random() < 0.5
        blocks = [np.array([i]) for i in range(self.corners.shape[1])] if alone else self._variation.blocks
        point = self.corners[0].copy()
        for block in blocks:
            middle = self.rng.random(2)
            there = np.clip((at - middle) / max(width, 1e-6) + 0.5, 0, 1)
            point[block] = (weights_at(there[None], len(self.corners)) @ self.corners)[0, block]
        return point

    def _add(self, points: np.ndarray) -> None:
        self.tried.add(self._allowed(points))

    def _allowed(self, points: np.ndarray) -> np.ndarray:
        """Presets with what is locked as it has to be."""
        snapped = self.engine.space.snap(points)
        snapped[:, self._locked] = self.corners[0, self._locked]
        return snapped
