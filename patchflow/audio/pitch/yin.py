"""Periods that the frames of a sound repeat with, by the probabilistic YIN method."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

__all__ = ["RATE", "period_track", "period_votes"]

RATE = 22_050
"""Sample rate of all that is looked at for pitch, in Hz."""

_WINDOW = 2_048
_FRAMES = 48
_SHORTEST = 8
_LOWEST = 12
_HIGHEST = 108
_BETA = 18
_LAST_RESORT = 0.01


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
