"""Plays presets of one synth and measures them, on all cores; and whether two are in tune."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..audio.pitch import estimate_pitch
from ..engines import Engine, Note, Renderer
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..features.log_spectrum import PARTIALS
from ..match.verdict import interval_between
from ..metrics.perceptual import Reference
from ..threads import one_torch_thread
from .sound_attributes import MEASURES, measure

__all__ = ["NOTE", "RATE", "InTune", "Player", "Renders", "built", "cents_from"]

NOTE = Note(pitch=60, velocity=100, hold=1.5, length=2.0)
"""What is played where nobody asks for another note."""

RATE = 22_050
"""Sample rate of everything that is compared, in Hz."""

_JOB = 4  # presets that go to a thread together
_CENTS = 15.0  # largest change of pitch, of partials that agree
_JUMP = 300.0  # cents beyond which the ear takes it for another note


@dataclass(frozen=True)
class Renders:
    """What presets sound like on some notes.

    Args:
        sounds: Mono samples at `RATE`, float32, shape `(N, K, T)`.
        measures: What is measured of them, see `sound_attributes.measure`, shape `(N, K, M)`; NaN where it is silent.
    """

    sounds: np.ndarray
    measures: np.ndarray

    @property
    def audible(self) -> np.ndarray:
        """Whether a preset can be heard on every note, shape `(N,)`."""
        return (np.abs(self.sounds).max(2) >= INAUDIBLE).all(1)

    def __len__(self) -> int:
        return len(self.sounds)


def built(make: type[Engine], state: bytes) -> Engine:
    """Returns an engine whose presets have what one holds beyond its parameters.

    Args:
        make: The engine.
        state: See `Preset.state`.

    Raises:
        PresetError: If the state is damaged.
    """
    engine = make()
    engine.build_on(state)
    return engine


class Player:
    """Plays presets on one or more notes, all as long.

    Args:
        make: Makes an engine, e.g. its class.
        notes: What each preset is played on.
        threads: Number of threads; all cores if not given.

    Raises:
        ValueError: If the notes are not all as long.

    Example:
        >>> from patchflow.engines import engines
        >>> Tone = engines["tone"]
        >>> with Player(Tone) as player:
        ...     renders = player.play(Tone.space.default()[None])
        >>> renders.sounds.shape
        (1, 1, 44100)
    """

    def __init__(self, make: Callable[[], Engine], notes: Sequence[Note] = (NOTE,), threads: int | None = None) -> None:
        if len({note.length for note in notes}) != 1:
            raise ValueError("the notes are not all as long")
        self.notes = tuple(notes)
        self._renderer = Renderer(make, threads)

    def __enter__(self) -> "Player":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the threads."""
        self._renderer.close()

    def play(self, points: np.ndarray, notes: Sequence[Note] | None = None) -> Renders:
        """Plays and measures presets.

        A preset that the synth refuses, crashes or hangs on is silence.

        Args:
            points: Encoded presets, shape `(N, P)`.
            notes: What to play instead of the player's notes, K of them, all as long.

        Returns:
            In the order of the presets.
        """
        keys = self.notes if notes is None else tuple(notes)
        return self._play([(point, keys) for point in points], keys)

    def play_each(self, points: np.ndarray, notes: Sequence[Note]) -> Renders:
        """Plays and measures presets, each on a note of its own.

        Args:
            points: Encoded presets, shape `(N, P)`.
            notes: Of each, N of them, all as long.

        Returns:
            In the order of the presets, with K = 1.
        """
        pairs = [(point, (note,)) for point, note in zip(points, notes, strict=True)]
        return self._play(pairs, tuple(notes[:1]) or self.notes[:1])

    def _play(self, pairs: Sequence[tuple[np.ndarray, tuple[Note, ...]]], like: tuple[Note, ...]) -> Renders:
        """Plays presets, each on its notes, which are as many and as long as those in `like`."""
        length = like[0].samples(RATE)

        def work(engine: Engine, some: Sequence[tuple[np.ndarray, tuple[Note, ...]]]) -> Renders:
            sounds = np.zeros((len(some), len(like), length), np.float32)
            measures = np.zeros((len(some), len(like), len(MEASURES)))
            for row, (point, notes) in enumerate(some):
                for column, note in enumerate(notes):
                    sounds[row, column] = render_or_silence(engine, point, note, RATE)
                measures[row] = measure(torch.from_numpy(sounds[row]), notes, RATE)
            return Renders(sounds, measures)

        jobs = [pairs[first : first + _JOB] for first in range(0, len(pairs), _JOB)]
        with one_torch_thread():
            done = list(self._renderer.map(work, jobs))
        if not done:
            return Renders(np.zeros((0, len(like), length), np.float32), np.zeros((0, len(like), len(MEASURES))))
        return Renders(np.concatenate([r.sounds for r in done]), np.concatenate([r.measures for r in done]))


class InTune:
    """Whether a preset has the pitch of another.

    Partials that are as far apart as those of the original tell cents, and miss an octave: that needs the pitch of the
    sound alone, which is estimated on the key in the middle only, since it takes ten times as long.

    Args:
        original: Sounds of the other preset on some keys, at `RATE`, shape `(K, T)`.
    """

    def __init__(self, original: np.ndarray) -> None:
        self._references = [Reference(torch.from_numpy(sound)) for sound in original]
        self._middle = len(original) // 2
        self._pitch = estimate_pitch(original[self._middle], RATE)

    def __call__(self, sounds: np.ndarray) -> bool:
        """Returns whether the sounds of a preset, on the same keys, have the pitch of the original.

        Args:
            sounds: Shape `(K, T)`.
        """
        pairs = zip(self._references, sounds, strict=True)
        if any(abs(cents_from(reference, sound[None])[0]) > _CENTS for reference, sound in pairs):
            return False
        interval = interval_between(estimate_pitch(sounds[self._middle], RATE), self._pitch)
        return interval is None or abs(interval.cents) <= _JUMP


def cents_from(reference: Reference, sounds: np.ndarray) -> np.ndarray:
    """Returns how far sounds are above another in pitch, in cents, 0 where their partials do not agree, shape `(N,)`.

    Args:
        reference: The other sound.
        sounds: At `RATE`, as long as the other, shape `(N, T)`.
    """
    shift = reference.shift(torch.from_numpy(sounds))
    return torch.where(shift.agreement >= PARTIALS, shift.cents, torch.zeros(())).double().numpy()
