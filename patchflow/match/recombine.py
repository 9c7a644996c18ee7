"""The middle stage of a search: breeds children of the best presets."""

import numpy as np

from .scorer import Outcome, Scored
from .stages import Draw, Stage
from .variation import Variation, favoured

__all__ = ["Recombine"]


class Recombine(Stage):
    """Breeds children of the best presets; moves that succeed are used more often.

    The presets live on isles. Each isle breeds by itself, so that not all end in the first good basin that
    one of them finds; isles are joined in pairs by and by, until there is one.

    References:
        Whitley, Rana & Heckendorn, The Island Model Genetic Algorithm: On Separability, Population Size and
        Convergence (1999)

    Args:
        variation: The moves.
        draw: The stage before, whose pool keeps variety alive and whose proposers know relatives of presets.
        keep: How many presets of an isle may become parents.
        rng: Source of chance.
    """

    name = "recombine"
    screened = True

    def __init__(self, variation: Variation, draw: Draw, keep: int, rng: np.random.Generator) -> None:
        self.variation = variation
        self.draw = draw
        self.keep = keep
        self.rng = rng
        self.isles: list[Scored] = []
        self._most = 1
        self._turn = -1
        self._credit = np.ones(len(variation.moves) + len(draw.proposers))
        self._bar = np.inf
        self._used = np.empty(0, int)

    def settle(self, isles: int) -> None:
        """Sets how many isles there may be from now on: at first to deal presets to, later by joining."""
        self._most = isles
        while len(self.isles) > isles:
            first, second, *others = self.isles
            self.isles = [*others, first.join(second).best(self.keep)]

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        best = self.parents(found)
        if self._most == 1:  # everything that was found, also by other stages
            self.isles = [best.take(np.arange(min(self.keep, len(best))))]
        elif not self.isles:
            rows = (np.arange(first, len(best), self._most) for first in range(min(self._most, len(best))))
            self.isles = [best.take(some[: self.keep]) for some in rows]
        self._turn = (self._turn + 1) % len(self.isles)
        isle = self.isles[self._turn]
        self._bar = float(isle.distance[-1])
        chance = 0.1 / len(self._credit) + 0.9 * self._credit / self._credit.sum()
        self._used = self.rng.choice(len(chance), size=count, p=chance)
        parents = favoured(len(isle), count, self.rng)
        return self._breed(isle.points, isle.points[parents], isle.pitch[parents]), isle.pitch[parents]

    def tell(self, outcome: Outcome) -> None:
        """See `Stage.tell`."""
        won = outcome.rows[outcome.distance[outcome.rows] < self._bar]
        self._credit *= 0.95
        np.add.at(self._credit, self._used[won], 1)
        self._credit = np.maximum(self._credit, 0.05)
        if outcome.heard is not None:
            self.isles[self._turn] = self.isles[self._turn].join(outcome.heard).best(self.keep)

    def _breed(self, good: np.ndarray, children: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """Makes parents into children by the moves in use; the last moves are those of the proposers."""
        pool, own = np.stack(self.draw.pool), len(self.variation.moves)
        for k, move in enumerate(self._used):
            if move < own:
                children[k] = self.variation.moves[move](children[k], good, pool, self.rng)
        for move, proposer in enumerate(self.draw.proposers, own):
            rows = np.nonzero(self._used == move)[0]
            if len(rows):
                children[rows] = proposer.vary(self.draw.target, pitch[rows], children[rows], self.rng)
        return children
