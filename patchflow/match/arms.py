"""The arms of a match: each searches one synth on a state of its own."""

import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..engines import Engine, Renderer
from ..errors import EngineError, PatchflowError, RenderError
from ..presets import Preset
from ..progress import Progress, ProgressCallback, ignore
from .limits import Clock, encode_locks, known_locks
from .proposals import Proposer
from .scorer import Scored, Scorer
from .search import Search
from .target import NoteGuess, Resynthesised, Target, presets_of_sound

__all__ = ["PATIENCE", "VELOCITY", "Arm", "Attempt", "Finds"]

VELOCITY = 100
"""MIDI velocity of every note of a match."""

PATIENCE = 0.25
"""Seconds between two looks at the clock, or for Ctrl-C, while nothing is ready."""

_TRIED = 0.3  # share of the renders in which presets made of the sound are compared, before the best is searched on
_TRIED_SECONDS = 0.4  # the same of the seconds, in which others search meanwhile
_OWN_SECONDS = 5.0  # left of a search for which synths of its own are worth their start
_OWN_RENDERS = 80  # the same in renders


@dataclass(frozen=True)
class Arm:
    """What one search of a match is made of, the same for every sound.

    Args:
        synth: Name of the engine.
        engine: Its class.
        renderer: Plays it; arms of one synth share one.
        proposers: Where first candidates come from.
        on: A preset that all candidates are built on; None for a fresh one.
        kind: What its candidates are, in a few words; "" where there is nothing to say.
        from_sound: Whether candidates are built on presets that are made of the sound, by `presets_of_sound`.
        started: Done when the synth is ready to play; None if it is started by the first note.
    """

    synth: str
    engine: type[Engine]
    renderer: Renderer
    proposers: Sequence[Proposer] = ()
    on: Preset | None = None
    kind: str = ""
    from_sound: bool = False
    started: "Future[None] | None" = None

    @property
    def label(self) -> str:
        """The synth, and what its candidates are."""
        return f"{self.synth}: {self.kind}" if self.kind else self.synth

    @property
    def start(self) -> np.ndarray | None:
        """The preset that others are built on, encoded, shape `(P,)`; None for a fresh one."""
        return None if self.on is None else self.engine.space.encode(self.on.values)

    @property
    def state(self) -> bytes | None:
        """What its presets hold beyond their parameters; None if no other arm of the synth could have left anything."""
        if self.on is not None:
            return self.on.state
        return b"" if self.engine.resynthesis else None

    def built(self, state: bytes | None) -> Engine:
        """Returns an engine with a state."""
        engine = self.engine()
        if state is not None:
            engine.build_on(state)
        return engine


class Finds(NamedTuple):
    """What an arm found on one state.

    Args:
        arm: The arm.
        base: The preset that all are built on.
        scorer: Knows the notes that were played.
        found: The best that can be played, best first.
        distinct: The best of which no two sound nearly the same.
        searched: Whether a search went on from them: one preset alone does not say how sure it is.
    """

    arm: Arm
    base: Preset
    scorer: Scorer
    found: Scored
    distinct: Scored
    searched: bool


class Attempt:
    """An arm at work on one sound.

    An arm that builds on presets made of the sound plays these first, each made in the background, and then searches on
    from the best.

    Args:
        arm: What it searches with.
        target: The sound.
        lock: See `Matcher.match`; what the synth does not have is left out.
        seed: Of its random generator.
        candidates: How many distinct presets will be wanted.
        shared: Another at work on the same sound.

    Attributes:
        error: Why it ended before its time, if it did.
        record: Renders and seconds at work, and the best distance, after every batch.
        tried: Presets made of the sound that were played, each alone.
    """

    def __init__(
        self,
        arm: Arm,
        target: Target,
        lock: Mapping[str, Any],
        *,
        seed: int,
        candidates: int,
        shared: "Attempt | None" = None,
    ) -> None:
        self.arm = arm
        self.error: PatchflowError | None = None
        self.record: list[tuple[float, float, float]] = []
        self.tried: list[tuple[Resynthesised, Scored]] = []
        self._lock = known_locks(lock, arm.engine.space)
        self._seed = seed
        self._candidates = candidates
        self._target = target
        self._seconds = 0.0
        self._beside = ThreadPoolExecutor(1)
        self._own: Renderer | None = None
        self._own_started: Future[Any] | None = None
        self._search: Search | None = None
        self._making = 0.0  # seconds that the last preset of the sound took to make
        self._heard: dict[str, float] = {}  # distances of presets made of the sound, by their words
        self._made: Iterator[Resynthesised] = iter(())
        self._awaited: Future[Any] | None = arm.started
        self.scorer = Scorer(arm.renderer, target, VELOCITY, shared=shared and shared.scorer)
        if arm.from_sound:
            self._made = presets_of_sound(target, arm.engine, self._heard)
            self._begin_making()
        else:
            self.scorer.state = arm.state
            locked = encode_locks(arm.engine.space, self._lock, arm.start)
            engine = arm.built(arm.state)
            self._search = Search(self.scorer, engine, arm.proposers, locked=locked, seed=seed, candidates=candidates)

    @property
    def awaits(self) -> "Future[Any] | None":
        """What has to be done before the next step; None if it need not wait."""
        for future in (self.arm.started, self._awaited):
            if future is not None and not future.done():
                return future
        return None

    @property
    def is_opening(self) -> bool:
        """Whether it still plays presets that are made of the sound, each alone."""
        return self._search is None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to try, or no synth that could play it."""
        return self.error is not None or (self._search is not None and self._search.is_done)

    @property
    def best(self) -> float:
        """The best distance so far, in dB; infinite before the first batch."""
        trace = self._search and self._search.trace
        if trace:
            return float(trace.found.distance[0])
        return min((float(found.distance[0]) for _, found in self.tried), default=math.inf)

    @property
    def has_begun(self) -> bool:
        """Whether anything was played."""
        return bool(self.tried) or (self._search is not None and self._search.trace is not None)

    @property
    def seconds(self) -> float:
        """Seconds at work."""
        return self._seconds

    @property
    def renders(self) -> float:
        """Renders so far."""
        searched = self._search.renders if self._search else 0.0
        return len(self.tried) + searched

    @property
    def fault(self) -> str:
        """Why it ended before its time; "" if it did not."""
        return str(self.error or self.scorer.lost or "")

    def step(self, clock: Clock, progress: ProgressCallback = ignore) -> None:
        """Plays one batch, or one preset that was made of the sound; waits until that is ready.

        Args:
            clock: Says how much of the budget is spent, and counts what this costs.
            progress: Called once it is ranked.

        Raises:
            PatchflowError: If the synth cannot be started or cannot play anything, or the sound cannot be taken apart.
        """
        while (awaited := self.awaits) is not None:
            wait([awaited], PATIENCE)  # in short steps, which Ctrl-C can end
        if self.arm.started:
            self.arm.started.result()
        begun = clock.seconds
        try:
            if self._search is None:
                self._open(clock, progress)
            else:
                self._move_to_own()
                self._search.step(clock, progress)
        finally:
            self._seconds += clock.seconds - begun
        self.record.append((self.renders, self._seconds, self.best))

    def pools(self) -> list[Finds]:
        """Returns what it found, that of its search first; nothing if it could play nothing."""
        pools: list[Finds] = []
        trace = self._search and self._search.trace
        tried = self.tried
        if trace:
            base = self.arm.on or Preset(self.arm.synth, {})
            if tried:
                nearest = self._nearest()
                base = nearest.preset
                tried = [one for one in tried if one[0] is not nearest]
            searched = len(trace.found) > 1
            pools.append(Finds(self.arm, base, self.scorer, trace.found, trace.distinct, searched))
        for made, found in tried:
            pools.append(Finds(self.arm, made.preset, self._scorer_of(made), found, found, searched=False))
        playable = [pool._replace(found=_playable(pool.found), distinct=_playable(pool.distinct)) for pool in pools]
        return [pool for pool in playable if len(pool.found)]

    def close(self) -> None:
        """Ends what works in the background."""
        self._beside.shutdown(wait=False, cancel_futures=True)
        if self._own:  # beside, because its synths may still be starting, and all have to come before any may leave
            threading.Thread(target=self._close_own, args=(self._own, self._own_started), daemon=True).start()

    @staticmethod
    def _close_own(own: Renderer, starting: "Future[Any] | None") -> None:
        if starting:
            with suppress(CancelledError, PatchflowError):
                starting.result()
        own.close()

    def _begin_making(self) -> None:
        # Only here, where nothing is being made: else it would be a matter of chance what is known.
        self._heard.update({made.words: float(found.distance[0]) for made, found in self.tried})
        self._awaited = self._beside.submit(self._make)

    def _make(self) -> Resynthesised | None:
        begun = time.monotonic()
        made = next(self._made, None)
        self._making = time.monotonic() - begun
        return made

    def _has_room(self, clock: Clock, more: int, seconds: float) -> bool:
        """Whether a preset of the sound may be played after so many others, so many seconds from now."""
        budget = clock.budget
        tried = len(self.tried) + more
        if budget.renders is not None and (tried >= _TRIED * budget.renders or clock.renders_left < 1 + more):
            return False
        return budget.seconds is None or clock.seconds + seconds < _TRIED_SECONDS * budget.seconds

    def _open(self, clock: Clock, progress: ProgressCallback) -> None:
        """Plays the next preset that was made of the sound, or begins to search on from the best."""
        made = self._next_made()
        if made is None or (self.tried and not self._has_room(clock, 0, 0.0)):
            if not self.tried:
                raise RenderError(f"{self.arm.label}: none can be played: {self.scorer.faults[0]}")
            self._search_on(clock)
            return
        # What could not be played in time is not begun: nothing can stop it half-way.
        self._awaited = None
        if self._has_room(clock, 1, self._making):
            self._begin_making()
        try:
            self.tried.append((made, self._played(made, clock)))
        except RenderError as error:  # the next one may play
            self.scorer.faults.append(error)
            if not self.tried and self._awaited is None:
                self._begin_making()
            return
        share = min(1.0, clock.share)
        renders = math.ceil(clock.renders)
        state = Progress("draw", share, seconds=clock.seconds, renders=renders, distance=self.best)
        with clock.stopped():
            progress(state)

    def _next_made(self) -> Resynthesised | None:
        """The preset of the sound that was made; None if there is none."""
        try:
            return self._awaited.result() if self._awaited else None
        except ValueError as error:  # a sound of a kind that the analysis was not made for: other arms go on
            raise EngineError(f"{self.arm.label}: the sound cannot be taken apart: {error}") from error

    def _played(self, made: Resynthesised, clock: Clock) -> Scored:
        space = self.arm.engine.space
        point = space.snap(space.encode(made.preset.values)[None])
        locked = encode_locks(space, self._lock, point[0])
        point[:, list(locked)] = list(locked.values())
        scorer = self._scorer_of(made)
        scorer.until = clock.until
        clock.renders += 1
        found = scorer.score(point, [made.pitch], (math.ceil(clock.renders), clock.seconds))
        found.found_at[:, 1] = clock.seconds
        return found

    def _scorer_of(self, made: Resynthesised) -> Scorer:
        target = replace(self._target, hold=made.hold, guesses=(NoteGuess(made.pitch, 1.0),))
        return Scorer(self.arm.renderer, target, VELOCITY, state=made.preset.state, shared=self.scorer)

    def _nearest(self) -> Resynthesised:
        return min(self.tried, key=lambda one: float(one[1].distance[0]))[0]

    def _search_on(self, clock: Clock) -> None:
        """Begins to search from the best preset that was made of the sound."""
        nearest = self._nearest()
        start = next(found for made, found in self.tried if made is nearest)
        scorer = self._scorer_of(nearest)
        scorer.faults = self.scorer.faults
        engine = self.arm.built(nearest.preset.state)
        space = self.arm.engine.space
        locked = encode_locks(space, self._lock, start.points[0])
        locked |= {place: float(start.points[0, place]) for place in np.nonzero(~nearest.free)[0].tolist()}
        points = engine.canonical(start.points)
        points[:, list(locked)] = list(locked.values())
        start = replace(start, points=points)
        self._search = Search(
            scorer, engine, (), locked=locked, seed=self._seed, candidates=self._candidates, start=start
        )
        self.scorer = scorer
        seconds = math.inf if clock.budget.seconds is None else clock.budget.seconds - clock.seconds
        if seconds >= _OWN_SECONDS and clock.renders_left >= _OWN_RENDERS:
            self._start_own(nearest, points[0])

    def _start_own(self, made: Resynthesised, point: np.ndarray) -> None:
        """Starts synths that have the preset loaded; until they are ready, those of the arm load it for each render."""
        state = made.preset.state
        note = replace(self.scorer.note(made.pitch), hold=0.05, length=0.05)

        def start_synth(engine: Engine) -> None:
            engine.build_on(state)
            engine.expect_many()
            with suppress(RenderError):  # this one preset may be one that the synth cannot play
                engine.render(point, note, self._target.rate)

        self._own = Renderer(self.arm.engine)
        self._own_started = self._beside.submit(self._own.each, start_synth)

    def _move_to_own(self) -> None:
        """Goes over to the synths that have the preset loaded, once they are ready."""
        if self._own and self._own_started and self._own_started.done():
            self._own_started.result()
            self.scorer.renderer = self._own


def _playable(found: Scored) -> Scored:
    """What the synth could play; everything else is infinitely far away."""
    return found.take(np.nonzero(np.isfinite(found.distance))[0])
