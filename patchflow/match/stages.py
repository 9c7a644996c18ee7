"""The stages of a search: what a stage is, the first, which draws proposals, and the one that tunes good presets."""

import abc
from collections.abc import Sequence

import numpy as np
import torch

from ..engines import Engine
from ..features.log_spectrum import heard_cents
from .proposals import Proposer
from .scorer import Outcome, Scored, Scorer
from .target import Target

__all__ = ["Draw", "Stage", "Tune"]

_LEAST_CONFIDENCE = 0.02

_KEYS = range(128)


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


class Tune(Stage):
    """Plays the best presets again as many cents higher or lower as they are off.

    How far a preset is off is the shift at which its fine spectrum agrees best with that of the target. The engine
    knows which parameters transpose it; if the note may change, whole semitones are moved by the key instead, too.

    Args:
        engine: Transposes presets.
        scorer: Knows the target; one without a pitch leaves nothing to tune.
        free: Positions of parameters that may change, shape `(L,)`.
        any_key: Whether the note that is played may change.
        first: How many of the best presets are kept in tune.
    """

    name = "tune"
    screened = False

    def __init__(self, engine: Engine, scorer: Scorer, free: np.ndarray, *, any_key: bool, first: int = 4) -> None:
        self.engine = engine
        self.scorer = scorer
        self.any_key = any_key
        self.first = first
        self._free = np.isin(np.arange(len(engine.space)), free)
        self._measured: set[bytes] = set()
        self._points: list[np.ndarray] = []
        self._pitch: list[int] = []

    def ready(self, *kinds: Scored) -> bool:
        """Returns whether one of the best presets is new and out of tune, so that there is something to ask for.

        Args:
            kinds: Presets, best first: the best of all, and the best of which no two sound alike.
        """
        if not self.scorer.target.pitched:
            return False
        for found in kinds:
            self._measure(found.take(np.arange(min(self.first, len(found)))))
        return bool(self._points)

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`; what `ready` found."""
        points = np.stack(self._points[:count])
        pitch = np.array(self._pitch[:count])
        self._points = self._points[count:]
        self._pitch = self._pitch[count:]
        return points, pitch

    def _measure(self, found: Scored) -> None:
        """Queues the presets in tune that are made of new ones that are not."""
        keys = [point.tobytes() + bytes([note]) for point, note in zip(found.points, found.pitch, strict=True)]
        new = [row for row, key in enumerate(keys) if key not in self._measured and found.sounds[row] is not None]
        if not new:
            return
        self._measured.update(keys[row] for row in new)
        sounds = torch.from_numpy(np.stack([found.sounds[row] for row in new]))
        shift = self.scorer.reference.shift(sounds)
        for row, *told in zip(new, shift.cents.tolist(), shift.gain.tolist(), shift.agreement.tolist(), strict=True):
            cents = heard_cents(*told)
            if cents:  # neither in tune nor without a pitch in common
                self._queue(found.points[row], int(found.pitch[row]), -cents)

    def _queue(self, point: np.ndarray, pitch: int, cents: float) -> None:
        """Queues a preset that sounds so many cents higher, on the same key and on another."""
        self._add(self._transposed(point, cents), pitch)
        semitones = round(cents / 100)
        if self.any_key and semitones and pitch + semitones in _KEYS:
            self._add(self._transposed(point, cents - 100 * semitones), pitch + semitones)

    def _add(self, point: np.ndarray, pitch: int) -> None:
        self._points.append(point)
        self._pitch.append(pitch)

    def _transposed(self, point: np.ndarray, cents: float) -> np.ndarray:
        return self.engine.transposed(point[None], np.array([cents]), self._free)[0]
