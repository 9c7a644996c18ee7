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
_BARREN = 50  # batches without anything new after which the space is exhausted
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
        memory = _Memory(self.scorer)
        barren = 0
        try:
            while barren < _BARREN and (share := budget.spent(memory.renders, time.monotonic() - start)) < 1:
                stage = self._stage(share)
                count = _BATCH if memory.trace else _FIRST
                if budget.renders is not None:
                    count = min(count, budget.renders - memory.renders)
                points, pitch = stage.ask(memory.trace and memory.trace.found, count)
                before = memory.renders
                stage.tell(memory.score(self._lock(points), pitch, start))
                barren = barren + 1 if memory.renders == before else 0
                progress(_progress(memory, stage, budget))
        except KeyboardInterrupt:
            if memory.trace is None:
                raise
            memory.trace.complete = False
        if memory.trace is None:
            raise ValueError(f"budget={budget}: allows no render")
        return memory.trace

    def _stage(self, share: float) -> Stage:
        if not self.draw.pool or (share < _DRAWN and len(self.draw.pool) < _DRAWN_MOST):
            return self.draw
        return self.recombine if share < _POLISHED else self.polish

    def _lock(self, points: np.ndarray) -> np.ndarray:
        points = self.engine.canonical(self.engine.space.snap(points))
        points[:, list(self.locked)] = list(self.locked.values())
        return points


class _Memory:
    """Everything heard in one search: no preset is rendered twice, the best are kept."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.renders = 0
        self.trace: Trace | None = None
        self._distance: dict[bytes, float] = {}

    def score(self, points: np.ndarray, pitch: np.ndarray, start: float) -> np.ndarray:
        """Returns the distance of every preset, shape `(N,)`; renders those that are new."""
        keys = [point.astype(np.float32).tobytes() + bytes([note]) for point, note in zip(points, pitch, strict=True)]
        new = list({key: i for i, key in enumerate(keys) if key not in self._distance}.values())
        if new:
            scored = self.scorer.score(points[new], pitch[new])
            self.renders += len(new)
            self._distance |= dict(zip((keys[i] for i in new), scored.distance.tolist(), strict=True))
            self._keep(scored, (self.renders, time.monotonic() - start))
        return np.array([self._distance[key] for key in keys])

    def _keep(self, scored: Scored, now: tuple[int, float]) -> None:
        """Puts new presets among the best and forgets the worst."""
        born = np.tile(now, (len(scored), 1))
        if self.trace is None:
            self.trace = Trace(scored, born)
        else:
            scored = self.trace.found.join(scored)
            born = np.concatenate([self.trace.born, born])
        order = np.argsort(scored.distance, kind="stable")[:_ARCHIVE]
        self.trace.found, self.trace.born = scored.take(order), born[order]
        self.trace.history.append((*now, float(self.trace.found.distance[0])))


def _progress(memory: _Memory, stage: Stage, budget: Budget) -> Progress:
    renders, seconds, distance = memory.trace.history[-1]  # type: ignore[union-attr]
    return Progress(renders, seconds, distance, stage.name, min(1.0, budget.spent(renders, seconds)))
