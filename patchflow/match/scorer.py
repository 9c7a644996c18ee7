"""Renders presets and measures how far each is from the target."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..errors import EngineError, RenderError
from ..metrics.log_mel_l1 import log_mel
from ..metrics.perceptual import Reference
from .target import Target

__all__ = ["FAINTEST", "SCREEN", "STEPS_PER_DB", "Outcome", "Scored", "Scorer", "faintness"]

STEPS_PER_DB = 3
"""Resolution of the spectrograms in `Scored.mels`."""

SCREEN = 0.2
"""Share of the sound of a note that `Scorer.screen` plays; what that costs is `Scorer.screening`."""

FAINTEST = -30.0
"""Peak in dB of full scale below which a preset is too quiet; hardly any preset that people made is."""

_GRACE = 0.3  # seconds over the time that a render under way may take
_TOO_FAINT = 0.15  # dB of distance for each dB below that
_SHORTEST = 0.05  # seconds that a screening plays at least
_COARSE = 4  # bands and frames that are averaged where hundreds of presets are compared
_TOGETHER = 4  # presets that a thread renders before it measures them
_SCREENED_TOGETHER = 16  # the same of a screening, whose sounds are shorter


@dataclass(frozen=True)
class Scored:
    """Presets with their distance from the target.

    Args:
        points: Encoded presets, shape `(N, P)`.
        pitch: MIDI note each was played on, shape `(N,)`.
        distance: From the target, in dB: `metrics.perceptual`, by the weights of the target, and `faint`, shape `(N,)`.
        level: The part of the distance that is log-mel L1, in dB, shape `(N,)`.
        faint: The part of the distance that is for being too quiet, see `faintness`, shape `(N,)`.
        mels: Log-mel spectrogram of each, in steps of 1/3 dB below the peak, uint8, shape `(N, F, N')`.
        coarse: The same in dB, with four bands and four frames averaged, in one row, float32, shape `(N, C)`.
        found_at: Renders and seconds that were spent when each was found, shape `(N, 2)`.
        sounds: What each sounds like, shape `(T,)`, as objects of shape `(N,)`; None where that is not kept.
    """

    points: np.ndarray
    pitch: np.ndarray
    distance: np.ndarray
    level: np.ndarray
    faint: np.ndarray
    mels: np.ndarray
    coarse: np.ndarray
    found_at: np.ndarray
    sounds: np.ndarray

    def __len__(self) -> int:
        return len(self.distance)

    def take(self, rows: np.ndarray) -> "Scored":
        """Returns some of the presets, in the order of `rows`."""
        taken = {field.name: getattr(self, field.name)[rows] for field in fields(self)}
        return Scored(**taken)

    def best(self, count: int) -> "Scored":
        """Returns the `count` nearest, nearest first; of equal ones those that come first."""
        return self.take(np.argsort(self.distance, kind="stable")[:count])

    def join(self, other: "Scored") -> "Scored":
        """Returns these presets followed by others."""
        joined = {}
        for field in fields(self):
            joined[field.name] = np.concatenate([getattr(self, field.name), getattr(other, field.name)])
        return Scored(**joined)


@dataclass(frozen=True)
class Outcome:
    """What became of a batch of presets.

    Args:
        distance: From the target, in dB, shape `(N,)`; infinite for those that a screening rejected.
        rows: Which were rendered in full now, and were not known before, shape `(M,)`.
    """

    distance: np.ndarray
    rows: np.ndarray


class Scorer:
    """Scores presets against one target on all cores.

    Args:
        renderer: Makes the sounds.
        target: What to compare with; its rate is the rate of the renders.
        velocity: MIDI velocity of every note.
        state: What the presets are built on, see `Engine.build_on`; as the engines are if None. Scorers of one renderer
            may each have their own.
        shared: A scorer of the same sound, whose measurements of it are used.

    Attributes:
        faults: What went wrong with presets that the synth could not play; they are infinitely far away.
        until: When the time is over, as `time.monotonic` counts. What is not played by then is missed, unless nothing
            was ever played: then it goes on until something is.
        missed: How many presets of the last call were not played at all; they are infinitely far away, too.
        lost: Why the synth cannot play any more; None as long as it can.
    """

    def __init__(
        self,
        renderer: Renderer,
        target: Target,
        velocity: int = 100,
        *,
        state: bytes | None = None,
        shared: "Scorer | None" = None,
    ) -> None:
        self.renderer = renderer
        self.state = state
        self.target = target
        self.velocity = velocity
        self.faults: list[RenderError] = []
        self.until = math.inf
        self.missed = 0
        self.lost: EngineError | None = None
        self._played = False  # whether any preset was played so far
        self._onset = min(max(SCREEN * target.length, _SHORTEST), target.length)  # seconds
        self.reference = shared.reference if shared else self._reference(target.length)
        self._onset_reference = shared._onset_reference if shared else self._reference(self._onset)

    def note(self, pitch: int | np.integer) -> Note:
        """Returns the note that is played for a pitch."""
        return Note(int(pitch), self.velocity, self.target.hold, self.target.length)

    def screening(self, overhead: float) -> float:
        """Returns what a screening costs, in whole renders.

        Args:
            overhead: See `Engine.overhead`.
        """
        return (overhead + self._onset) / (overhead + self.target.length)

    def score(
        self, points: np.ndarray, pitch: Sequence[int] | np.ndarray, found_at: tuple[float, float] = (0, 0)
    ) -> Scored:
        """Renders and measures presets.

        Args:
            points: Encoded presets, shape `(N, P)`.
            pitch: MIDI note to play each on, shape `(N,)`.
            found_at: Renders and seconds spent so far.

        Raises:
            RenderError: If the synth cannot play any of them, nor could play any before.
            EngineError: If it cannot be started, and never played.
        """
        pitch = np.asarray(pitch, int)

        parts = list(self.renderer.map(self._measured, _jobs(points, pitch, _TOGETHER)))
        self.missed = sum(part.missed for part in parts)
        distance = np.concatenate([part.distance for part in parts])
        faint = np.concatenate([part.faint for part in parts])
        sounds: list[np.ndarray | None] = []
        for part in parts:
            sounds += part.sounds
        # Presets that the synth cannot play are left out as long as there are others. If not one was ever played, the
        # synth itself is at fault, and its first error is the best explanation there is.
        if not self._played and self.lost:
            raise self.lost
        if not self._played and self.faults:
            raise self.faults[0]
        return Scored(
            points=points,
            pitch=pitch,
            distance=distance + faint,
            level=np.concatenate([part.level for part in parts]),
            faint=faint,
            mels=np.concatenate([part.mels for part in parts]),
            coarse=np.concatenate([part.coarse for part in parts]),
            found_at=np.tile(np.array(found_at, float), (len(points), 1)),
            sounds=_objects(sounds),
        )

    def screen(self, points: np.ndarray, pitch: Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns the cheap part of the distance over the beginning alone, in dB, shape `(N,)`.

        It plays the first `SCREEN` of the note, which costs `screening` of a render, and separates most bad presets
        from good ones.

        Args:
            points: Encoded presets, shape `(N, P)`.
            pitch: MIDI note to play each on, shape `(N,)`.
        """
        parts = list(self.renderer.map(self._screened, _jobs(points, np.asarray(pitch, int), _SCREENED_TOGETHER)))
        self.missed = sum(missed for _, missed in parts)
        return np.concatenate([distance for distance, _ in parts])

    def _measured(self, engine: Engine, job: "_Job") -> "_Measured":
        """Plays and measures a few presets."""
        sounds, played, missed = self._sounds(engine, job, self.target.length)
        mels = log_mel(torch.from_numpy(played))
        unplayed = [sound is None for sound in sounds]
        level = self.reference.level(mels).numpy()
        level[unplayed] = np.inf
        distance = self.reference.distance(torch.from_numpy(played), mels).numpy()
        distance[unplayed] = np.inf
        # 80 dB in thirds fit a byte: the search keeps the spectrograms of hundreds of presets.
        steps = (mels * -STEPS_PER_DB).round().to(torch.uint8)
        coarse = torch.nn.functional.avg_pool2d(mels[:, None], _COARSE, ceil_mode=True).flatten(1)
        return _Measured(distance, level, faintness(played), steps.numpy(), coarse.numpy(), sounds, missed)

    def _screened(self, engine: Engine, job: "_Job") -> tuple[np.ndarray, int]:
        """Plays the beginnings of a few presets; returns their distance, and how many were missed."""
        sounds, played, missed = self._sounds(engine, job, self._onset)
        distance = self._onset_reference.least(log_mel(torch.from_numpy(played))).numpy()
        distance[[sound is None for sound in sounds]] = np.inf
        return distance, missed

    def _sounds(self, engine: Engine, job: "_Job", length: float) -> tuple[list[np.ndarray | None], np.ndarray, int]:
        """Plays a few presets; returns their sounds, the same as a batch `(N, T)`, and how many were missed."""
        notes = [replace(self.note(pitch), length=length) for pitch in job.pitch.tolist()]
        sounds: list[np.ndarray | None] = []
        missed = 0
        if self.state is not None:
            engine.build_on(self.state)
        for point, note in zip(job.points, notes, strict=True):
            if self._is_over():
                missed += 1
                sounds.append(None)
            else:
                sounds.append(self._play(engine, point, note))
        # What cannot be played is measured as silence, so that the batch stays whole, then put infinitely far away.
        silence = np.zeros(notes[0].samples(self.target.rate), np.float32)
        return sounds, np.stack([silence if sound is None else sound for sound in sounds]), missed

    def _is_over(self) -> bool:
        """Whether no more may be played."""
        return self.lost is not None or (self._played and time.monotonic() >= self.until)

    def _play(self, engine: Engine, point: np.ndarray, note: Note) -> np.ndarray | None:
        engine.limit(self.until + _GRACE if self._played else math.inf)
        try:
            sound = engine.render(point, note, self.target.rate)
        except RenderError as error:  # the next preset may play
            if not self._is_over():  # else it was the time that was short
                self.faults.append(error)
            return None
        except EngineError as error:  # no other preset can be played either, but what was found is not lost
            self.lost = error
            return None
        self._played = True
        return sound

    def _reference(self, length: float) -> Reference:
        """The beginning of the target, as far as it is compared."""
        samples = Note(length=length).samples(self.target.rate)
        return Reference(torch.from_numpy(self.target.samples[:samples]), self.target.like)


def faintness(sounds: np.ndarray) -> np.ndarray:
    """Returns what is added to the distance of sounds that are too quiet, in dB, shape `(N,)`.

    The distance compares sounds at the same peak, so without it a search may end with a preset that is right and
    cannot be heard: 3 dB for every 20 dB below `FAINTEST`, 0 for silence, whose distance is already the
    largest.

    Args:
        sounds: Shape `(N, T)`.

    Example:
        >>> faintness(np.array([[0.5], [0.001], [0.0]])).tolist()
        [0.0, 4.5, 0.0]
    """
    peak = np.maximum(sounds.max(1), -sounds.min(1))  # `abs` would make another array
    level = 20 * np.log10(np.where(peak > 0, peak, 1))
    return _TOO_FAINT * np.maximum(0, FAINTEST - level)


class _Job(NamedTuple):
    """A few presets for one thread: encoded, shape `(N, P)`, and the MIDI note of each, shape `(N,)`."""

    points: np.ndarray
    pitch: np.ndarray


class _Measured(NamedTuple):
    """What became of a job, and how many of its presets were missed; see `Scored` for shapes and units."""

    distance: np.ndarray
    level: np.ndarray
    faint: np.ndarray
    mels: np.ndarray
    coarse: np.ndarray
    sounds: list[np.ndarray | None]
    missed: int


def _objects(items: Sequence[object]) -> np.ndarray:
    """A vector of these objects, which numpy does not look into."""
    found = np.empty(len(items), object)
    found[:] = items
    return found


def _jobs(points: np.ndarray, pitch: np.ndarray, size: int) -> list[_Job]:
    """Cuts the work into parts whose sounds fit a processor's cache."""
    return [_Job(points[i : i + size], pitch[i : i + size]) for i in range(0, len(points), size)]
