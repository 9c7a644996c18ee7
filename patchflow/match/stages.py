"""The stages of a search: what a stage is, and the first, which draws proposals."""

import abc
from collections.abc import Sequence

import numpy as np

from .proposals import Proposer
from .scorer import Outcome, Scored
from .target import Target

__all__ = ["Draw", "Stage"]

_LEAST_CONFIDENCE = 0.02


class Stage(abc.ABC):
    """Asks for presets to be tried, and then learns how good they were.

    The search loop is: `points, pitch = stage.ask(found, count)`, render, `stage.tell(outcome)`.

    Attributes:
        name: As the progress of the search shows it.
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
            count: How many to return at most; with `screened`, several times as many as will be rendered.
        """

    def tell(self, outcome: Outcome) -> None:  # noqa: B027 - not every stage learns
        """Learns from what became of the presets of the last `ask`; does nothing unless a stage says otherwise."""

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
        rng: Random generator.

    Attributes:
        pool: All presets that were proposed, encoded, whatever became of them: variety for the next stage.
    """

    name = "draw"
    screened = True

    def __init__(self, target: Target, proposers: Sequence[Proposer], rng: np.random.Generator) -> None:
        self.target = target
        self.proposers = proposers
        self.rng = rng
        for proposer in proposers:
            proposer.restart()
        self.pool: list[np.ndarray] = []
        # The estimate of the note may be sure and yet wrong: even an unlikely note is tried now and then.
        weights = np.array([max(guess.confidence, _LEAST_CONFIDENCE) for guess in target.guesses])
        self._weights = weights / weights.sum()

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        shares = self.rng.multinomial(count, self._weights)
        if found is None:  # every note is tried at least once, the likeliest first
            shares = np.maximum(shares, 1)
        points = []
        pitch = []
        for guess, share in zip(self.target.guesses, shares.tolist(), strict=True):
            each, remaining = divmod(share, len(self.proposers))
            for k, proposer in enumerate(self.proposers):
                part = each + 1 if k < remaining else each
                if part:
                    points.append(proposer.propose(self.target, guess.pitch, part, self.rng))
                    pitch += [guess.pitch] * len(points[-1])
        drawn = np.concatenate(points)[:count]
        self.pool.extend(drawn)
        return drawn, np.array(pitch[:count])
