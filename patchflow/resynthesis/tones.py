"""Steady tones in a residual: partials that are no harmonics, as of bells, chords and stiff strings."""

from dataclasses import dataclass

import numpy as np

from .lines import SPACING

__all__ = ["Tones", "divisor", "find_tones", "gathered", "steady_tones"]

_SIZE = 16_384  # samples of a window: 0.37 s at 44.1 kHz
_LEAST_SIZE = 2_048
_PEAK = 10 ** (14 / 20)  # of a tone above the median of its neighbourhood, in magnitude
_NEIGHBOURS = 12
_SOFTEST = 1e-5  # of the largest power
_MOST = 60
_SPREAD = 1.6  # lines either way that the window smears a tone over
_RANGE = (0.62, 1.45)  # spacings of lines that are tried, relative to the usual one


@dataclass(frozen=True)
class Tones:
    """Partials that last.

    Args:
        hz: Frequencies, shape `(P,)`.
        power: Of each, shape `(P,)`.
        share: The share of the power of the residual that they have, 0 to 1.
    """

    hz: np.ndarray
    power: np.ndarray
    share: float


def find_tones(residual: np.ndarray, rate: int) -> Tones:
    """Returns the steady tones of a residual, the loudest first.

    Args:
        residual: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
    """
    size = _SIZE
    while size > len(residual) and size > _LEAST_SIZE:
        size //= 2
    padded = np.pad(residual, (0, max(0, size - len(residual))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2][:24]
    magnitude = np.sqrt(np.square(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1))).mean(0))
    around = np.pad(magnitude, _NEIGHBOURS, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(around, 2 * _NEIGHBOURS + 1), axis=1)
    left, here, right = magnitude[:-2], magnitude[1:-1], magnitude[2:]
    peak = (here > left) & (here >= right) & (here > _PEAK * usual[1:-1])
    peak &= here > np.sqrt(_SOFTEST) * magnitude.max()
    place = np.flatnonzero(peak) + 1
    place = place[np.argsort(-magnitude[place])][:_MOST]
    power = np.zeros(len(place))
    for number, middle in enumerate(place.tolist()):
        power[number] = np.square(magnitude[max(0, middle - 2) : middle + 3]).sum()
    # a parabola through the logarithms of three points has its top where the tone is
    logs = np.log(np.maximum(magnitude, 1e-12))
    curve = logs[place - 1] - 2 * logs[place] + logs[place + 1]
    shift = (logs[place - 1] - logs[place + 1]) / (2 * np.minimum(curve, -1e-9))
    total = max(float(np.square(magnitude).sum()), 1e-20)
    return Tones((place + np.clip(shift, -0.5, 0.5)) * rate / size, power, min(1.0, float(power.sum()) / total))


def divisor(f0: float, tones: Tones) -> int:
    """Returns by which whole number to divide a pitch so that its multiples are near to tones.

    Args:
        f0: The pitch, in Hz.
        tones: What the lines are to be near to; if there is none, the usual spacing decides.
    """
    least = max(1, int(np.ceil(f0 / (SPACING * _RANGE[1]))))
    most = max(least, int(f0 / (SPACING * _RANGE[0])))
    if not len(tones.hz):
        return int(np.clip(round(f0 / SPACING), least, most))
    weight = np.sqrt(tones.power)

    def off(parts: int) -> float:
        ratio = tones.hz * parts / f0
        return float((weight * np.abs(ratio - np.round(ratio))).sum() * f0 / parts)

    return min(range(least, most + 1), key=off)


def gathered(amplitudes: np.ndarray, hz: float, tones: Tones) -> np.ndarray:
    """Returns amplitudes of lines with the power around each tone in one line, shape `(N, K)`.

    Args:
        amplitudes: Of lines at multiples of `hz`, in which windows smear tones, shape `(N, K)`.
        hz: From line to line.
        tones: The steady tones.
    """
    power = np.square(amplitudes)
    taken = np.zeros(power.shape[1], bool)
    for tone in tones.hz.tolist():
        middle = round(tone / hz) - 1
        if not 0 <= middle < power.shape[1] or taken[middle]:
            continue
        near = np.abs(np.arange(1, power.shape[1] + 1) * hz - tone) < _SPREAD * hz
        near &= ~taken
        total = power[:, near].sum(1)
        power[:, near] = 0.0
        power[:, middle] = total
        taken |= near
    return np.sqrt(power)


def steady_tones(phases: np.ndarray, moments: np.ndarray, hz: float, tones: Tones) -> np.ndarray:
    """Returns phases that turn as fast as tones are off their lines; the other lines keep theirs, shape `(K, H)`."""
    phases = phases.copy()
    seen: set[int] = set()
    for tone in tones.hz.tolist():
        line = round(tone / hz) - 1
        if line in seen or not 0 <= line < phases.shape[1]:
            continue
        seen.add(line)
        phases[:, line] = phases[0, line] + 2 * np.pi * (tone - (line + 1) * hz) * moments
    return phases
