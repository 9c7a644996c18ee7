"""The middle stage of a search: breeds children of the best presets."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from ..presets import ParamSpace
from .proposals import Move
from .scorer import Outcome, Scored
from .stages import Draw, Stage

__all__ = ["Recombine", "Variation", "favoured"]

_RESTS = 2  # batches for each move of a model, in one of which it is used


class Variation:
    """The structure-aware moves of the search.

    Each move takes a parent, good presets, best first, and a pool of varied ones, and returns a child of
    the parent. A group (an operator) may also move to another group of the same shape.

    Args:
        space: The synth's parameters; its groups are the blocks that are recombined.
        locked: Positions of parameters that must not change, shape `(L,)`.
    """

    def __init__(self, space: ParamSpace, locked: np.ndarray) -> None:
        self.space = space
        self.free = np.setdiff1d(np.arange(len(space)), locked)
        self.ordered = ~space.categorical
        self.moves: tuple[Callable[..., np.ndarray], ...] = (
            self.swap_groups, self.mix, self.difference, self.step, self.borrow,
        )  # fmt: skip

    @cached_property
    def blocks(self) -> list[np.ndarray]:
        """Positions of every group; every parameter is its own block in a space without groups."""
        if len(self.space.groups) > 1:
            return [np.array(members) for members in self.space.groups.values()]
        return [np.array([i]) for i in range(len(self.space))]

    @cached_property
    def alike(self) -> dict[int, list[int]]:
        """For every block, the blocks it can stand in for: those with the same parameters by last name."""
        same: dict[tuple[str, ...], list[int]] = {}
        for i, block in enumerate(self.blocks):
            same.setdefault(self._last_names(block), []).append(i)
        return {i: same[self._last_names(block)] for i, block in enumerate(self.blocks)}

    def _last_names(self, block: np.ndarray) -> tuple[str, ...]:
        """E.g. `("output", "ratio")` of the parameters `op1.output` and `op1.ratio`."""
        return tuple(self.space.names[i].split(".")[-1] for i in block)

    def swap_groups(
        self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """One parent with one to three groups of another; sometimes a group lands in another place."""
        child = parent.copy()
        for _ in range(rng.integers(1, 4)):
            from_good = rng.random() < 0.8
            donor = good[favoured(len(good), 1, rng)[0]] if from_good else pool[rng.integers(len(pool))]
            to = int(rng.integers(len(self.blocks)))
            # Two presets may have much the same operator in different places, so a group may fit in another place.
            source = to if rng.random() < 0.75 else int(rng.choice(self.alike[to]))
            child[self.blocks[to]] = donor[self.blocks[source]]
        return child

    def mix(self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One parent with single parameters of another."""
        child = parent.copy()
        donor = good[favoured(len(good), 1, rng)[0]]
        taken = rng.random(len(child)) < rng.choice([0.03, 0.1, 0.3, 0.5])
        child[taken] = donor[taken]
        return child

    def difference(
        self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """One parent moved along the difference of two others (differential evolution).

        References:
            Storn & Price, Differential Evolution (1997), https://doi.org/10.1023/A:1008202821328
        """
        child = parent.copy()
        a, b = good[rng.integers(len(good), size=2)]
        moved = (rng.random(len(child)) < rng.choice([0.05, 0.2, 0.6])) & self.ordered
        child[moved] += rng.uniform(0.3, 0.9) * (a - b)[moved]
        return child

    def step(self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One parent with one to five parameters moved a little; a category is redrawn."""
        child = parent.copy()
        chosen = rng.choice(self.free, size=min(len(self.free), int(rng.integers(1, 6))), replace=False)
        size = np.exp(rng.uniform(np.log(0.005), np.log(0.2)))
        width = np.where(self.space.cells > 0, 1 / np.maximum(self.space.cells, 1), 0)
        shift = rng.normal(0, size, len(chosen))
        # A parameter with steps moves by one of them at least: anything less is rounded away before the render.
        least = width[chosen]
        shift = np.where(np.abs(shift) < least, np.sign(shift) * least, shift)
        child[chosen] = np.where(self.ordered[chosen], child[chosen] + shift, rng.random(len(chosen)))
        return child

    def borrow(self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One parent with a few values of a random member of the pool."""
        child = parent.copy()
        chosen = rng.choice(self.free, size=min(len(self.free), int(rng.integers(1, 9))), replace=False)
        child[chosen] = pool[rng.integers(len(pool))][chosen]
        return child


def favoured(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Returns `size` indices below `count` that favour the first: each the smaller of two draws."""
    return np.minimum(*rng.integers(count, size=(2, size)))


class Recombine(Stage):
    """Breeds children of the best presets; moves that succeed are used more often.

    Args:
        variation: The moves of every search; those of the proposers come after them.
        draw: The stage before, whose pool keeps variety alive.
        keep: How many presets may become parents.
        rng: Random generator.
    """

    name = "recombine"
    screened = True

    def __init__(self, variation: Variation, draw: Draw, keep: int, rng: np.random.Generator) -> None:
        self.variation = variation
        self.draw = draw
        self.keep = keep
        self.rng = rng
        self.learned: list[Move] = []
        for proposer in draw.proposers:
            self.learned.extend(proposer.moves)
        self._credit = np.ones(len(variation.moves) + len(self.learned))  # of each move, for its successes
        self._parents = np.empty(0)  # distance in dB of the parent of each child of the last `ask`
        self._in_use = np.ones(len(self._credit), bool)  # the moves that the last batch could have
        self._batch = 0  # how many were asked for
        self._used = np.empty(0, int)  # the move of each child of the last `ask`

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        best = self.parents(found)
        good = best.take(np.arange(min(self.keep, len(best))))
        # A tenth of the children is shared out evenly, so that a move without success so far is still tried: what helps
        # late in a search is not what helps early.
        chance = 0.1 / len(self._credit) + 0.9 * self._credit / self._credit.sum()
        chance = self._in_turn(chance)
        self._in_use = chance > 0
        self._used = self.rng.choice(len(chance), size=count, p=chance)
        parents = good.take(favoured(len(good), count, self.rng))
        self._parents = parents.distance
        return self._breed(good, parents)

    def tell(self, outcome: Outcome) -> None:
        """See `Stage.tell`."""
        # Credit fades by a twentieth a batch in use and never ends, so it follows what worked lately.
        # A child must be better than its own parent: most changes that nobody hears keep one among the best.
        won = outcome.rows[outcome.distance[outcome.rows] < self._parents[outcome.rows]]
        self._credit[self._in_use] *= 0.95
        np.add.at(self._credit, self._used[won], 1)
        self._credit = np.maximum(self._credit, 0.05)

    def _in_turn(self, chance: np.ndarray) -> np.ndarray:
        """Gives one move of the models at a time the children of several batches: a few take as long as many."""
        turns = _RESTS * len(self.learned)
        if not turns:
            return chance
        turn, rest = divmod(self._batch % turns, _RESTS)
        self._batch += 1
        own = len(self.variation.moves)
        factor = np.ones(len(chance))
        factor[own:] = 0
        if rest == 0:
            factor[own + turn] = turns
        return chance * factor / (chance * factor).sum()

    def _breed(self, good: Scored, parents: Scored) -> tuple[np.ndarray, np.ndarray]:
        """Applies the moves in use, one to each parent."""
        children = parents.points.copy()
        pool = np.stack(self.draw.pool)
        own = len(self.variation.moves)
        for k, move in enumerate(self._used):
            if move < own:
                children[k] = self.variation.moves[move](children[k], good.points, pool, self.rng)
        # Moves of a model make all their children in one call: networks are much faster on a batch.
        for move, make in enumerate(self.learned, own):
            rows = np.nonzero(self._used == move)[0]
            if len(rows):
                children[rows] = make(self.draw.target, parents.take(rows), self.rng)
        return children, parents.pitch
