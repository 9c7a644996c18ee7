"""Voices for tests: tones with harmonics that rise and fall like hummed notes."""

from collections.abc import Sequence

import numpy as np

from patchflow.audio.sound import Sound

__all__ = ["RATE", "hum"]

RATE = 22_050


def hum(pitches: Sequence[float], seconds: float = 0.4, gap: float = 0.1, levels: Sequence[float] = ()) -> Sound:
    """Notes one after the other, the first after a gap; pitches in semitones, levels from 0 to 1."""
    time = np.arange(round(seconds * RATE)) / RATE
    edge = np.minimum(1, np.minimum(time, seconds - time) / 0.02)
    parts = []
    for pitch, level in zip(pitches, levels or [1.0] * len(pitches), strict=True):
        hz = 440 * 2 ** ((pitch - 69) / 12)
        tone = np.sum([np.sin(2 * np.pi * k * hz * time + k) / k**2 for k in range(1, 7)], axis=0)
        parts += [np.zeros(round(gap * RATE)), 0.4 * level * edge * tone]
    parts.append(np.zeros(round(gap * RATE)))
    samples = np.concatenate(parts)
    noise = 1e-4 * np.random.default_rng(0).standard_normal(len(samples))
    return Sound((samples + noise).astype(np.float32), RATE)
