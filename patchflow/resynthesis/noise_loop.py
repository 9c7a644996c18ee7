"""A loop of noise with the mean spectrum of a residual, and how loud it is over time."""

from dataclasses import dataclass

import numpy as np

from .lines import line_amplitudes

__all__ = ["NoiseLoop", "buzz", "noise_loop"]

_SAMPLES = 2**15  # 0.74 s at 44.1 kHz: long enough that nobody notices the repetition, 87 KB in a file
_PEAK = 0.5
_SPACING = 10.0  # Hz from one point of the spectrum to the next
_LOUD = 0.05  # of the largest power, from which on a moment counts for the spectrum
_RATES = (14.0, 40.0)  # turns a second of a level that are rough or buzz
_FRAME_S = 0.004


@dataclass(frozen=True)
class NoiseLoop:
    """Noise that is made, not recorded.

    Args:
        samples: One turn, which begins where it ends; shape `(S,)`.
        levels: What it is multiplied with at each moment of a note, shape `(K,)`.
    """

    samples: np.ndarray
    levels: np.ndarray

    def play(self, times: np.ndarray, moments: np.ndarray, rate: int) -> np.ndarray:
        """Returns the noise at each of evenly spaced times.

        Args:
            times: Seconds, from 0 on, shape `(T,)`.
            moments: Seconds of `levels`.
            rate: Sample rate, in Hz.
        """
        # Vital's levels are quadratic: lines between their roots.
        level = np.square(np.interp(times, moments, np.sqrt(self.levels)))
        at = np.round(times * rate).astype(int) % len(self.samples)
        return (self.samples[at] * level).astype(np.float32)


def noise_loop(residual: np.ndarray, rate: int, times: np.ndarray, moments: np.ndarray, seed: int = 0) -> NoiseLoop:
    """Returns a loop that sounds as a residual does on the whole.

    Its spectrum is the mean of the residual's where that is loud, its phases are random.

    Args:
        residual: What is not harmonic of a sound, shape `(T,)`.
        rate: Sample rate, in Hz.
        times: Seconds at which it is measured, shape `(N,)`.
        moments: Seconds at which levels are wanted, shape `(K,)`.
        seed: Of the random numbers.
    """
    lines = line_amplitudes(residual, rate, _SPACING, times, most=int(0.49 * rate / _SPACING))
    power = np.square(lines).sum(1)
    loud = power > _LOUD * max(float(power.max()), 1e-20)
    mean = np.sqrt((np.square(lines[loud]) / np.maximum(power[loud, None], 1e-20)).mean(0))
    frequencies = np.fft.rfftfreq(_SAMPLES, 1 / rate)
    shape = np.interp(frequencies, _SPACING * np.arange(1, len(mean) + 1), mean, left=0.0, right=0.0)
    phases = np.random.default_rng(seed).uniform(-np.pi, np.pi, len(shape))
    samples = np.fft.irfft(shape * np.exp(1j * phases), _SAMPLES)
    samples *= _PEAK / max(float(np.abs(samples).max()), 1e-12)
    own = float(np.square(samples).mean())
    # sines of amplitude A have a power of A^2 / 2
    levels = np.sqrt(np.maximum(np.interp(moments, times, power / 2), 0) / max(own, 1e-20))
    return NoiseLoop(samples.astype(np.float32), levels)


def buzz(samples: np.ndarray, rate: int) -> float:
    """Returns how much the level of a sound beats regularly, 14 to 40 times a second, 0 to 1.

    A residual of few lines repeats so often, and buzzes; noise beats at all rates alike. It is the largest share of the
    level's power between these rates that a single rate has with its multiples.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
    """
    hop = round(_FRAME_S * rate)
    count = len(samples) // hop
    if count * _FRAME_S < 0.25:
        return 0.0
    # of the upper part, where an ear does not hear the lines one by one
    high = np.diff(samples[: count * hop], prepend=0.0)
    level = np.sqrt(np.square(high).reshape(count, hop).mean(1))
    around = np.ones(25) / 25
    usual = np.convolve(level, around, "same") / np.convolve(np.ones(count), around, "same")
    level = level / np.maximum(usual, 1e-9) - 1
    spectrum = np.square(np.abs(np.fft.rfft(level, 4 * count)))
    same = np.fft.irfft(spectrum)[:count]
    lags = np.arange(count) * _FRAME_S
    wanted = (lags >= 1 / _RATES[1]) & (lags <= 1 / _RATES[0])
    longer = np.interp(2 * lags[wanted], lags, same)  # what repeats, repeats twice
    return float(max(0.0, np.minimum(same[wanted], longer).max()) / max(float(same[0]), 1e-20))
