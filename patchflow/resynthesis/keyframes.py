"""Chooses the moments of a curve between which straight lines miss it least: frames where the sound changes."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["TableWalk", "choose_frames", "pitch_points"]

FRAMES = 257
"""Places of a wavetable of Vital, counted from 0."""

_TRIED = 9  # places of a stretch that are tried as the next moment
_TAIL_POINTS = 7


@dataclass(frozen=True)
class TableWalk:
    """Where in a wavetable a note is, over time: straight lines between points.

    Args:
        times: Seconds, rising from 0, shape `(M,)`.
        places: 0 to 256, shape `(M,)`.
        loop: Seconds at which the path goes on when it is over; None where it stays at its end.
    """

    times: np.ndarray
    places: np.ndarray
    loop: float | None

    @property
    def seconds(self) -> float:
        """How long it takes until it ends, or begins again at `loop`."""
        return float(self.times[-1])

    def unwound(self, times: np.ndarray) -> np.ndarray:
        """Returns which time of the path it is after so many seconds, with all its turns."""
        if self.loop is None:
            return np.minimum(times, self.seconds)
        turn = self.seconds - self.loop
        return np.where(times < self.seconds, times, self.loop + np.mod(times - self.loop, turn))

    def at(self, times: np.ndarray) -> np.ndarray:
        """Returns the place at each time."""
        return np.interp(self.unwound(times), self.times, self.places)

    @staticmethod
    def through(moments: np.ndarray, loop: tuple[float, float] | None, tail: float, drop_db: float) -> "TableWalk":
        """Returns the path through frames that are evenly spaced in the table.

        Args:
            moments: Seconds of the frames, rising from 0, shape `(K,)`; where there is no loop, the last frame is
                silent and comes after `tail` more seconds.
            loop: Stretch that is played there and back again, without a jump; its ends are among the moments.
            tail: Seconds of an exponential decay to the silent last frame.
            drop_db: By how much the sound falls in the tail.
        """
        count = len(moments) + (loop is None)
        places = np.round((FRAMES - 1) * np.arange(count) / max(count - 1, 1))
        if loop is not None:
            inside = (moments >= loop[0] - 1e-9) & (moments <= loop[1] + 1e-9)
            last = int(np.flatnonzero(inside)[-1])
            back = np.flatnonzero(inside)[-2::-1]
            returning = 2 * moments[last] - moments[back]
            times = np.concatenate([moments[: last + 1], returning])
            path = np.concatenate([places[: last + 1], places[back]])
            return TableWalk(times, path, float(moments[back[-1]]))
        # Vital adds up square roots of amplitudes: an exponential of half the speed falls right.
        share = np.linspace(0, 1, _TAIL_POINTS + 1)[1:]
        left = 10 ** (-drop_db * share / 40)
        left[-1] = 0.0
        fading = places[-1] - (places[-1] - places[-2]) * left
        return TableWalk(
            np.concatenate([moments, moments[-1] + tail * share]), np.concatenate([places[:-1], fading]), None
        )


def choose_frames(
    count: int, most: int, error: Callable[[int, int], np.ndarray], *, least: float, fixed: tuple[int, ...] = ()
) -> np.ndarray:
    """Returns the places of a curve between which straight lines miss it least, found from coarse to fine.

    The stretch with the largest error is split where that leaves the least of it, again and again.

    Args:
        count: Number of places.
        most: How many are chosen at most.
        error: For a stretch from one place to another the errors of all places between, at least 0.
        least: Mean error of a place at which it is enough.
        fixed: Places that have to be among them, beside the first and the last.

    Returns:
        Places, rising, shape `(K,)`.
    """
    chosen = sorted({0, count - 1, *fixed})
    errors = {}
    for first, last in itertools.pairwise(chosen):
        errors[first, last] = error(first, last)
    while len(chosen) < most and sum(float(part.sum()) for part in errors.values()) > least * count:
        first, last = max(errors, key=lambda stretch: float(errors[stretch].sum()))
        if last - first < 2 or not errors[first, last].sum():
            break
        tried = np.unique(np.linspace(first + 1, last - 1, _TRIED).astype(int)).tolist()
        tried.append(first + 1 + int(errors[first, last].argmax()))
        halves = {place: (error(first, place), error(place, last)) for place in tried}
        best = min(halves, key=lambda place: float(halves[place][0].sum() + halves[place][1].sum()))
        del errors[first, last]
        errors[first, best], errors[best, last] = halves[best]
        chosen = sorted([*chosen, best])
    return np.array(chosen)


def pitch_points(times: np.ndarray, pitch: np.ndarray, weight: np.ndarray, *, most: int, least: float) -> np.ndarray:
    """Returns the places of a pitch track between which straight lines miss it least.

    Args:
        times: Seconds, rising, shape `(N,)`.
        pitch: In semitones, shape `(N,)`.
        weight: How much each place counts, shape `(N,)`.
        most: How many are chosen at most.
        least: Mean miss in weighted semitones at which it is enough.
    """

    def error(first: int, last: int) -> np.ndarray:
        between = slice(first + 1, last)
        line = np.interp(times[between], times[[first, last]], pitch[[first, last]])
        return np.abs(line - pitch[between]) * weight[between]

    return choose_frames(len(times), most, error, least=least)
