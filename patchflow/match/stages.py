"""The stages of a search: what a stage is, drawing proposals, recombining the best."""

import abc
from collections.abc import Sequence

import numpy as np

from .proposals import Proposer
from .result import Target
from .scorer import Scored
from .variation import Variation, favoured

__all__ = ["Draw", "Recombine", "Stage"]


class Stage(abc.ABC):
    """Asks for presets to be tried and is told how good they were.

    The search loop is: `points, pitch = stage.ask(found, count)`, render, `stage.tell(distance)`.

    Attributes:
        name: What the user sees.
        screened: Whether to ask for several times as many presets as can be rendered, and to render those
            whose beginnings are promising.
    """

    name: str
    screened: bool

    @abc.abstractmethod
    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns at most `count` presets `(N, P)` and the MIDI notes `(N,)` to try them on.

        Args:
            found: The best presets so far, best first; None before the first render.
            count: How many may be rendered.
        """

    def tell(self, distance: np.ndarray, new: np.ndarray) -> None:  # noqa: B027 - some stages need not know
        """Learns what became of the presets of the last `ask`.

        Args:
            distance: From the target, in dB, shape `(N,)`; infinite for those that were not rendered in full.
            new: Which were not known before, shape `(N,)`.
        """

    @staticmethod
    def parents(found: Scored | None) -> Scored:
        """Returns `found`, for stages that begin from it.

        Raises:
            ValueError: If nothing was rendered yet.
        """
        if found is None:
            raise ValueError("nothing was rendered yet")
        return found


class Draw(Stage):
    """Takes candidates from the proposers in turn, for every note the target may be.

    Args:
        target: The sound to match.
        proposers: Where candidates come from.
        rng: Source of chance.
    """

    name = "draw"
    screened = True

    def __init__(self, target: Target, proposers: Sequence[Proposer], rng: np.random.Generator) -> None:
        self.target = target
        self.proposers = proposers
        self.rng = rng
        self.pool: list[np.ndarray] = []
        weights = np.array([max(guess.confidence, 0.02) for guess in target.guesses])
        self._weights = weights / weights.sum()

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        shares = self.rng.multinomial(count, self._weights)
        if found is None:  # every note is heard at least once, the likeliest first
            shares = np.maximum(shares, 1)
        points, pitch = [], []
        for guess, share in zip(self.target.guesses, shares.tolist(), strict=True):
            for k, proposer in enumerate(self.proposers):
                part = share // len(self.proposers) + (k < share % len(self.proposers))
                if part:
                    points.append(proposer.propose(self.target, guess.pitch, part, self.rng))
                    pitch += [guess.pitch] * len(points[-1])
        drawn = np.concatenate(points)[:count]
        self.pool.extend(drawn)
        return drawn, np.array(pitch[:count])


class Recombine(Stage):
    """Breeds children of the best presets; moves that succeed are used more often.

    Args:
        variation: The moves.
        draw: The stage before, whose pool keeps variety alive.
        keep: How many presets may become parents.
        rng: Source of chance.
    """

    name = "recombine"
    screened = True

    def __init__(self, variation: Variation, draw: Draw, keep: int, rng: np.random.Generator) -> None:
        self.variation = variation
        self.draw = draw
        self.keep = keep
        self.rng = rng
        self._credit = np.ones(len(variation.moves) + len(draw.proposers))
        self._bar = np.inf
        self._used = np.empty(0, int)

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        best = self.parents(found)
        good, pool = best.points[: self.keep], np.stack(self.draw.pool)
        self._bar = float(best.distance[: self.keep][-1])
        chance = 0.1 / len(self._credit) + 0.9 * self._credit / self._credit.sum()
        self._used = self.rng.choice(len(chance), size=count, p=chance)
        parents = favoured(len(good), count, self.rng)
        children, pitch = good[parents], best.pitch[parents]
        for k, i in enumerate(self._used):
            if i < len(self.variation.moves):
                children[k] = self.variation.moves[i](children[k], good, pool, self.rng)
        for j, proposer in enumerate(self.draw.proposers, len(self.variation.moves)):
            rows = np.nonzero(self._used == j)[0]
            if len(rows):
                children[rows] = proposer.vary(self.draw.target, pitch[rows], children[rows], self.rng)
        return children, pitch

    def tell(self, distance: np.ndarray, new: np.ndarray) -> None:
        """See `Stage.tell`."""
        won = (distance < self._bar) & new
        self._credit *= 0.95
        np.add.at(self._credit, self._used, won)
        self._credit = np.maximum(self._credit, 0.05)
