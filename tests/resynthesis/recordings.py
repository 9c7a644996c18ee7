"""Small recordings that tests make, and how unlike two sounds are."""

import numpy as np

from patchflow.resynthesis.spectra import band_levels

__all__ = ["RATE", "harmonic", "note_with_release", "spectrum_gap", "tone", "white"]

RATE = 44_100


def tone(hz: float, seconds: float = 0.8, harmonics: int = 6) -> np.ndarray:
    """A steady tone with falling harmonics."""
    t = np.arange(round(seconds * RATE)) / RATE
    return harmonic(2 * np.pi * hz * t, harmonics)


def harmonic(turn: np.ndarray, harmonics: int = 6) -> np.ndarray:
    """A tone by the phase of its fundamental."""
    parts = [np.sin(k * turn + k * k) / k for k in range(1, harmonics + 1)]
    return (0.2 * np.sum(parts, axis=0)).astype(np.float32)


def note_with_release(held: float, fall_db: float, seconds: float, hz: float = 261.63) -> np.ndarray:
    """A steady tone that falls by so much after its key was released, and is cut off there."""
    t = np.arange(round((held + seconds) * RATE)) / RATE
    decibels = -fall_db * np.clip((t - held) / seconds, 0, 1)
    return (tone(hz, held + seconds)[: len(t)] * np.minimum(1, t / 0.03) * 10 ** (decibels / 20)).astype(np.float32)


def white(seconds: float) -> np.ndarray:
    """Steady noise."""
    return (0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE))).astype(np.float32)


def spectrum_gap(a: np.ndarray, b: np.ndarray) -> float:
    """Mean gap of levels in sixth-octave bands that are above -40 dB, in dB."""
    times = np.arange(0.1, len(a) / RATE - 0.1, 0.02)
    x = band_levels(a, RATE, times)
    y = band_levels(b, RATE, times)
    loud = x > 1e-4 * x.max()
    return float(np.abs(10 * np.log10(np.maximum(y[loud], 1e-12) / x[loud])).mean())
