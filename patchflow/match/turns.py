"""The arms of a match: which gets the next batch, the one that promises most, and what all have found so far."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import replace
from pathlib import Path

import torch

from ..engines import one_torch_thread
from ..errors import PatchflowError
from ..metrics.perceptual import Reference
from ..progress import Progress, ProgressCallback, ignore
from .arms import PATIENCE, Attempt, Finds
from .limits import Clock
from .result import Candidate, pick_among, pick_distinct
from .scorer import Scored
from .target import Target
from .verdict import Judge, pitch_of

__all__ = ["Findings", "FoundCallback", "candidates_of", "pick_from", "pools_of", "take_turns"]

_FLOOR = 0.1  # share of what is spent that every arm gets at least
_FLOORS = 0.5  # the same of all arms together, at most
_RECENT = 0.5  # share of what an arm spent in which its gain is measured
_HOPE = 0.02  # share of its distance that an arm may always gain while it spends as much again
_NEAR = 0.25  # share of the best distance by which another is half as promising
_NEAR_DB = 0.5  # the same in dB, added
_SHARE = 0.02  # of the time of a search in which it is said what was found so far
_AT_ONCE = 0.05  # seconds that this may take beyond, so that what is found early is known at once


def take_turns(attempts: Sequence[Attempt], clock: Clock, progress: ProgressCallback = ignore) -> bool:
    """Gives batch after batch to the arm that promises most, until the budget is spent or Ctrl-C is pressed.

    Every arm has a first batch; an arm that cannot play ends alone. With a budget of renders the order depends on
    nothing but what was found; with one of seconds, whoever is ready goes on while others are made ready.

    Args:
        attempts: The arms, in the order in which they begin.
        clock: The budget of all.
        progress: Called after every batch, with the best distance of all arms.

    Returns:
        Whether nobody interrupted it.

    Raises:
        KeyboardInterrupt: If nothing was rendered yet.
        PatchflowError: If no arm can play anything.
    """
    told = _of_all(attempts, progress)
    try:
        with one_torch_thread():
            while going := [attempt for attempt in attempts if not attempt.is_done]:
                if clock.is_over and any(attempt.has_begun for attempt in attempts):
                    break
                chosen = _most_promising(going, clock)
                if chosen is None:
                    awaited = [attempt.awaits for attempt in going]
                    wait([future for future in awaited if future], PATIENCE, FIRST_COMPLETED)
                    continue
                try:
                    chosen.step(clock, told(chosen))
                except PatchflowError as error:
                    chosen.error = error
    except KeyboardInterrupt:
        if not any(attempt.has_begun for attempt in attempts):
            raise
        return False
    if not any(attempt.has_begun for attempt in attempts):
        raise next((attempt.error for attempt in attempts if attempt.error), ValueError("the proposers gave no preset"))
    return True


def _of_all(attempts: Sequence[Attempt], progress: ProgressCallback) -> Callable[[Attempt], ProgressCallback]:
    """Makes callbacks of the arms that say how far the whole match is."""

    def of(attempt: Attempt) -> ProgressCallback:
        def tell(state: Progress) -> None:
            distance = min([state.distance or 0.0, *(other.best for other in attempts)])
            progress(replace(state, distance=distance, subject=attempt.arm.synth))

        return tell if len(attempts) > 1 else progress

    return of


def _most_promising(going: Sequence[Attempt], clock: Clock) -> Attempt | None:
    """Whose batch is next; None if nobody is ready."""
    by_time = clock.budget.seconds is not None
    # What is ready first is a matter of chance, so it must not matter where the same seed is to give the same result.
    ready = [attempt for attempt in going if not (by_time and attempt.awaits)]
    for attempt in ready:
        if not attempt.has_begun:
            return attempt
    for attempt in ready:
        if attempt.is_opening:
            return attempt
    if len(ready) < 2:
        return ready[0] if ready else None

    def cost(attempt: Attempt) -> float:
        return attempt.seconds if by_time else attempt.renders

    starved = min(ready, key=cost)
    floor = min(_FLOOR, _FLOORS / len(going))
    if cost(starved) < floor * sum(cost(attempt) for attempt in going):
        return starved
    best = min(attempt.best for attempt in going)
    return max(ready, key=lambda attempt: _promise(attempt, best, by_time=by_time))


def _promise(attempt: Attempt, best: float, *, by_time: bool) -> float:
    """What an arm is expected to gain, in dB for each second or render, and less the farther it is from the best."""
    if not math.isfinite(attempt.best):
        return 0.0
    costs = [seconds if by_time else renders for renders, seconds, _ in attempt.record]
    spent = max(costs[-1], 1e-9)
    earlier = max([place for place, cost in enumerate(costs) if cost <= (1 - _RECENT) * spent], default=0)
    gain = attempt.record[earlier][2] - attempt.best
    rate = _HOPE * attempt.best / spent
    if costs[earlier] < spent and math.isfinite(gain):
        rate += gain / (spent - costs[earlier])
    return rate * 0.5 ** ((attempt.best - best) / (_NEAR * best + _NEAR_DB))


FoundCallback = Callable[[tuple[Candidate, ...]], None]
"""Gets the best distinct candidates so far, best first: presets that can be played and kept."""


class Findings:
    """Says what a search has found so far: at once, and then whenever an arm has found something better.

    So that it holds up the search by a fiftieth at most, it waits until fifty times as long has passed as it took after
    the first time. What counts is the time of the processor: other programs may take turns with this one.

    Args:
        target: The sound.
        attempts: Those that search.
        count: How many candidates are wanted.
        found: Called with them.
    """

    def __init__(self, target: Target, attempts: Sequence[Attempt], count: int, found: FoundCallback) -> None:
        self._target = target
        self._attempts = attempts
        self._count = count
        self._found = found
        self._judge = Judge(target.samples, target.rate, pitched=target.pitched)
        self._known: dict[tuple[str, bytes, bytes, int], Candidate] = {}
        self._told: list[float] = []
        self._begun = time.monotonic()
        self._spent = 0.0

    def beside(self, progress: ProgressCallback) -> ProgressCallback:
        """Returns a callback that says what was found, and calls another one."""

        def tell(state: Progress) -> None:
            self._look()
            progress(state)

        return tell

    def _look(self) -> None:
        begun = time.thread_time()
        best = [attempt.best for attempt in self._attempts]
        too_often = self._spent > _AT_ONCE + _SHARE * (time.monotonic() - self._begun)
        if too_often or best == self._told:
            return
        is_first = not self._told
        self._told = best
        pools, picked = pick_from(pools_of(self._attempts), self._count)
        if picked:
            self._found(self._candidates(pools, picked))
        if not is_first:
            self._spent += time.thread_time() - begun

    def _candidates(self, pools: Sequence[Finds], picked: Sequence[tuple[int, int]]) -> tuple[Candidate, ...]:
        """What was picked; to hear how one is tuned takes longer than all else, so those of the last time are kept."""
        known: dict[tuple[str, bytes, bytes, int], Candidate] = {}
        candidates: list[Candidate] = []
        for place, row in picked:
            pool = pools[place]
            key = (pool.arm.label, pool.base.state, pool.found.points[row].tobytes(), int(pool.found.pitch[row]))
            known[key] = self._known.get(key) or _candidate(self._target, pool, row, self._judge)
            candidates.append(known[key])
        self._known = known
        return tuple(candidates)


def pools_of(attempts: Sequence[Attempt]) -> list[Finds]:
    """Returns what all arms have found so far."""
    pools: list[Finds] = []
    for attempt in attempts:
        pools += attempt.pools()
    return pools


def pick_from(pools: Sequence[Finds], count: int) -> tuple[list[Finds], list[tuple[int, int]]]:
    """Returns the distinct presets of each pool, and pool and row of those that a match returns, best first.

    Args:
        pools: What was found, see `pools_of`.
        count: How many are wanted.
    """
    distinct = [pool._replace(found=pick_distinct(pool.found, pool.distinct, count)) for pool in pools]
    arms = [pool.arm.label for pool in pools]
    kinds = [arms.index(label) for label in arms]
    if len(pools) == 1:
        return distinct, [(0, row) for row in range(len(distinct[0].found))]
    return distinct, pick_among([pool.found for pool in distinct], kinds, count)


def candidates_of(
    target: Target, pools: Sequence[Finds], picked: Sequence[tuple[int, int]]
) -> tuple[Candidate, ...]:  # fmt: skip
    """Returns the presets that were picked.

    Args:
        target: The sound.
        pools: Distinct presets, see `pick_from`.
        picked: Pool and row of each.
    """
    judge = Judge(target.samples, target.rate, pitched=target.pitched)
    return tuple(_candidate(target, pools[place], row, judge) for place, row in picked)


def _candidate(target: Target, pool: Finds, row: int, judge: Judge) -> Candidate:
    found = pool.found
    point = found.points[row]
    sound = found.sounds[row]
    cents = None if sound is None else judge.cents(sound)
    sounding = None if cents is None or target.f0 is None else pitch_of(target.f0) + cents / 100
    return Candidate(
        preset=replace(pool.base, values=pool.arm.engine.space.decode(point), name=Path(target.name).stem),
        point=point,
        note=pool.scorer.note(found.pitch[row]),
        distances=_distances(target, found, row),
        renders=int(found.found_at[row, 0]),
        seconds=float(found.found_at[row, 1]),
        sound=sound,
        cents=cents,
        sounding=sounding,
        unlike=target.pitched and cents is None and sound is not None,
        kind=pool.arm.kind,
    )


def _distances(target: Target, found: Scored, row: int) -> dict[str, float]:
    """How far a preset is from the target, as users know it: by weights that are all 1."""
    # The search adds something for presets that are too quiet; this is without.
    whole = float(found.distance[row] - found.faint[row])
    sound = found.sounds[row]
    if set(target.like.values()) - {1.0} and sound is not None:
        whole = float(Reference(torch.from_numpy(target.samples)).distance(torch.from_numpy(sound[None]))[0])
    return {"perceptual": whole, "log_mel_l1": float(found.level[row])}
