"""The anytime search: draw, render, rank, tune, recombine, polish; it can be stopped after any batch."""

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..engines import Engine, one_torch_thread
from ..progress import Progress, ProgressCallback, ignore
from .limits import Budget, Clock
from .polish import Polish
from .proposals import Proposer
from .result import keep_apart, keep_distinct
from .scorer import Outcome, Scored, Scorer
from .stages import Draw, Recombine, Stage, Tune, Variation

__all__ = ["Search", "Trace"]

_FIRST = 16  # presets in the first batch, small so that the first candidate is there at once
_LEAST_FIRST = 4  # presets in it where several searches begin
_BATCH = 48  # presets in every other batch, at most
_SHORT = 0.1  # share of the time that a batch may take
_TICK = 0.016  # seconds
_SCREENED = 4  # times as many are asked for; their beginnings decide which are rendered in full
_DRAWN = 0.12  # share of the budget spent on proposals
_DRAWN_MOST = 512  # proposals after which there are no more, however large the budget
_POLISHED = 0.6  # share of the budget after which the best is polished
_PARENTS = 48  # best presets that may have children
_APART = 0.15  # least distance in sound of two of them, as a share of that from the target, in a long search
_LONG = 4_000  # renders of a long search; a shorter one has less time for what is different
_MOST_WITHOUT_NEW = 50  # batches without anything new after which the space is exhausted
_ARCHIVE = 200  # presets remembered
_DISTINCT = 32  # presets remembered of which no two sound nearly the same


@dataclass
class Trace:
    """What a search found and how it went.

    Args:
        found: The best presets, best first.
        distinct: The best presets of which no two sound nearly the same, best first.
        parents: The best presets without those that sound like a better one, best first: what is bred from.
        history: `(renders, seconds, best distance)` after every batch.
        complete: False if it was interrupted.
        stopped: Why the synth could play no more, or "".
    """

    found: Scored
    distinct: Scored
    parents: Scored
    history: list[tuple[int, float, float]] = field(default_factory=list)
    complete: bool = True
    stopped: str = ""


class Search:
    """Looks for the presets nearest to a target.

    Proposals are rendered and ranked; the best become parents of recombined and varied children;
    what is good and out of tune is put in tune; at the end the best is polished along its audible parameters.
    See `stages`, `tune`, `recombine` and `polish`.

    Args:
        scorer: Renders and measures.
        engine: Knows which parameters of a preset are audible.
        proposers: Sources of first candidates, used in equal shares.
        locked: Encoded values by position that every preset gets.
        seed: Of the random generator. The same seed and number of renders give the same result.
        candidates: How many distinct presets will be wanted: so many are kept in tune.
        start: A preset that was rendered already and is near the target. The search then draws nothing: it begins with
            small steps from there.
    """

    def __init__(
        self,
        scorer: Scorer,
        engine: Engine,
        proposers: Sequence[Proposer],
        *,
        locked: Mapping[int, float] | None = None,
        seed: int = 0,
        candidates: int = 4,
        start: Scored | None = None,
    ) -> None:
        self.scorer = scorer
        self.engine = engine
        self.locked = dict(locked or {})
        # One generator for all stages: what one of them draws depends on what the others drew before.
        rng = np.random.default_rng(seed)
        variation = Variation(engine.space, np.array(sorted(self.locked), int))
        self.draw = Draw(scorer.target, proposers, rng)
        self.recombine = Recombine(variation, self.draw, _PARENTS, rng)
        self.polish = Polish(engine, variation.free, rng)
        any_key = len(scorer.target.guesses) > 1
        self.tune = Tune(engine, scorer, variation.free, any_key=any_key, first=candidates)
        self._memory = _Memory(scorer, scorer.screening(engine.overhead))
        self._without_new = 0  # batches in a row
        self._is_near = start is not None
        if start is not None:
            self._memory.begin_with(start)
            self.draw.pool.extend(start.points)

    def run(self, budget: Budget, progress: ProgressCallback = ignore) -> Trace:
        """Searches until the budget is spent, Ctrl-C is pressed or the synth is lost; the best so far is kept.

        Args:
            budget: When to stop.
            progress: Called after every batch.

        Raises:
            KeyboardInterrupt: If nothing was rendered yet.
            EngineError: If the synth cannot be started, or cannot play anything.
        """
        clock = Clock(budget)
        complete = True
        try:
            with one_torch_thread():
                # The first batch is rendered whatever the budget is: there is always something to give back.
                while not self.is_done and not (self.trace and clock.is_over):
                    self.step(clock, progress)
        except KeyboardInterrupt:
            if self.trace is None:
                raise
            complete = False
        return self.ended(complete=complete)

    @property
    def trace(self) -> Trace | None:
        """The best so far; None before the first render."""
        return self._memory.trace

    @property
    def renders(self) -> float:
        """Renders of this search so far."""
        return self._memory.spent

    @property
    def seconds(self) -> float:
        """Seconds in which this search was at work."""
        return self._memory.busy

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to try, or no synth that could play it."""
        return self._without_new >= _MOST_WITHOUT_NEW or self.scorer.lost is not None

    def step(self, clock: Clock, progress: ProgressCallback = ignore) -> None:
        """Asks for one batch of presets, renders it and ranks it.

        Args:
            clock: Says how much of the budget is spent, and thereby which stage is next; counts what this costs.
            progress: Called once the batch is ranked.

        Raises:
            EngineError: If the synth cannot be started, or could not play anything.
        """
        memory = self._memory
        begun = time.monotonic()
        self.scorer.until = clock.until
        stage = self._stage(clock.share, memory.trace)
        count, asked = memory.room(clock, stage.screened)
        points, pitch = stage.ask(memory.trace and self._known(stage, memory.trace), asked)
        before = memory.spent
        memory.apart = _APART * min(1.0, memory.expected(clock) / _LONG)
        try:
            stage.tell(memory.score(self._lock(points), pitch, count, clock))
        finally:
            memory.busy += time.monotonic() - begun
        self._without_new = self._without_new + 1 if memory.spent == before else 0
        if memory.trace:
            state = memory.progress(memory.trace, stage.name, clock)
            with clock.stopped():
                progress(state)

    def ended(self, *, complete: bool) -> Trace:
        """Returns what was found.

        Args:
            complete: Whether nobody interrupted it.

        Raises:
            ValueError: If nothing was rendered.
        """
        trace = self._memory.trace
        if trace is None:
            raise ValueError("the proposers gave no preset")
        trace.complete = complete and self.scorer.lost is None
        trace.stopped = str(self.scorer.lost or "")
        return trace

    def _stage(self, share: float, trace: Trace | None) -> Stage:
        """Which stage is next after a share of the budget."""
        if trace is None:
            return self.draw
        if not self._is_near and share < _DRAWN and len(self.draw.pool) < _DRAWN_MOST:
            return self.draw
        if self.tune.ready(trace.found, trace.distinct):
            return self.tune
        is_early = share < _POLISHED and not self._is_near
        if is_early or self.polish.stuck(trace.found):
            return self.recombine
        return self.polish

    def _known(self, stage: Stage, trace: Trace) -> Scored:
        """What a stage begins from."""
        # Among the best of all there soon are only relatives of one preset, which differ in what hardly anybody hears.
        return trace.parents if stage is self.recombine else trace.found

    def _lock(self, points: np.ndarray) -> np.ndarray:
        """Presets in the form that is rendered: on the grid, inaudible parameters reset, locked ones in place."""
        points = self.engine.canonical(self.engine.space.snap(points))
        # Sorting exchanges parts that are alike, such as two operators. A locked parameter belongs to one of them, so
        # with locks every part stays where it is.
        if not self.locked:
            return self.engine.sorted_parts(points)
        points[:, list(self.locked)] = list(self.locked.values())
        return points


class _Memory:
    """Every preset scored in one search: what it cost, and the best of it. No preset is rendered twice.

    Args:
        scorer: Renders and measures.
        screening: What a screening costs, in whole renders.

    Attributes:
        spent: Renders so far; a screening counts as the share of one that it costs.
        busy: Seconds in which it was at work.
        trace: The best so far; None before the first render.
        apart: Least distance in sound of two presets that are bred from, as a share of that from the target.
    """

    def __init__(self, scorer: Scorer, screening: float) -> None:
        self.scorer = scorer
        self.screening = screening
        self.spent = 0.0
        self.busy = 0.0
        self.trace: Trace | None = None
        self.apart = _APART
        self._distance: dict[bytes, float] = {}

    def expected(self, clock: Clock) -> float:
        """Returns how many renders the search will have in the end, by those so far."""
        share = clock.share
        return self.spent / share if share > 0 else 0.0

    def room(self, clock: Clock, screened: bool) -> tuple[int, int]:
        """Returns how many presets the next batch may render in full, and how many it may ask for to screen."""
        count = _BATCH if self.trace else _FIRST
        factor = _SCREENED if self.trace and screened else 1
        # Each preset that is rendered in full was screened together with `factor - 1` others.
        cost = 1 + factor * self.screening if factor > 1 else 1
        left = self._renders_left(clock)
        if left < cost:
            return 1, 1
        count = min(count, int(min(left, 1e6) / cost))
        return count, count * factor

    def _renders_left(self, clock: Clock) -> float:
        """Renders that the next batch may cost."""
        left = clock.renders_left
        budget = clock.budget
        if not self.spent:  # the others have to begin, too
            left = min(left, max(_LEAST_FIRST, _FIRST / clock.searches))
            return left if budget.renders is None else min(left, budget.renders / clock.searches)
        if budget.seconds is None:
            return left
        # As many as there is time for; and of a slow synth fewer, so that it too gets through all stages.
        seconds = min(budget.seconds - clock.seconds, _SHORT * budget.seconds)
        # The clock of some systems counts in steps that are longer than a batch.
        return min(left, seconds * self.spent / max(self.busy, _TICK))

    def score(self, points: np.ndarray, pitch: np.ndarray, count: int, clock: Clock) -> Outcome:
        """Renders at most `count` new presets in full; if there are more, those that a screening prefers."""
        keys = [_key(point, note) for point, note in zip(points, pitch.tolist(), strict=True)]
        new = self._unknown(keys)
        if len(new) > count:
            onset = self.scorer.screen(points[new], pitch[new])
            self._pay((len(new) - self.scorer.missed) * self.screening, clock)
            new = new[np.argsort(onset, kind="stable")[:count]]
        if len(new):
            renders = math.ceil(clock.renders + len(new))
            scored = self.scorer.score(points[new], pitch[new], (renders, clock.seconds))
            self._pay(len(new) - self.scorer.missed, clock)
            scored.found_at[:, 0] = math.ceil(clock.renders)
            for row, distance in zip(new.tolist(), scored.distance.tolist(), strict=True):
                self._distance[keys[row]] = distance
            self._add(scored, math.ceil(clock.renders), clock.seconds)
        distances = np.array([self._distance.get(key, np.inf) for key in keys])
        return Outcome(distances, new)

    def begin_with(self, known: Scored) -> None:
        """Takes over what was rendered before."""
        for point, pitch, distance in zip(known.points, known.pitch, known.distance.tolist(), strict=True):
            self._distance[_key(point, int(pitch))] = distance
        renders, seconds = known.found_at[0].tolist()
        self._add(known, int(renders), seconds)

    def _pay(self, renders: float, clock: Clock) -> None:
        self.spent += renders
        clock.renders += renders

    def _unknown(self, keys: Sequence[bytes]) -> np.ndarray:
        """Rows that were never scored, shape `(M,)`; one row of those that are the same."""
        rows = {key: row for row, key in enumerate(keys) if key not in self._distance}
        return np.array(list(rows.values()), int)

    def progress(self, trace: Trace, stage: str, clock: Clock) -> Progress:
        """Returns how far the search is, for the progress callback."""
        share = min(1.0, clock.share)
        distance = trace.history[-1][2]
        return Progress(stage, share, seconds=clock.seconds, renders=math.ceil(clock.renders), distance=distance)

    def _add(self, scored: Scored, renders: int, seconds: float) -> None:
        """Puts new presets among the best and forgets the worst."""
        found = scored
        distinct = None
        parents = None
        history = []
        if self.trace is not None:
            found = self.trace.found.join(scored)
            distinct = self.trace.distinct
            parents = self.trace.parents
            history = self.trace.history
        found = found.best(_ARCHIVE)
        distinct = keep_distinct(distinct, scored, _DISTINCT)
        parents = keep_apart(parents, scored, self.apart * float(found.level[0]), _PARENTS)
        parents.sounds[:] = None
        history.append((renders, seconds, float(found.distance[0])))
        # A new trace each time, so that an interruption meets the old one or the new one, never half of either.
        self.trace = Trace(found, distinct, parents, history)


def _key(point: np.ndarray, pitch: int) -> bytes:
    """A short name of a preset on a note: a search of a day meets millions."""
    return hashlib.blake2b(point.astype(np.float32).tobytes() + bytes([pitch]), digest_size=16).digest()
