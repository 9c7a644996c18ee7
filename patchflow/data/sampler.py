"""Draws presets and notes for training: of a bank, crossed, moved and random ones."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..engines import Note
from ..presets import ParamSpace

__all__ = ["SAMPLE_KINDS", "SampledPresets", "Sampler", "crossover", "jitter", "random_presets", "shuffle"]

SAMPLE_KINDS = ("plain", "crossed", "jittered", "random")
"""Kinds of drawn presets: from the bank, crossed from two of it, moved from one, or shuffled over the bank."""


@dataclass(frozen=True)
class SampledPresets:
    """Drawn presets and where they come from.

    Args:
        points: Encoded presets, shape `(N, P)`.
        kinds: Place in `SAMPLE_KINDS` of each, shape `(N,)`.
        sources: Rows of the bank that each was made of, -1 for none, shape `(N, 2)`.
    """

    points: np.ndarray
    kinds: np.ndarray
    sources: np.ndarray


@dataclass(frozen=True)
class Sampler:
    """Draws encoded presets around a bank, and notes to play them on.

    Presets made by people show what users look for, the others fill the space between and around them.

    Args:
        space: The synth's parameters.
        points: The bank, shape `(N, P)`.
        weights: How often each is used, shape `(N,)`, sum 1.
        bank: Share of unchanged bank presets.
        crossed: Share of crossovers of two presets by whole groups.
        jittered: Share of presets with some parameters moved; the rest are shuffled over the bank.
    """

    space: ParamSpace
    points: np.ndarray
    weights: np.ndarray
    bank: float = 0.4
    crossed: float = 0.3
    jittered: float = 0.25

    @property
    def shares(self) -> tuple[float, float, float]:
        """The shares of bank presets, crossovers and jittered ones."""
        return self.bank, self.crossed, self.jittered

    @cached_property
    def _edges(self) -> np.ndarray:
        edges = np.cumsum(self.weights)
        return edges / edges[-1]

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Returns `count` encoded presets, shape `(count, P)`."""
        return self.deal(count, rng).points

    def deal(self, count: int, rng: np.random.Generator) -> SampledPresets:
        """Returns the presets that `draw` would return, and where they come from."""
        # All four kinds are drawn for every row and one is chosen, so that the number of random numbers never depends
        # on the shares: with the same seed, other shares change the kinds alone. The order of draws is part of every
        # data set and cache.
        kind = rng.random(count)
        first = self._pick(count, rng)
        second = self._pick(count, rng)
        chosen = self.points[first]
        crossed = crossover(self.space, chosen, self.points[second], rng)
        jittered = jitter(self.space, chosen, rng)
        shuffled = shuffle(self.points, count, rng)
        kinds = np.searchsorted(np.cumsum([self.bank, self.crossed, self.jittered]), kind)
        points = np.choose(kinds[:, None], [chosen, crossed, jittered, shuffled])
        of_first = kinds != SAMPLE_KINDS.index("random")
        of_second = kinds == SAMPLE_KINDS.index("crossed")
        sources = np.stack([np.where(of_first, first, -1), np.where(of_second, second, -1)], 1)
        return SampledPresets(points, kinds, sources)

    def notes(self, count: int, rng: np.random.Generator, length: float = 4.0) -> list[Note]:
        """Returns `count` notes of `length` seconds: pitch 24 to 96, velocity 20 to 127, held 0.2 to 3.5 s.

        The commonest values (middle C, velocity 100, 3 s) are drawn more often.
        """
        pitch = np.where(rng.random(count) < 0.25, 60, rng.integers(24, 97, count))
        velocity = np.where(rng.random(count) < 0.6, 100, rng.integers(20, 128, count))
        hold = np.where(rng.random(count) < 0.3, 3.0, np.exp(rng.uniform(np.log(0.2), np.log(3.5), count)))
        return [Note(int(p), int(v), float(h), length) for p, v, h in zip(pitch, velocity, hold, strict=True)]

    def _pick(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws rows of the bank by weight."""
        # The same as rng.choice(p=weights), which would sum up the weights of the whole bank again for every item.
        return np.searchsorted(self._edges, rng.random(count), side="right")


def crossover(space: ParamSpace, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns `a` with some whole groups (operators, envelopes) taken from `b`.

    Args:
        space: The synth's parameters; its groups are the blocks.
        a: Encoded presets, shape `(N, P)`.
        b: Encoded presets, shape `(N, P)`.
        rng: Random generator.
    """
    child = a.copy()
    for members in space.groups.values():
        taken = rng.random(len(a)) < 0.35
        child[:, members] = np.where(taken[:, None], b[:, members], a[:, members])
    return child


def jitter(
    space: ParamSpace, points: np.ndarray, rng: np.random.Generator, *, share: float = 0.15, size: float = 0.08
) -> np.ndarray:
    """Returns points with about `share` of their parameters moved.

    Ordered parameters move by a normal step of deviation `size` of their range; categories are
    redrawn with a tenth of that chance.
    """
    moved = np.clip(points + rng.normal(0, size, points.shape), 0, 1)
    chance = np.where(space.categorical, share / 10, share)
    moved = np.where(space.categorical, rng.random(points.shape), moved)
    return space.snap(np.where(rng.random(points.shape) < chance, moved, points))


def shuffle(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns presets with every parameter drawn from another row: the bank's marginals, no structure."""
    rows = rng.integers(len(points), size=(count, points.shape[1]))
    return np.take_along_axis(points, rows, axis=0)


def random_presets(
    space: ParamSpace, count: int, rng: np.random.Generator, *, fresh: np.ndarray | None = None
) -> np.ndarray:
    """Returns random presets around the fresh one: some groups change, and in each of these some parameters.

    Most presets drawn evenly from the whole space of a large synth are noise or silence. So each preset keeps a random
    share of the groups, and in the others a random share of the parameters, as they are in the fresh preset. The rest
    is drawn evenly. On average at least two groups change, and in each at least two parameters; a space of two groups
    of two is drawn evenly as a whole. See `benchmarks/draws.py`.

    Args:
        space: The synth's parameters; one without a group is a group of its own.
        count: Number of presets to draw.
        rng: Random generator.
        fresh: Preset to draw around, encoded, shape `(P,)`; the synth's fresh preset if not given.

    Returns:
        Points of the unit cube, not yet snapped, shape `(count, P)`.

    Example:
        >>> from patchflow.engines import engines
        >>> random_presets(engines["tone"].space, 4, np.random.default_rng(0)).shape
        (4, 3)
    """
    block = np.arange(len(space)) + len(space.groups)
    for number, members in enumerate(space.groups.values()):
        block[list(members)] = number
    blocks, block, sizes = np.unique(block, return_inverse=True, return_counts=True)

    # Chances of a change, drawn for each preset: from "two of them on average" to 1. Of parameters, two of its group.
    group_chance = np.maximum(rng.random((count, 1)), 2 / len(blocks))
    parameter_chance = np.maximum(rng.random((count, 1)), (2 / sizes)[block])
    groups = rng.random((count, len(blocks))) < group_chance
    parameters = rng.random((count, len(space))) < parameter_chance
    changed = groups[:, block] & parameters
    values = rng.random((count, len(space)))
    return np.where(changed, values, space.default() if fresh is None else fresh)
