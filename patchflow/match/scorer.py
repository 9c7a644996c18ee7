"""Renders presets and measures how far each is from the target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..metrics.log_mel_l1 import level_gap, log_mel
from .result import Target

__all__ = ["Scored", "Scorer"]

_JOB = 4  # renders a thread does before it scores them: they fit its processor cache


@dataclass(frozen=True)
class Scored:
    """Presets with their distance from the target.

    Args:
        points: Encoded presets, shape `(N, P)`.
        pitch: MIDI note each was played on, shape `(N,)`.
        distance: Log-mel L1 from the target, in dB, shape `(N,)`.
        mels: Log-mel spectrogram of each, in steps of 1/3 dB below the peak, uint8, shape `(N, F, N')`.
    """

    points: np.ndarray
    pitch: np.ndarray
    distance: np.ndarray
    mels: np.ndarray

    def __len__(self) -> int:
        return len(self.distance)

    def take(self, rows: np.ndarray) -> "Scored":
        """Returns some of the presets, in the order of `rows`."""
        return Scored(self.points[rows], self.pitch[rows], self.distance[rows], self.mels[rows])

    def join(self, other: "Scored") -> "Scored":
        """Returns these presets followed by others."""
        return Scored(
            np.concatenate([self.points, other.points]),
            np.concatenate([self.pitch, other.pitch]),
            np.concatenate([self.distance, other.distance]),
            np.concatenate([self.mels, other.mels]),
        )


class Scorer:
    """Scores presets against one target on all cores.

    Args:
        renderer: Makes the sounds.
        target: What to compare with; its rate is the rate of the renders.
        velocity: MIDI velocity of every note.
    """

    def __init__(self, renderer: Renderer, target: Target, velocity: int = 100) -> None:
        self.renderer = renderer
        self.target = target
        self.velocity = velocity
        self._mel = log_mel(torch.from_numpy(target.samples)[None])

    def note(self, pitch: int) -> Note:
        """Returns the note that is played for a pitch."""
        return Note(int(pitch), self.velocity, self.target.hold, self.target.length)

    def score(self, points: np.ndarray, pitch: Sequence[int] | np.ndarray) -> Scored:
        """Renders and measures presets.

        Args:
            points: Encoded presets, shape `(N, P)`.
            pitch: MIDI note to play each on, shape `(N,)`.
        """
        pitch = np.asarray(pitch, int)
        jobs = [(points[i : i + _JOB], pitch[i : i + _JOB]) for i in range(0, len(points), _JOB)]
        parts = list(self.renderer.map(self._work, jobs))
        distance, mels = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        return Scored(points, pitch, distance, mels)

    def _work(self, engine: Engine, job: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        sounds = [engine.render(point, self.note(pitch), self.target.rate) for point, pitch in zip(*job, strict=True)]
        mels = log_mel(torch.from_numpy(np.stack(sounds)))
        gap = level_gap(mels, self._mel)
        return gap.numpy(), (mels * -3).round().to(torch.uint8).numpy()
