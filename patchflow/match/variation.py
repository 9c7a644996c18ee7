"""Makes new presets from good ones: recombines whole groups, single parameters and differences."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from ..presets import ParamSpace

__all__ = ["Variation", "favoured"]


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
