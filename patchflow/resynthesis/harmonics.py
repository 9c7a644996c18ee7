"""Takes a sound apart into the harmonics of its pitch, along that pitch, and what is left."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from .pitch_track import PitchTrack

__all__ = ["Parts", "take_apart"]

_REACH_S = 0.03  # seconds either way over which periods are averaged
_LEAST = 2  # periods either way, at least
_MOST = 16
_HIGHEST = 0.47  # share of the sample rate up to which there are harmonics
_ORDER = 3  # of the splines that samples between samples are read by


@dataclass(frozen=True)
class Parts:
    """A sound as a sum of two.

    Args:
        harmonic: What repeats with the period of the pitch, shape `(T,)`.
        residual: What does not, shape `(T,)`.
        times: Seconds at which `amplitudes` are known, rising, shape `(N,)`.
        amplitudes: Of each harmonic, the fundamental first, shape `(N, H)`.
    """

    harmonic: np.ndarray
    residual: np.ndarray
    times: np.ndarray
    amplitudes: np.ndarray

    @property
    def share(self) -> float:
        """How much of the power of the sound is harmonic, 0 to 1."""
        harmonic = float(np.square(self.harmonic).sum())
        return harmonic / max(harmonic + float(np.square(self.residual).sum()), 1e-20)


def take_apart(samples: np.ndarray, rate: int, track: PitchTrack, times: np.ndarray) -> Parts:
    """Returns the harmonic and the other part of a sound.

    Time is bent so that the pitch is constant and a period a whole number of samples. There, the harmonic part is
    the mean of neighbouring periods, weighed by a Hann window: a comb filter whose teeth are the harmonics. One period
    of it is all that a frame of a wavetable needs.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        track: Its pitch.
        times: Seconds at which harmonics are read, rising, shape `(N,)`.
    """
    cycles = track.cycles(len(samples), rate)
    highest = float(440 * 2 ** ((track.pitch.min() - 69) / 12))
    # As many samples a period as the longest period has, so that nothing is lost.
    period = max(8, int(np.ceil(rate / highest)))
    count = int(cycles[-1] * period) + 1
    places = np.interp(np.arange(count) / period, cycles, np.arange(len(samples)))
    bent = _read(samples, places)
    reach = int(np.clip(round(_REACH_S * track.hz), _LEAST, _MOST))
    combed = _combed(bent, period, reach)
    harmonic = _read(combed, cycles * period)

    centres = np.interp(times * rate, np.arange(len(samples)), cycles) * period
    amplitudes = _amplitudes(combed, centres, period)
    most = max(1, int(_HIGHEST * rate / track.hz))
    return Parts(harmonic, samples - harmonic, times, amplitudes[:, :most])


def _combed(bent: np.ndarray, period: int, reach: int) -> np.ndarray:
    window = np.hanning(2 * reach + 3)[1:-1]
    total = np.zeros(len(bent))
    weight = np.zeros(len(bent))
    for shift, share in zip(range(-reach, reach + 1), window, strict=True):
        move = shift * period
        first = max(0, -move)
        last = min(len(bent), len(bent) - move)
        if first >= last:
            continue
        total[first:last] += share * bent[first + move : last + move]
        weight[first:last] += share
    return total / np.maximum(weight, 1e-9)


def _amplitudes(combed: np.ndarray, centres: np.ndarray, period: int) -> np.ndarray:
    """Amplitudes of harmonics of the period around each place, shape `(N, period // 2)`."""
    padded = np.pad(combed, (0, max(0, period - len(combed))))
    starts = np.clip(np.round(centres - period / 2).astype(int), 0, len(padded) - period)
    frames = np.lib.stride_tricks.sliding_window_view(padded, period)[starts]
    return 2 / period * np.abs(np.fft.rfft(frames, axis=1))[:, 1 : (period + 1) // 2]


def _read(samples: np.ndarray, places: np.ndarray) -> np.ndarray:
    return map_coordinates(samples.astype(np.float64), [places], order=_ORDER, mode="constant")
