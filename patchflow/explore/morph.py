"""Morphs between two presets, or among four: presets whose sounds lie evenly between, found by playing many."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from ..engines import Engine, Note, Renderer, engines
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..errors import OptionError, PresetError
from ..match.matcher import encode_locks
from ..match.variation import Variation
from ..metrics.perceptual import Reference
from ..presets import ParamSpace, Preset, Value, check
from ..progress import Progress, ProgressCallback, ignore
from ..threads import one_torch_thread
from .audio_space import AudioSpace
from .grid import Grid, choose, costs_at, weights_at
from .heard_space import HeardSpace, Tried
from .path import Path, path_of
from .player import NOTE, RATE, built

__all__ = ["SAME_DB", "grid_of", "morph", "straight_points"]

SAME_DB = 0.5
"""Distance, and difference of levels, below which two sounds are the same, see `metrics.perceptual`."""

_MOST_STEPS = 512
_LEAST_RENDERS = 200
_ON_THE_WAY = 33  # points of each straight path that are tried
_SWITCHED = 96  # presets that are tried whose parts change over at times of their own
_WIDTHS = (0.0, 0.3, 0.8)  # how long a part takes to change over, in shares of the path
_BATCH = 64  # presets that are tried together
_KNOWN_ROUNDS = 8  # after so many rounds without a new preset there is none
_PARENTS = 12  # of each place
_FROM_PATH = 0.4  # share of the parents that are on the path as it is
_SMOOTHNESS = 1 / 64  # see `choose`; of a path of one step, and more with the square of their number
_MIXTURES = 3  # ways to mix two neighbours: all on the way, single parameters, whole parts
_CENTS = 10.0  # out of tune by so much costs as much as 1 dB
_MOST_CENTS = 100.0  # beyond, it costs no more
_IN_TUNE = 4.0  # cents that are not worth a preset of their own


def morph(
    ends: Sequence[Preset],
    *,
    space: AudioSpace | None = None,
    steps: int = 32,
    note: Note = NOTE,
    lock: Mapping[str, Value | None] | None = None,
    renders: int = 2_000,
    seed: int = 0,
    progress: ProgressCallback = ignore,
) -> Path:
    """Finds presets whose sounds lead from one end to the other in equal steps.

    What is tried are the straight paths of the parameters and of the audio space, presets whose parts (operators, say)
    change over at times of their own, and then children of the best at each place: the moves of the search that matches
    sounds. Of all that were played, those are taken that lie nearest to the line between the sounds of the ends, see
    `HeardSpace`, and nearest to where their neighbours lie: the whole path at once, see `choose`. So discrete
    parameters are decided by what is heard, loudness and pitch move evenly, and ends of one pitch stay in tune all the
    way. The ends are the presets themselves.

    Args:
        ends: Two presets of one synth, or four: the corners of a square, row by row.
        space: The audio space of the synth; that of `AudioSpace.load` if not given.
        steps: Presets on the path, the ends among them, 3 to 512; of four corners in rows and columns, see `grid_of`.
        note: What is played and listened to.
        lock: Parameters or groups that stay as they are in the first preset, or at a value.
        renders: How many presets to play, at least 200.
        seed: Of the random generator; the same seed gives the same path.
        progress: Called after every batch of renders.

    Raises:
        OptionError: If the number of ends, steps or renders is not allowed, if the ends sound the same, or if locks
            leave nothing to move.
        PresetError: If the presets are of different synths, or one cannot be heard.
        UnknownName: If a locked name is neither a parameter nor a group.
    """
    grid = grid_of(steps, len(ends))
    if renders < _LEAST_RENDERS:
        raise OptionError(f"renders={renders}: not at least {_LEAST_RENDERS}")
    synth = _one_synth(ends)
    engine = engines[synth]
    space = space or AudioSpace.load(synth)
    if space.synth != synth:
        raise PresetError(
            f"{ends[0].name or 'preset'}: is for {synth!r}, and the audio space is one of {space.synth!r}"
        )
    corners, free = _corners(engine.space, ends, lock or {})
    with one_torch_thread(), Renderer(lambda: built(engine, ends[0].state)) as renderer:
        tried = Tried(renderer, note, _heard_ends(renderer, corners, note, ends))
        search = _Search(renderer.make(), corners, free, grid=grid, tried=tried, rng=np.random.default_rng(seed))
        search.begin(space)
        known = 0  # rounds in a row that found nothing new: where few parameters are free, there are few presets
        while len(tried) < renders and known < _KNOWN_ROUNDS:
            before = len(tried)
            search.go_on(min(_BATCH, renders - before))
            known = known + 1 if len(tried) == before else 0
            progress(Progress("gather", len(tried), renders, "presets"))
        points = tried.points[search.path()]
        return path_of(ends, points, grid, note, renderer=renderer, space=space.description)


def grid_of(steps: int, ends: int) -> Grid:
    """Returns the places of a path of so many steps.

    Args:
        steps: How many presets.
        ends: Between how many.

    Raises:
        OptionError: If the numbers are not allowed.

    Example:
        >>> grid_of(32, 4)
        Grid(rows=4, columns=8)
    """
    if ends not in (2, 4):
        raise OptionError(f"{ends} presets: a morph is between 2, or among 4")
    if not 3 <= steps <= _MOST_STEPS:
        raise OptionError(f"steps={steps}: not in [3, {_MOST_STEPS}]")
    if ends == 2:
        return Grid(1, steps)
    rows = max(row for row in range(1, int(steps**0.5) + 1) if steps % row == 0)
    if rows < 2:
        raise OptionError(f"steps={steps}: among four presets they are rows of columns, such as 16, 25 or 32")
    return Grid(rows, steps // rows)


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


class _Search:
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
        self._weights = grid.weights(len(corners))
        self._add(corners)
        rows = tried.rows(self._allowed(corners))
        self._targets = (self._weights @ tried.vectors[rows]).astype(np.float32)
        self._wanted_cents = self._weights @ tried.heard.offsets
        # As if the path were a curve in time: its slope counts as much however many steps it is made of.
        self._smoothness = _SMOOTHNESS * (grid.columns - 1) ** 2
        pairs = [(place, other) for place in range(len(grid)) for other in self._neighbours(place) if other > place]
        self._pairs = np.array(pairs)
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
        """Tries children of the best at each place and mixtures of neighbours; and the path in tune."""
        costs = self._costs()
        path = choose(costs, self.tried.vectors, self._targets, self.grid, self._fixed, smoothness=self._smoothness)
        best = np.argsort(costs, axis=1)[:, :_PARENTS]
        children = self._tuned(path)[: count // 2]
        moves = self._variation.moves
        while len(children) < count:
            kind = int(self.rng.integers(_MIXTURES + len(moves)))
            if kind < _MIXTURES:
                children.append(self._mixture(kind, path))
            else:
                children.append(self._child(moves[kind - _MIXTURES], path, best, costs))
        before = len(self.tried)
        self._add(np.stack(children))
        if len(self.tried) == before:  # all were known: a small space may have no others
            self._add(self.rng.random((count, self.corners.shape[1])))

    def path(self) -> np.ndarray:
        """Returns the best preset at each place, by its number among those that were tried, shape `(N,)`."""
        costs = self._costs()
        return choose(costs, self.tried.vectors, self._targets, self.grid, self._fixed, smoothness=self._smoothness)

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

    def _mixture(self, kind: int, path: np.ndarray) -> np.ndarray:
        """A mixture of two neighbours, mostly of those that sound most unlike: what may lie between them."""
        first, second = path[self._pairs].T
        gaps = np.square(self.tried.vectors[first] - self.tried.vectors[second]).sum(1) + 1e-6
        pair = self.rng.choice(len(gaps), p=gaps / gaps.sum())
        here = self.tried.points[first[pair]]
        there = self.tried.points[second[pair]]
        share = self.rng.random()
        if kind == 0:
            return (1 - share) * here + share * there
        taken = self.rng.random(len(here)) < share
        if kind == 1:
            for block in self._variation.blocks:
                taken[block] = self.rng.random() < share
        return np.where(taken, there, here)

    def _neighbours(self, place: int) -> list[int]:
        row, column = divmod(place, self.grid.columns)
        around = [(row, column - 1), (row, column + 1), (row - 1, column), (row + 1, column)]
        found = []
        for other_row, other_column in around:
            if 0 <= other_row < self.grid.rows and 0 <= other_column < self.grid.columns:
                found.append(other_row * self.grid.columns + other_column)
        return found

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


def _one_synth(ends: Sequence[Preset]) -> str:
    first, *others = ends
    for other in others:
        if other.synth != first.synth:
            raise PresetError(
                f"{first.name or 'first preset'!r} is for {first.synth!r} and {other.name or 'another'!r} for "
                f"{other.synth!r}: a morph is through presets of one synth"
            )
    return first.synth


def _corners(
    space: ParamSpace, ends: Sequence[Preset], lock: Mapping[str, Value | None]
) -> tuple[np.ndarray, np.ndarray]:
    """The ends, encoded, with locked parameters alike in all; and the positions of parameters that are free."""
    for end in ends:
        check(end, space)
    corners = space.snap(np.stack([space.encode(end.values) for end in ends]))
    locked = encode_locks(space, lock, corners[0])
    for position, value in locked.items():
        corners[:, position] = value
    corners = space.snap(corners)
    free = np.setdiff1d(np.arange(len(space)), list(locked))
    if not len(free) or (lock and (corners == corners[0]).all()):
        raise OptionError(f"lock {', '.join(lock)}: leaves nothing to move, all presets are the same then")
    return corners, free


def _heard_ends(renderer: Renderer, corners: np.ndarray, note: Note, ends: Sequence[Preset]) -> HeardSpace:
    """The space between the sounds of the ends.

    Raises:
        PresetError: If one cannot be heard.
        OptionError: If they all sound the same.
    """
    jobs = list(corners)
    sounds = np.stack(list(renderer.map(lambda engine, point: render_or_silence(engine, point, note, RATE), jobs)))
    for end, sound in zip(ends, sounds, strict=True):
        if np.abs(sound).max() < INAUDIBLE:
            raise PresetError(f"{end.name or 'preset'}: cannot be heard on note {note.pitch}, so there is no way to it")
    apart = Reference(torch.from_numpy(sounds[0])).distance(torch.from_numpy(sounds[1:]))
    levels = 10 * np.log10(np.square(sounds, dtype=float).mean(1))
    if float(apart.max()) < SAME_DB and np.ptp(levels) < SAME_DB:
        names = " and ".join(repr(end.name or "preset") for end in (ends[0], ends[1]))
        raise OptionError(f"{names} sound the same ({float(apart.max()):.1f} dB apart): there is nothing between them")
    return HeardSpace(sounds)
