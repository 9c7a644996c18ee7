"""The anytime search: draw, render, rank, recombine, polish."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..engines import Engine
from .proposals import Proposer
from .result import Progress
from .scorer import Scored, Scorer
from .stages import Draw, Polish, Recombine, Stage
from .variation import Variation

__all__ = ["Budget", "Search", "Trace"]

_FIRST = 16  # presets in the first batch, small so that the first candidate is there at once
_BATCH = 48  # presets in every other batch
_DRAWN = 0.12  # share of the budget spent on proposals
_DRAWN_MOST = 512
_POLISHED = 0.85  # share of the budget after which the best is polished
_PARENTS = 96
_ARCHIVE = 400  # presets remembered for picking distinct candidates


@dataclass(frozen=True)
class Budget:
    """How long to search: until either limit is reached.

    Args:
        renders: Most renders; no limit if None.
        seconds: Most seconds of wall time; no limit if None.
    """

    renders: int | None = None
    seconds: float | None = None

    def spent(self, renders: int, seconds: float) -> float:
        """Returns the share that is spent; 1 or more when it is over."""
        shares = [0.0]
        if self.renders is not None:
            shares.append(renders / self.renders)
        if self.seconds is not None:
            shares.append(seconds / self.seconds)
        return max(shares)


@dataclass
class Trace:
    """What a search found and how it went.

    Args:
        found: The best presets, best first.
        born: Renders and seconds spent when each was found, shape `(N, 2)`.
        history: `(renders, seconds, best distance)` after every batch.
        complete: False if it was interrupted.
    """

    found: Scored
    born: np.ndarray
    history: list[tuple[int, float, float]] = field(default_factory=list)
    complete: bool = True


class Search:
    """Looks for the presets nearest to a target.

    Proposals are rendered and ranked; the best become parents of recombined and varied children;
    at the end the best is polished along its audible knobs. See `stages`.

    Args:
        scorer: Renders and measures.
        engine: Knows which parameters are audible.
        proposers: Sources of first candidates, used in equal shares.
        locked: Encoded values by position that every preset gets.
        seed: Of all chance. The same seed and number of renders give the same result.
    """

    def __init__(
        self,
        scorer: Scorer,
        engine: Engine,
        proposers: Sequence[Proposer],
        *,
        locked: Mapping[int, float] | None = None,
        seed: int = 0,
    ) -> None:
        self.scorer = scorer
        self.engine = engine
        self.locked = dict(locked or {})
        rng = np.random.default_rng(seed)
        variation = Variation(engine.space, np.array(sorted(self.locked), int))
        self.draw = Draw(scorer.target, proposers, rng)
        self.recombine = Recombine(variation, self.draw, _PARENTS, rng)
        self.polish = Polish(engine, variation.free, rng)

    def run(self, budget: Budget, progress: Callable[[Progress], None] = lambda progress: None) -> Trace:
        """Searches until the budget is spent or Ctrl-C is pressed; the best so far is kept.

        Args:
            budget: When to stop.
            progress: Called after every batch.

        Raises:
            KeyboardInterrupt: If nothing was rendered yet.
        """
        start = time.monotonic()
        trace: Trace | None = None
        seen: set[bytes] = set()
        try:
            while (share := budget.spent(self.scorer.renders, time.monotonic() - start)) < 1:
                stage = self._stage(share)
                count = _BATCH if trace else _FIRST
                if budget.renders is not None:
                    count = min(count, budget.renders - self.scorer.renders)
                points, pitch = stage.ask(trace and trace.found, count)
                points = self._lock(points)
                scored = self.scorer.score(points, pitch)
                stage.tell(scored)
                trace = _remember(trace, scored, seen, (self.scorer.renders, time.monotonic() - start))
                renders, seconds, distance = trace.history[-1]
                progress(Progress(renders, seconds, distance, stage.name, min(1.0, budget.spent(renders, seconds))))
        except KeyboardInterrupt:
            if trace is None:
                raise
            trace.complete = False
        if trace is None:
            raise ValueError(f"budget={budget}: allows no render")
        return trace

    def _stage(self, share: float) -> Stage:
        if not self.draw.pool or (share < _DRAWN and len(self.draw.pool) < _DRAWN_MOST):
            return self.draw
        return self.recombine if share < _POLISHED else self.polish

    def _lock(self, points: np.ndarray) -> np.ndarray:
        points = self.engine.space.snap(points)
        for position, value in self.locked.items():
            points[:, position] = value
        return points


def _remember(trace: Trace | None, scored: Scored, seen: set[bytes], now: tuple[int, float]) -> Trace:
    """Adds presets that are new, best first, and forgets the worst."""
    new = [i for i, point in enumerate(scored.points) if _unseen(point, scored.pitch[i], seen)]
    scored, born = scored.take(np.array(new, int)), np.tile(now, (len(new), 1))
    if trace is None:
        trace = Trace(scored, born)
    else:
        trace.found, trace.born = trace.found.join(scored), np.concatenate([trace.born, born])
    order = np.argsort(trace.found.distance, kind="stable")[:_ARCHIVE]
    trace.found, trace.born = trace.found.take(order), trace.born[order]
    trace.history.append((*now, float(trace.found.distance[0])))
    return trace


def _unseen(point: np.ndarray, pitch: int, seen: set[bytes]) -> bool:
    key = point.astype(np.float32).tobytes() + bytes([pitch])
    fresh = key not in seen
    seen.add(key)
    return fresh
