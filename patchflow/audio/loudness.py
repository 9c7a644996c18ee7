"""Integrated loudness, and how to match it without clipping."""

import functools
from dataclasses import dataclass

import numpy as np

__all__ = ["Levelled", "loudness", "match_loudness"]

_BLOCK_S = 0.4
_OVERLAP = 0.75
_GATE_LUFS = -70.0
_BELOW_MEAN_LU = 10.0  # the second gate, below the mean of what passes the first
_AT_0_DB = -0.691  # LUFS of a mean square of 1 after the filters
_CEILING_DB = -1.0

# The two filters of the standard, at any rate: gain in dB, quality and frequency in Hz of a high shelf, then the
# quality and frequency of a high pass.
_SHELF = (4.0, 0.5**0.5, 1_500.0)
_HIGH_PASS = (0.5, 38.0)
_RINGING_S = 0.5  # after which nothing is left of either filter's answer to a click: less than 1e-50


@dataclass(frozen=True)
class Levelled:
    """A sound after a change of gain.

    Args:
        samples: The sound, shape `(T,)`.
        gain_db: The gain that was applied, in dB.
        limited: Whether the gain is lower than asked for, to keep the peak at or below -1 dB.
    """

    samples: np.ndarray
    gain_db: float
    limited: bool


def loudness(samples: np.ndarray, rate: int) -> float:
    """Returns the integrated loudness of a mono sound.

    Sounds shorter than one gating block of 0.4 s count as one block of their own length. The gate for
    silence lies 70 dB below a sound of the same peak at full scale, so a gain of `g` dB adds exactly `g`.

    The same as pyloudnorm's, whose filters need a second to import.

    References:
        ITU-R BS.1770-4, https://www.itu.int/rec/R-REC-BS.1770
        R. Bristow-Johnson, Audio EQ Cookbook, https://www.w3.org/TR/audio-eq-cookbook/

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.

    Returns:
        Loudness in LUFS; minus infinity for silence.

    Example:
        >>> t = np.arange(48_000) / 48_000
        >>> round(loudness(np.sin(2 * np.pi * 997 * t), 48_000))
        -3
    """
    peak = float(np.abs(samples).max())
    if peak == 0 or len(samples) < 2:
        return -np.inf
    block = min(_BLOCK_S, (len(samples) - 0.5) / rate)
    # The standard's gate for silence is absolute, so the loudness of a soft sound would not change by as much as its
    # gain. Measured at full scale, it does.
    powers = _block_powers(_weighted(samples / peak, rate), rate, block)
    loud = powers[_lufs(powers) >= _GATE_LUFS]
    if len(loud):
        loud = loud[_lufs(loud) > _lufs(loud.mean()) - _BELOW_MEAN_LU]
    return float(_lufs(loud.mean()) + 20 * np.log10(peak)) if len(loud) else -np.inf


def _lufs(power: np.ndarray | float) -> np.ndarray:
    """Loudness of mean squares, of any shape."""
    return np.asarray(_AT_0_DB + 10 * np.log10(np.maximum(power, 1e-300)))


def _block_powers(samples: np.ndarray, rate: int, block: float) -> np.ndarray:
    """The mean squares of overlapping blocks of so many seconds, shape `(N,)`."""
    step = 1 - _OVERLAP
    count = round((len(samples) / rate - block) / (block * step)) + 1
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples))])
    first = (block * rate * step * np.arange(count)).astype(int)
    last = (block * rate * (step * np.arange(count) + 1)).astype(int)
    return (energy[np.minimum(last, len(samples))] - energy[first]) / (block * rate)


def _weighted(samples: np.ndarray, rate: int) -> np.ndarray:
    """The sound after both filters, which hear as the head and the ear do."""
    # Products of spectra filter as recursion does, as long as there is room for what rings on after the end.
    room = len(samples) + round(_RINGING_S * rate)
    size = 1 << (room - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(samples, size) * _response(size, rate), size)[: len(samples)]


@functools.lru_cache(maxsize=4)  # many sounds of one length are measured after each other
def _response(size: int, rate: int) -> np.ndarray:
    """The answer of both filters at the frequencies of a transform of real numbers."""
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones(len(turn), complex)
    for above, below in (_shelf(rate), _high_pass(rate)):
        response = response * np.polyval(above[::-1], turn) / np.polyval(below[::-1], turn)
    return response


_Filter = tuple[tuple[float, ...], tuple[float, ...]]  # weights of the last inputs, and of the last outputs


def _shelf(rate: int) -> _Filter:
    """Bristow-Johnson's high shelf."""
    gain_db, quality, hz = _SHELF
    a = 10 ** (gain_db / 40)
    turn = 2 * np.pi * hz / rate
    cos = float(np.cos(turn))
    width = 2 * a**0.5 * float(np.sin(turn)) / (2 * quality)
    above = (a * (a + 1 + (a - 1) * cos + width), -2 * a * (a - 1 + (a + 1) * cos), a * (a + 1 + (a - 1) * cos - width))
    below = (a + 1 - (a - 1) * cos + width, 2 * (a - 1 - (a + 1) * cos), a + 1 - (a - 1) * cos - width)
    return above, below


def _high_pass(rate: int) -> _Filter:
    """Bristow-Johnson's high pass."""
    quality, hz = _HIGH_PASS
    turn = 2 * np.pi * hz / rate
    cos = float(np.cos(turn))
    width = float(np.sin(turn)) / (2 * quality)
    return ((1 + cos) / 2, -1 - cos, (1 + cos) / 2), (1 + width, -2 * cos, 1 - width)


def match_loudness(samples: np.ndarray, rate: int, target_lufs: float) -> Levelled:
    """Brings a sound to a loudness, or as near as it gets without clipping.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        target_lufs: The loudness wanted, in LUFS.

    Returns:
        The sound, float32, with its peak at or below -1 dB. Silence stays silence, and nothing is changed
        towards a target of minus infinity except what the peak demands.
    """
    loud = loudness(samples, rate)
    peak = float(np.abs(samples).max())
    wanted = target_lufs - loud if np.isfinite([target_lufs, loud]).all() else 0.0
    most = _CEILING_DB - 20 * np.log10(peak) if peak > 0 else wanted
    gain_db = float(min(wanted, most))
    levelled = (samples * 10 ** (gain_db / 20)).astype(np.float32)
    return Levelled(levelled, gain_db, limited=bool(wanted > most))
