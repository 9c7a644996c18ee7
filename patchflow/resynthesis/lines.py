"""Amplitudes of close, evenly spaced lines over time, which together have the spectrum of any sound."""

import numpy as np

__all__ = ["SPACING", "band_levels", "bands_of", "line_amplitudes"]

SPACING = 21.533
"""Hz from line to line, about: 1,024 of them reach 22 kHz."""

# Low lines are told apart by long windows, high ones followed in time by short ones: seconds, and the frequency up to
# which they are used.
_WINDOWS = ((0.093, 500.0), (0.046, 1_800.0), (0.023, 5_000.0), (0.0116, np.inf))
_BANDS_OCTAVE = 6
_LOWEST = 60.0  # Hz, below which all is one band


def line_amplitudes(samples: np.ndarray, rate: int, hz: float, times: np.ndarray, most: int = 1_023) -> np.ndarray:
    """Returns the amplitudes of sines at multiples of `hz` that have the power of a sound around each of them.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        hz: From line to line.
        times: Seconds at which they are wanted, shape `(N,)`.
        most: Number of lines at most; they end below half the sample rate.

    Returns:
        Shape `(N, K)`, the line at `hz` first.
    """
    count = max(1, min(most, int(0.49 * rate / hz)))
    frequencies = hz * np.arange(1, count + 1)
    found = np.zeros((len(times), count), np.float32)
    lowest = 0.0
    for seconds, highest in _WINDOWS:
        wanted = (frequencies >= lowest) & (frequencies < highest)
        lowest = highest
        if not wanted.any():
            continue
        density, step = _density(samples, rate, times, seconds)
        edges = np.append(frequencies[wanted] - hz / 2, frequencies[wanted][-1] + hz / 2)
        power = np.diff(_power_below(density, edges / step, step), axis=1)
        found[:, wanted] = np.sqrt(2 * np.maximum(power, 0))
    return found


def bands_of(frequencies: np.ndarray, rate: int) -> np.ndarray:
    """Returns the number of the band, of a sixth of an octave, of each frequency, shape `(K,)`."""
    top = _band_count(rate) - 1
    band = 1 + np.floor(_BANDS_OCTAVE * np.log2(np.maximum(frequencies, 1e-3) / _LOWEST))
    return np.clip(band, 0, top).astype(int)


def band_levels(samples: np.ndarray, rate: int, times: np.ndarray) -> np.ndarray:
    """Returns the power in each band around each time, by windows as for `line_amplitudes`; shape `(N, bands)`."""
    edges = np.concatenate([[0.0], _LOWEST * 2 ** (np.arange(_band_count(rate)) / _BANDS_OCTAVE)])
    edges = np.minimum(edges, rate / 2)
    levels = np.zeros((len(times), len(edges) - 1))
    lowest = 0.0
    for seconds, highest in _WINDOWS:
        wanted = np.flatnonzero((edges[:-1] >= lowest) & (edges[:-1] < highest))
        lowest = highest
        if not len(wanted):
            continue
        density, step = _density(samples, rate, times, seconds)
        below = _power_below(density, edges[wanted[0] : wanted[-1] + 2] / step, step)
        levels[:, wanted] = np.maximum(np.diff(below, axis=1), 0)
    return levels


def _band_count(rate: int) -> int:
    return int(np.ceil(_BANDS_OCTAVE * np.log2(min(rate / 2, 20_000) / _LOWEST))) + 1


def _density(samples: np.ndarray, rate: int, times: np.ndarray, seconds: float) -> tuple[np.ndarray, float]:
    """Power per Hz around each time, shape `(N, F)`, and the Hz from one to the next."""
    size = 2 ** round(np.log2(seconds * rate))
    padded = np.pad(samples, size // 2).astype(np.float32)
    starts = np.clip(np.round(times * rate).astype(int), 0, len(padded) - size)
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, size)[starts] * window, axis=1)
    power = np.square(spectra.real) + np.square(spectra.imag)
    return 2 * power / (rate * float(np.square(window).sum())), rate / size


def _power_below(density: np.ndarray, places: np.ndarray, step: float) -> np.ndarray:
    """The power below each place, counted in bins, shape `(N, P)`."""
    running = np.concatenate([np.zeros((len(density), 1)), np.cumsum(density, axis=1, dtype=np.float64)], axis=1) * step
    places = np.clip(places + 0.5, 0, running.shape[1] - 1)  # a bin reaches half a step either way
    first = np.minimum(places.astype(int), running.shape[1] - 2)
    part = places - first
    return running[:, first] * (1 - part) + running[:, first + 1] * part
