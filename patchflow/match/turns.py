"""Which arm of a match gets the next batch: the one that promises most."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import replace

from ..engines import one_torch_thread
from ..errors import PatchflowError
from ..progress import Progress, ProgressCallback, ignore
from .arms import PATIENCE, Attempt
from .limits import Clock

__all__ = ["take_turns"]

_FLOOR = 0.1  # share of what is spent that every arm gets at least
_FLOORS = 0.5  # the same of all arms together, at most
_RECENT = 0.5  # share of what an arm spent in which its gain is measured
_HOPE = 0.02  # share of its distance that an arm may always gain while it spends as much again
_NEAR = 0.25  # share of the best distance by which another is half as promising
_NEAR_DB = 0.5  # the same in dB, added


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
