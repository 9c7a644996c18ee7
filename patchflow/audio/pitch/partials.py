"""The partials of a sound: where its long-term spectrum has peaks, and which harmonics of a note are among them."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .contour import RATE

__all__ = ["HARMONICS", "Partials", "partials"]

HARMONICS = 12
"""Harmonics of a note that are looked for."""

_WINDOW = 16_384  # 0.74 s: partials of the lowest notes come apart
_LOW = 5.0  # Hz of the first place: a third of the lowest note
_HIGH = 10_500.0
_STEP = 10  # cents from one place to the next
_FLOOR_DB = 50.0  # what lies deeper below the peak is not heard
_ENVELOPE = 61  # places over which the envelope is averaged: 600 cents
_PLACES = _LOW * 2 ** (np.arange(0, 1200 * np.log2(_HIGH / _LOW), _STEP) / 1200)


@dataclass(frozen=True)
class Partials:
    """A long-term spectrum and its peaks.

    Args:
        prominence: How far levels rise above their envelope, 0 to 1 for 50 dB, in steps of 10 cents, shape `(F,)`.
        frequency: Frequencies of peaks that rise 6 dB above their surroundings, in Hz, rising, shape `(K,)`.
        magnitude: Their magnitudes, relative to the largest, shape `(K,)`.
    """

    prominence: np.ndarray
    frequency: np.ndarray
    magnitude: np.ndarray

    def near(self, hz: np.ndarray, cents: float) -> np.ndarray:
        """Returns how prominent the best place is within a number of cents of frequencies, 0 beyond the spectrum."""
        place = np.round(1200 / _STEP * np.log2(hz / _LOW)).astype(int)
        reach = round(cents / _STEP)
        inside = (place >= reach) & (place < len(self.prominence) - reach)
        place = np.where(inside, place, reach)
        around = [self.prominence[place + shift] for shift in range(-reach, reach + 1)]
        return np.where(inside, np.max(around, axis=0), 0.0)

    def nearest(self, hz: float, cents: float) -> tuple[float, float]:
        """Returns how many cents above a frequency the largest peak near it is, and its magnitude; 0 if none is."""
        reach = 2 ** (cents / 1200)
        first = int(np.searchsorted(self.frequency, hz / reach))
        last = int(np.searchsorted(self.frequency, hz * reach))
        if first == last:
            return 0.0, 0.0
        best = first + int(self.magnitude[first:last].argmax())
        return 1200 * float(np.log2(self.frequency[best] / hz)), float(self.magnitude[best])

    def tuned(self, hz: float) -> float | None:
        """Returns the fundamental that agrees best with the peaks near the harmonics of one; None if there are none.

        Args:
            hz: A fundamental, at most 50 cents off.
        """
        found = None
        for reach in (60.0, 25.0):
            near = [self.nearest(k * hz, reach) for k in range(1, HARMONICS + 1)]
            off = np.array([cents for cents, _ in near])
            # A root keeps one loud partial from outvoting the others; high ones of strings are stretched.
            weight = np.array([size**0.5 / k**0.5 for k, (_, size) in enumerate(near, 1)])
            if not weight.any():
                return found
            order = off.argsort()
            running = weight[order].cumsum()
            middle = order[np.searchsorted(running, running[-1] / 2)]
            close = np.abs(off - off[middle]) <= 6
            hz *= 2 ** (float(np.average(off[close], weights=weight[close])) / 1200)
            found = hz
        return found


def partials(x: np.ndarray) -> Partials:
    """Returns the partials of a sound.

    Args:
        x: Mono at `yin.RATE`, shape `(T,)`.
    """
    # Hann windows, a quarter apart, half a window over both ends.
    padded = np.pad(x, (_WINDOW // 2, 3 * _WINDOW // 2))
    frames = sliding_window_view(padded, _WINDOW)[: len(x) + _WINDOW // 2 : _WINDOW // 4]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(_WINDOW)))).mean(0)
    magnitude = np.sqrt(power / max(float(power.max()), 1e-30))
    frequency, size = _peaks(magnitude)
    return Partials(_prominence(magnitude), frequency, size)


def _prominence(magnitude: np.ndarray) -> np.ndarray:
    bins = _PLACES * _WINDOW / RATE
    below = bins.astype(int)
    share = bins - below
    levels = magnitude[below] * (1 - share) + magnitude[below + 1] * share
    db = 20 * np.log10(np.maximum(levels / max(float(levels.max()), 1e-15), 10 ** (-_FLOOR_DB / 20))) + _FLOOR_DB
    sums = np.cumsum(np.pad(db, (_ENVELOPE // 2 + 1, _ENVELOPE // 2), mode="edge"))
    envelope = (sums[_ENVELOPE:] - sums[:-_ENVELOPE]) / _ENVELOPE
    return np.maximum(db[: len(envelope)] - envelope, 0)[: len(db)] / _FLOOR_DB


def _peaks(magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    db = 20 * np.log10(np.maximum(magnitude, 1e-6))
    left = db[:-2]
    here = db[1:-1]
    right = db[2:]
    # A window's main lobe is four bins wide: a peak stands out from what is three bins away.
    around = np.pad(db, 3, mode="edge")
    valley = np.maximum(around[1 : 1 + len(here)], around[7 : 7 + len(here)])
    peak = (here > left) & (here >= right) & (here > valley + 6) & (here > -_FLOOR_DB)
    at = np.nonzero(peak)[0]
    curve = left[at] - 2 * here[at] + right[at]
    shift = 0.5 * (left[at] - right[at]) / np.minimum(curve, -1e-9)
    return (at + 1 + shift) * RATE / _WINDOW, magnitude[at + 1]
