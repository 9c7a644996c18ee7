"""Synthesised sounds whose pitch is known: tones of many kinds, moving ones, drums, and noise.

Every sound is a function of its number and a seed. Notes are not whole: each tone has a tuning of its own.
"""
# ruff: noqa: ARG001 - kinds of tones have one signature

from collections.abc import Callable

import numpy as np

__all__ = ["DRUMS", "MOVING", "RATE", "TONES", "harmonic", "hz", "sounds"]

RATE = 22_050
TOP = 9_000.0  # Hz

Rng = np.random.Generator
Sound = tuple[str, float, np.ndarray]


def hz(pitch: float | np.ndarray) -> float | np.ndarray:
    """Returns the frequency of a pitch in semitones."""
    return 440 * 2 ** ((pitch - 69) / 12)


def harmonic(frequency: np.ndarray, amplitudes: np.ndarray, rng: Rng, stretch: float = 0.0) -> np.ndarray:
    """Returns a tone with a frequency for every sample, and random phases."""
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    tone = np.zeros(len(phase))
    for k, amplitude in enumerate(amplitudes, 1):
        multiple = k * np.sqrt(1 + stretch * k * k)
        if amplitude and multiple * frequency.max() < 0.48 * RATE:
            tone += amplitude * np.sin(multiple * phase + rng.uniform(0, 2 * np.pi))
    return tone


def sine(k: np.ndarray, f: float, rng: Rng) -> np.ndarray:
    """A fundamental alone."""
    return (k == 1).astype(float)


def saw(k: np.ndarray, f: float, rng: Rng) -> np.ndarray:
    """All harmonics."""
    return 1 / k


def square(k: np.ndarray, f: float, rng: Rng) -> np.ndarray:
    """Odd harmonics."""
    return (k % 2) / k


def pulse(k: np.ndarray, f: float, rng: Rng) -> np.ndarray:
    """A pulse of any width."""
    return np.abs(np.sin(np.pi * k * rng.uniform(0.05, 0.5))) / k


def missing(k: np.ndarray, f: float, rng: Rng) -> np.ndarray:
    """No fundamental, perhaps no second and third harmonic."""
    amplitudes = 1 / k ** rng.uniform(0, 1.2)
    if len(k) >= 5:
        amplitudes[: rng.integers(1, 4)] = 0
    return amplitudes


def formants(k: np.ndarray, f: float, rng: Rng) -> np.ndarray:
    """A vowel."""
    amplitudes = 1 / k
    for _ in range(3):
        off = (k * f - rng.uniform(200, 3_500)) / rng.uniform(60, 300)
        amplitudes = amplitudes * (0.05 + 1 / np.sqrt(1 + off**2))
    return amplitudes


def uneven(k: np.ndarray, f: float, rng: Rng) -> np.ndarray:
    """Harmonics of any level."""
    return rng.random(len(k)) ** 2 / k ** rng.uniform(0.2, 1)


def dull(k: np.ndarray, f: float, rng: Rng) -> np.ndarray:
    """A saw behind a low-pass filter."""
    return 1 / k / (1 + (k * f / rng.uniform(100, 2_000)) ** 2)


TONES: dict[str, tuple[Callable[[np.ndarray, float, Rng], np.ndarray], float, float]] = {
    "sine": (sine, 23.5, 107.0),
    "saw": (saw, 23.5, 106.0),
    "square": (square, 23.5, 96.5),
    "pulse": (pulse, 23.5, 96.5),
    "missing fundamental": (missing, 23.5, 90.0),
    "formants": (formants, 35.0, 80.0),
    "uneven": (uneven, 23.5, 106.0),
    "dull": (dull, 23.5, 96.5),
    "stretched": (saw, 23.5, 96.5),
    "bass C1 to C3": (dull, 23.5, 48.5),
    "deep sine": (sine, 18.0, 48.5),
}
MOVING = ("vibrato", "glide", "hum")
DRUMS = ("white", "coloured", "band", "kick", "tom", "snare", "hat", "clap", "clang", "crackle")


def sounds(count: int, seed: int) -> list[Sound]:
    """Returns sounds of every kind: its name, its pitch in semitones (-1 for none), and samples at `RATE`."""
    kinds = (*TONES, *TONES, *MOVING, *DRUMS)
    made = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        kind = kinds[number % len(kinds)]
        pitch = -1.0
        if kind in TONES:
            pitch, x = _tone(kind, rng)
        elif kind in MOVING:
            pitch, x = _moving(kind, rng)
        else:
            x = _drum(kind, rng)
        made.append((kind, pitch, (x / max(float(np.abs(x).max()), 1e-9)).astype(np.float32)))
    return made


def _tone(kind: str, rng: Rng) -> tuple[float, np.ndarray]:
    amplitudes, lowest, highest = TONES[kind]
    pitch = rng.uniform(lowest, highest)
    t = _time(rng, 0.15, 2.5)
    f = float(hz(pitch))
    k = np.arange(1, min(60, max(1, int(TOP / f))) + 1)
    stretch = 10 ** rng.uniform(-5, -3.3) if kind == "stretched" else 0.0
    x = harmonic(np.full(len(t), f), amplitudes(k, f, rng), rng, stretch)
    x = x * (np.exp(-t / rng.uniform(0.1, 1)) if rng.random() < 0.5 else np.minimum(1, t / 0.01))
    return pitch, _dirty(x / np.abs(x).max(), t, rng)


def _moving(kind: str, rng: Rng) -> tuple[float, np.ndarray]:
    pitch = rng.uniform(40, 84)
    t = _time(rng, 0.5, 2.5)
    if kind == "glide":
        bend = rng.uniform(-12, 12) * (t / t[-1] - 0.5)
    else:
        depth = rng.uniform(0.1, 1.0) if kind == "vibrato" else rng.uniform(0, 0.3)
        bend = depth * np.sin(2 * np.pi * rng.uniform(4, 7) * t) + rng.uniform(-0.3, 0.3) * (t - t[-1] / 2)
    frequency = np.asarray(hz(pitch + bend))
    k = np.arange(1, min(40, max(1, int(TOP / frequency.max()))) + 1)
    x = harmonic(frequency, dull(k, float(hz(pitch)), rng), rng) * np.minimum(1, t / 0.02)
    return pitch, _dirty(x / np.abs(x).max(), t, rng)


def _dirty(x: np.ndarray, t: np.ndarray, rng: Rng) -> np.ndarray:
    """Noise beside four tones in ten, a noisy attack before two."""
    if rng.random() < 0.4:
        x = x + 10 ** (rng.uniform(-50, -15) / 20) * rng.standard_normal(len(t))
    if rng.random() < 0.2:
        x = x + rng.uniform(0.1, 0.6) * np.exp(-t / 0.01) * rng.standard_normal(len(t))
    return x


def _drum(kind: str, rng: Rng) -> np.ndarray:
    t = _time(rng, 0.1, 1.5)
    noise = rng.standard_normal(len(t))
    spectrum = np.fft.rfft(noise)
    frequency = np.fft.rfftfreq(len(t), 1 / RATE)
    if kind == "coloured":
        return np.fft.irfft(spectrum / np.maximum(1, np.arange(len(spectrum))) ** rng.uniform(0.3, 1.2), len(t))
    if kind == "band":
        centre = np.exp(rng.uniform(np.log(200), np.log(5_000)))
        return np.fft.irfft(spectrum / (1 + ((frequency - centre) / (centre * rng.uniform(0.2, 0.5))) ** 2), len(t))
    if kind == "kick":
        falling = rng.uniform(35, 60) * (1 + rng.uniform(1, 6) * np.exp(-t / rng.uniform(0.01, 0.05)))
        return _struck(falling, t, rng) + 0.3 * noise * np.exp(-t / 0.005)
    if kind == "tom":
        falling = rng.uniform(70, 200) * (1 + rng.uniform(0.2, 1) * np.exp(-t / rng.uniform(0.03, 0.1)))
        return _struck(falling, t, rng) + 0.5 * noise * np.exp(-t / 0.01)
    if kind == "snare":
        body = np.sin(2 * np.pi * rng.uniform(150, 250) * t) * np.exp(-t / 0.05)
        return noise * np.exp(-t / rng.uniform(0.05, 0.2)) + rng.uniform(0.2, 0.8) * body
    if kind == "hat":
        return np.diff(noise, 2, prepend=[0, 0]) * np.exp(-t / rng.uniform(0.02, 0.3))
    if kind == "clap":
        since = t[:, None] - np.array([0, 0.01, 0.02, 0.03])
        return noise * (np.exp(-np.maximum(since, 0) / 0.01) * (since >= 0)).sum(1)
    if kind == "clang":
        partials = np.exp(rng.uniform(np.log(200), np.log(6_000), 12))
        sizes = rng.random(12)
        decays = np.exp(-t[:, None] / rng.uniform(0.1, 0.8, 12))
        return (decays * np.sin(2 * np.pi * partials * t[:, None])) @ sizes
    if kind == "crackle":
        return noise * (rng.random(len(t)) < 0.01)
    return noise * np.exp(-t / rng.uniform(0.05, 2))


def _struck(frequency: np.ndarray, t: np.ndarray, rng: Rng) -> np.ndarray:
    return np.sin(2 * np.pi * np.cumsum(frequency) / RATE) * np.exp(-t / rng.uniform(0.05, 0.3))


def _time(rng: Rng, shortest: float, longest: float) -> np.ndarray:
    return np.arange(int(RATE * np.exp(rng.uniform(np.log(shortest), np.log(longest))))) / RATE
