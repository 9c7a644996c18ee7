"""How the pitch of a sound moves: frame by frame, by the network SwiftF0 or by the periods of the pYIN method."""

import functools
import itertools
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..conditioning import resample

__all__ = [
    "FRAME",
    "HARMONICS",
    "RATE",
    "Contour",
    "Partials",
    "contour",
    "contour_of_periods",
    "partials",
    "period_track",
    "period_votes",
]

RATE = 22_050
"""Sample rate of all that is looked at for pitch, in Hz."""

_WINDOW = 2_048
_FRAMES = 48
_SHORTEST = 8
_LOWEST = 12
_HIGHEST = 108
_BETA = 18
_LAST_RESORT = 0.01

FRAME = 0.016
"""Seconds from one frame to the next."""

_RATE = 16_000  # Hz, what the network was trained at
_PEAK = 0.5  # it does not level sounds itself
_VOICED = 0.5  # the network's own threshold
_JUMP = 1.5  # semitones between two frames that no glide makes
_GAP = 8  # frames from one that is voiced to the next, at most, on one line
_LEAST = 6  # frames of a line that tells a motion
_DYING = 0.6  # level of the last quarter of a line that dies away, at most, where the first has 1
_LOCK = threading.Lock()

HARMONICS = 12
"""Harmonics of a note that are looked for."""

_LONG_WINDOW = 16_384  # 0.74 s: partials of the lowest notes come apart
_LOW = 5.0  # Hz of the first place: a third of the lowest note
_HIGH = 10_500.0
_STEP = 10  # cents from one place to the next
_FLOOR_DB = 50.0  # what lies deeper below the peak is not heard
_ENVELOPE = 61  # places over which the envelope is averaged: 600 cents
_PLACES = _LOW * 2 ** (np.arange(0, 1200 * np.log2(_HIGH / _LOW), _STEP) / 1200)


def period_votes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pitches of all periods that are found in frames, and the weight of each.

    Every frame votes for its periods, weighed by its level.

    References:
        de Cheveigne & Kawahara, YIN, a fundamental frequency estimator for speech and music (2002)
        https://doi.org/10.1121/1.1458024
        Mauch & Dixon, pYIN: a fundamental frequency estimator using probabilistic threshold
        distributions (2014), https://doi.org/10.1109/ICASSP.2014.6853678

    Args:
        x: Mono at `RATE`, shape `(T,)`.

    Returns:
        Pitches in semitones, 69 at 440 Hz, and weights; the sum of these is the share of the sound that has a
        period. Both of shape `(V,)`.
    """
    frames = _frames(x)
    period, dip = _dips(_difference(frames))
    weight = _chances(dip) * _levels(frames)[:, None]
    pitch = 69 + 12 * np.log2(RATE / 440 / period)
    counted = (weight > 0) & (pitch > _LOWEST) & (pitch < _HIGHEST)
    return pitch[counted], weight[counted]


def period_track(x: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the pitch of the likeliest period of each frame, its chance, and the share of the frame in the level.

    Args:
        x: Mono at `RATE`, shape `(T,)`.
        seconds: From one frame to the next.

    Returns:
        Pitches in semitones, 69 at 440 Hz, chances from 0 to 1, and levels, all together 1. Each of shape `(N,)`,
        empty for a sound that is shorter than one frame.
    """
    if len(x) < _WINDOW:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    starts = np.arange(0, len(x) - _WINDOW + 1, seconds * RATE).astype(int)
    frames = sliding_window_view(x, _WINDOW)[starts]
    period, dip = _dips(_difference(frames))
    chance = _chances(dip)
    best = chance.argmax(1)
    rows = np.arange(len(frames))
    pitch = 69 + 12 * np.log2(RATE / 440 / period[rows, best])
    counted = (pitch > _LOWEST) & (pitch < _HIGHEST)
    return pitch, chance[rows, best] * counted, _levels(frames)


def _frames(x: np.ndarray) -> np.ndarray:
    """Windows spread evenly over the sound, shape `(N, W)`; one short one for a short sound."""
    x = np.pad(x, (0, max(0, _SHORTEST - len(x))))
    size = min(_WINDOW, len(x) // 2 * 2)
    count = min(_FRAMES, 1 + 2 * (len(x) - size) // size)
    starts = np.linspace(0, len(x) - size, count).astype(int)
    return sliding_window_view(x, size)[starts]


def _levels(frames: np.ndarray) -> np.ndarray:
    """Weight of each frame, shape `(N,)`, by its level; the sum is 1."""
    level = np.sqrt(np.square(frames[:, : frames.shape[1] // 2], dtype=np.float64).mean(1))
    return level / max(float(level.sum()), 1e-12)


def _difference(frames: np.ndarray) -> np.ndarray:
    """YIN's difference function of half a window, divided by its running mean, for lags 1 to W / 2 - 1."""
    half = frames.shape[1] // 2
    # The difference at a lag, sum of (x[i] - x[i + lag])^2, is the energy of both halves minus twice their product. All
    # products come from one transform, all energies from one running sum.
    first = np.fft.rfft(frames[:, :half], 2 * half)  # no lag up to `half` wraps around
    products = np.fft.irfft(np.fft.rfft(frames) * first.conj(), 2 * half)[:, 1:half]
    sums = np.cumsum(np.square(frames, dtype=np.float64), 1)
    energy = sums[:, half:-1] - sums[:, : half - 1]
    gap = np.maximum(sums[:, half - 1 : half] + energy - 2 * products, 0)
    return gap * np.arange(1, half) / np.maximum(np.cumsum(gap, 1), 1e-12)


def _dips(difference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Period in samples and depth of each local minimum, by a parabola through three points.

    Both have shape `(N, L)`; the depth is 2 where there is no minimum.
    """
    left, here, right = difference[:, :-2], difference[:, 1:-1], difference[:, 2:]
    shift = np.clip((left - right) / (2 * np.maximum(left - 2 * here + right, 1e-9)), -0.5, 0.5)
    lags = np.arange(2, 2 + here.shape[1])
    minimum = (here < left) & (here <= right) & (lags >= RATE / 440 / 2 ** ((_HIGHEST - 69) / 12))
    return lags + shift, np.where(minimum, here - (left - right) * shift / 4, 2.0)


def _chances(dip: np.ndarray) -> np.ndarray:
    """Chance that a minimum is the first below a threshold drawn from a Beta(2, 18) distribution.

    Only a minimum deeper than all before it can be: with thresholds between its depth and theirs.
    """
    if not dip.shape[1]:
        return dip
    deepest = np.minimum.accumulate(dip, axis=1)
    before = np.pad(deepest[:, :-1], ((0, 0), (1, 0)), constant_values=2.0)
    chance = np.where(dip < before, _below(before) - _below(dip), 0.0)
    rows = np.arange(len(dip))
    best = dip.argmin(1)
    chance[rows, best] += _LAST_RESORT * _below(dip[rows, best]) * (dip[rows, best] < 2)
    return chance


def _below(depth: np.ndarray) -> np.ndarray:
    """Chance that a threshold lies below `depth`: the Beta(2, 18) distribution function."""
    depth = np.clip(depth, 0.0, 1.0)
    return 1 - (1 - depth) ** _BETA * (1 + _BETA * depth)


@dataclass(frozen=True)
class Contour:
    """Pitch of each frame.

    Args:
        pitch: In semitones, 69 at 440 Hz, 29.5 to 96; shape `(N,)`.
        confidence: Chance that there is that pitch, 0 to 1, shape `(N,)`.
        level: Share of the frame in the level of the sound, all together 1, shape `(N,)`.
    """

    pitch: np.ndarray
    confidence: np.ndarray
    level: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """Weight of each frame; the sum is the share of the sound that has a pitch."""
        return self.confidence * self.level

    @property
    def line(self) -> np.ndarray:
        """The pitches of the heaviest stretch without a jump, smoothed over three frames; empty if there is none."""
        if not len(self._heaviest):
            return np.zeros(0)
        padded = np.pad(self.pitch[self._heaviest], 1, mode="edge")
        return np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)

    @property
    def share(self) -> float:
        """The share of the sound that is on the line."""
        return float(self.weight[self._heaviest].sum())

    @property
    def dies_away(self) -> bool:
        """Whether the last quarter of the line is much softer than the first."""
        level = self.level[self._heaviest]
        part = len(level) // 4
        return part > 0 and bool(level[-part:].mean() < _DYING * level[:part].mean())

    @functools.cached_property
    def _heaviest(self) -> np.ndarray:
        voiced = self.confidence >= _VOICED
        jumps = np.abs(np.diff(self.pitch)) > _JUMP
        breaks = jumps | (voiced[1:] != voiced[:-1])
        stretches = np.split(np.arange(len(self.pitch)), np.nonzero(breaks)[0] + 1)
        stretches = [stretch for stretch in stretches if voiced[stretch].all()]
        if not stretches:
            return np.zeros(0, int)
        heaviest = max(stretches, key=lambda stretch: float(self.weight[stretch].sum()))
        if len(heaviest) < _LEAST or self.weight[heaviest].sum() < 0.5 * self.weight.sum():
            return np.zeros(0, int)
        return heaviest


def contour(x: np.ndarray) -> Contour:
    """Returns the contour of a sound.

    References:
        Nieradzik, SwiftF0: Fast and Accurate Monophonic Pitch Detection (2025), https://arxiv.org/abs/2508.18440

    Args:
        x: Mono at `yin.RATE`, shape `(T,)`.
    """
    levelled = x * np.float32(_PEAK / max(float(np.abs(x).max(initial=0.0)), 1e-9))
    heard = resample(levelled.astype(np.float32), RATE, _RATE)
    heard = np.pad(heard, (0, max(0, 256 - len(heard))))
    found = _network().detect(heard, _RATE)
    loud = 10 ** (found.loudness_db / 20)
    pitch = 69 + 12 * np.log2(found.pitch_hz / 440)
    return Contour(pitch, found.confidence, loud / max(float(loud.sum()), 1e-12))


def contour_of_periods(x: np.ndarray) -> Contour:
    """Returns the contour of a sound by the periods of its frames.

    The network wants harmonics: of sines and other sounds of few partials it is unsure, while their periods are plain.

    Args:
        x: Mono at `yin.RATE`, shape `(T,)`.
    """
    pitch, confidence, level = period_track(x, FRAME)
    # In the dips of a tremolo, periods differ in level: a short gap that the pitch passes without a jump is none.
    jumps = np.abs(np.diff(pitch)) > _JUMP
    voiced = np.nonzero(confidence >= _VOICED)[0]
    for before, after in itertools.pairwise(voiced.tolist()):
        if after - before <= _GAP and not jumps[before:after].any():
            confidence[before:after] = np.maximum(confidence[before:after], _VOICED)
    return Contour(pitch, confidence, level)


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
        x: Mono at `RATE`, shape `(T,)`.
    """
    # Hann windows, a quarter apart, half a window over both ends.
    padded = np.pad(x, (_LONG_WINDOW // 2, 3 * _LONG_WINDOW // 2))
    frames = sliding_window_view(padded, _LONG_WINDOW)[: len(x) + _LONG_WINDOW // 2 : _LONG_WINDOW // 4]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(_LONG_WINDOW)))).mean(0)
    magnitude = np.sqrt(power / max(float(power.max()), 1e-30))
    frequency, size = _peaks(magnitude)
    return Partials(_prominence(magnitude), frequency, size)


def _network() -> Any:
    with _LOCK:
        return _loaded()


@functools.cache
def _loaded() -> Any:
    # Here, not above: 0.15 s that only those pay who ask for a pitch.
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)


def _prominence(magnitude: np.ndarray) -> np.ndarray:
    bins = _PLACES * _LONG_WINDOW / RATE
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
    return (at + 1 + shift) * RATE / _LONG_WINDOW, magnitude[at + 1]
