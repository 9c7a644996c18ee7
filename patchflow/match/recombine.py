"""The middle stage of a search: breeds children of the best presets."""

import numpy as np

from .proposals import Move
from .scorer import Outcome, Scored
from .stages import Draw, Stage
from .variation import Variation, favoured

__all__ = ["Recombine"]

_RESTS = 2  # batches for each move of a model, in one of which it is used


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
