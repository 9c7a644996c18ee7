"""The stages of a search: draw proposals, recombine the best, polish the winner."""

import abc
import warnings
from collections.abc import Sequence

import numpy as np

from ..engines import Engine
from ..presets import ParamSpace
from .proposals import Proposer
from .result import Target
from .scorer import Scored
from .variation import Variation

__all__ = ["Draw", "Polish", "Recombine", "Stage"]


class Stage(abc.ABC):
    """Asks for presets to be tried and is told how good they were.

    The search loop is: `points, pitch = stage.ask(found, count)`, render, `stage.tell(distance)`.

    Attributes:
        name: What the user sees.
    """

    name: str

    @abc.abstractmethod
    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns at most `count` presets `(N, P)` and the MIDI notes `(N,)` to try them on.

        Args:
            found: The best presets so far, best first; None before the first render.
            count: How many may be rendered.
        """

    def tell(self, distance: np.ndarray) -> None:  # noqa: B027 - some stages need not know
        """Learns how far the presets of the last `ask` are from the target, in dB, shape `(N,)`."""


class Draw(Stage):
    """Takes candidates from the proposers in turn, for every note the target may be.

    Args:
        target: The sound to match.
        proposers: Where candidates come from.
        rng: Source of chance.
    """

    name = "draw"

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
        for guess, share in zip(self.target.guesses, shares, strict=True):
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

    def __init__(self, variation: Variation, draw: Draw, keep: int, rng: np.random.Generator) -> None:
        self.variation = variation
        self.draw = draw
        self.keep = keep
        self.rng = rng
        self._credit = np.ones(len(variation.moves))
        self._bar = np.inf
        self._used = np.empty(0, int)

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        good, pool = found.points[: self.keep], np.stack(self.draw.pool)  # type: ignore[union-attr]
        self._bar = float(found.distance[: self.keep][-1])  # type: ignore[union-attr]
        chance = 0.1 / len(self._credit) + 0.9 * self._credit / self._credit.sum()
        self._used = self.rng.choice(len(chance), size=count, p=chance)
        children = [self.variation.moves[k](good, pool, self.rng) for k in self._used]
        parents = np.minimum(*self.rng.integers(len(good), size=(2, count)))
        return np.stack(children), found.pitch[parents]  # type: ignore[union-attr]

    def tell(self, distance: np.ndarray) -> None:
        """See `Stage.tell`."""
        won = distance < self._bar
        self._credit *= 0.95
        np.add.at(self._credit, self._used, won)
        self._credit = np.maximum(self._credit, 0.05)


class Polish(Stage):
    """Moves the audible ordered parameters of the best preset by CMA-ES with a diagonal covariance.

    References:
        Ros & Hansen, A simple modification in CMA-ES achieving linear time and space complexity (2008)
        https://github.com/CMA-ES/pycma

    Args:
        engine: Knows which parameters are audible.
        free: Positions of parameters that may change, shape `(L,)`.
        rng: Source of chance.
        spread: First standard deviation, as a share of the range.
    """

    name = "polish"

    def __init__(self, engine: Engine, free: np.ndarray, rng: np.random.Generator, spread: float = 0.02) -> None:
        self.engine = engine
        self.free = free
        self.rng = rng
        self.spread = spread
        self._strategy = None
        self._asked: np.ndarray = np.empty(0)

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        if self._strategy is None or self._strategy.stop():
            self._start(found)
        size = min(count, self._strategy.popsize)  # type: ignore[union-attr]
        self._asked = np.array(self._strategy.ask(size))  # type: ignore[union-attr]
        points = np.tile(self._point, (size, 1))
        points[:, self._active] = self._asked
        return points, np.full(size, self._pitch)

    def tell(self, distance: np.ndarray) -> None:
        """See `Stage.tell`."""
        heard = np.isfinite(distance)
        if heard.sum() >= self._strategy.sp.weights.mu:  # type: ignore[union-attr]
            worst = 2 * distance[heard].max()  # what a screening rejects
            self._strategy.tell(list(self._asked), list(np.where(heard, distance, worst)))  # type: ignore[union-attr]

    def _start(self, found: Scored | None) -> None:
        import cma

        self._point, self._pitch = found.points[0], found.pitch[0]  # type: ignore[union-attr]
        audible = audible_parameters(self.engine, self._point)
        ordered = np.array([not hasattr(p, "options") for p in self.engine.space.parameters])
        self._active = np.intersect1d(np.nonzero(audible & ordered)[0], self.free)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {"CMA_diagonal": True, "bounds": [0, 1], "verbose": -9, "popsize": 24,
                       "seed": int(self.rng.integers(1, 2**31)), "maxiter": 40}  # fmt: skip
            self._strategy = cma.CMAEvolutionStrategy(self._point[self._active], self.spread, options)


def audible_parameters(engine: Engine, point: np.ndarray) -> np.ndarray:
    """Returns which parameters of a preset can be heard when they change, shape `(P,)`.

    Args:
        engine: Its `canonical` form resets what cannot be heard.
        point: Encoded preset, shape `(P,)`.
    """
    space: ParamSpace = engine.space
    moved = np.tile(point, (len(space), 1))
    np.fill_diagonal(moved, np.where(point < 0.5, point + 0.45, point - 0.45))
    base = engine.canonical(point[None])
    changed = engine.canonical(moved) != base
    return np.diagonal(changed)


