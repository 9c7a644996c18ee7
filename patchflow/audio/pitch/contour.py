"""How the pitch of a sound moves: frame by frame, by the network SwiftF0 or by periods."""

import functools
import itertools
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..resample import resample
from .yin import RATE, period_track

__all__ = ["FRAME", "Contour", "contour", "contour_of_periods"]

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


def _network() -> Any:
    with _LOCK:
        return _loaded()


@functools.cache
def _loaded() -> Any:
    # Here, not above: 0.15 s that only those pay who ask for a pitch.
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)
