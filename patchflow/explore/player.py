"""Plays presets of one synth on all cores, and measures them, alone or beside other sounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from ..audio.pitch import estimate_pitch
from ..ear.sound_attributes import measure
from ..engines import Engine, Note, Renderer
from ..engines._renderer import INAUDIBLE, one_torch_thread, render_or_silence
from ..features.log_spectrum import PARTIALS, heard_cents
from ..features.measures import MEASURES
from ..match.verdict import interval_between
from ..metrics.perceptual import Reference

__all__ = ["IN_TUNE", "NOTE", "RATE", "Audition", "Heard", "Player", "Renders", "SamePitch", "built", "cents_from"]

NOTE = Note(pitch=60, velocity=100, hold=1.5, length=2.0)
"""What is played where nobody asks for another note."""

RATE = 22_050
"""Sample rate of everything that is compared, in Hz."""

IN_TUNE = 5.0
"""Cents that nobody hears in a note."""

_JOB = 4  # presets that go to a thread together
_CENTS = 15.0  # largest change of pitch, of partials that agree
_JUMP = 300.0  # cents beyond which the ear takes it for another note


Made = TypeVar("Made")


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

        done = self._in_jobs(work, pairs)
        if not done:
            return Renders(np.zeros((0, len(like), length), np.float32), np.zeros((0, len(like), len(MEASURES))))
        return Renders(np.concatenate([r.sounds for r in done]), np.concatenate([r.measures for r in done]))

    def _in_jobs(self, work: Callable[[Engine, Any], Made], items: Sequence[Any] | np.ndarray) -> list[Made]:
        """What is made of items, some together; in their order."""
        jobs = [items[first : first + _JOB] for first in range(0, len(items), _JOB)]
        with one_torch_thread():
            return list(self._renderer.map(work, jobs))


@dataclass(frozen=True)
class Heard:
    """What presets sound like beside references.

    Args:
        points: Encoded presets as they were played, put in tune where that was asked for, shape `(N, P)`.
        sounds: Mono samples at `RATE`, float32, shape `(N, T)`.
        distance: From each reference, in dB of `metrics.perceptual`, shape `(N, R)`.
        cents: How far above the first reference each sounds, 0 where no shift would bring it nearer, NaN where the two
            have no partials in common; shape `(N,)`.
    """

    points: np.ndarray
    sounds: np.ndarray
    distance: np.ndarray
    cents: np.ndarray

    @property
    def audible(self) -> np.ndarray:
        """Whether each can be heard, shape `(N,)`."""
        return np.abs(self.sounds).max(1, initial=0) >= INAUDIBLE

    def row(self, place: int) -> "Heard":
        """Returns what was heard of one preset."""
        only = slice(place, place + 1)
        return Heard(self.points[only], self.sounds[only], self.distance[only], self.cents[only])

    def __len__(self) -> int:
        return len(self.points)


class Audition(Player):
    """Plays presets and compares them with references, on all cores.

    Args:
        make: Makes an engine, e.g. its class.
        note: What every preset is played on.
        threads: Number of threads; all cores if not given.

    Attributes:
        renders: How many notes were played so far.

    Example:
        >>> from patchflow.engines import engines
        >>> Tone = engines["tone"]
        >>> with Audition(Tone) as audition:
        ...     sound = audition.sound(Tone.space.default())
        ...     heard = audition.hear(Tone.space.default()[None], [Reference(torch.from_numpy(sound))])
        >>> heard.distance.tolist()
        [[0.0]]
    """

    def __init__(self, make: Callable[[], Engine], note: Note = NOTE, threads: int | None = None) -> None:
        super().__init__(make, (note,), threads)
        self.note = note
        self.renders = 0

    def __enter__(self) -> "Audition":
        return self

    def sound(self, point: np.ndarray) -> np.ndarray:
        """Returns what one preset sounds like, shape `(T,)`.

        Raises:
            RenderError: If the synth refuses it, crashes or hangs on it.
        """
        self.renders += 1
        return self._renderer.render([point], [self.note], RATE)[0]

    def sounds(self, points: np.ndarray) -> np.ndarray:
        """Returns what presets sound like, shape `(N, T)`; silence where the synth refuses one."""
        self.renders += len(points)

        def work(engine: Engine, point: np.ndarray) -> np.ndarray:
            return render_or_silence(engine, point, self.note, RATE)

        played = list(self._renderer.map(work, points))
        return np.stack(played) if played else np.zeros((0, self.note.samples(RATE)), np.float32)

    def hear(self, points: np.ndarray, references: Sequence[Reference], tuners: np.ndarray | None = None) -> Heard:
        """Plays presets and measures them; one that the synth refuses, crashes or hangs on is silence.

        Args:
            points: Encoded presets, shape `(N, P)`.
            references: What they are compared with, at least one.
            tuners: Which parameters may be changed to put each in tune with the first reference, boolean, shape
                `(P,)`; nothing is put in tune if None.
        """

        def work(engine: Engine, some: np.ndarray) -> tuple[Heard, int]:
            heard = self._heard(engine, some, references)
            spent = len(some)
            if tuners is None:
                return heard, spent
            off = np.abs(np.nan_to_num(heard.cents)) > IN_TUNE
            if not off.any():
                return heard, spent
            moved = engine.transposed(heard.points[off], -heard.cents[off], tuners)
            again = self._heard(engine, moved, references)
            return _nearer(heard, again, np.flatnonzero(off)), spent + len(moved)

        done = self._in_jobs(work, points)
        self.renders += sum(spent for _, spent in done)
        if not done:
            silence = np.zeros((0, self.note.samples(RATE)), np.float32)
            return Heard(points, silence, np.zeros((0, len(references))), np.zeros(0))
        parts = [part for part, _ in done]
        return Heard(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.sounds for part in parts]),
            np.concatenate([part.distance for part in parts]),
            np.concatenate([part.cents for part in parts]),
        )

    def distances(self, sounds: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Returns how far sounds that were played are from another one, in dB, shape `(N,)`.

        Args:
            sounds: Samples at `RATE`, shape `(N, T)`.
            reference: The other, shape `(T,)`.
        """
        wanted = Reference(torch.from_numpy(reference))

        def work(_: Engine, some: np.ndarray) -> np.ndarray:
            return wanted.distance(torch.from_numpy(some)).numpy()

        return np.concatenate([np.zeros(0), *self._in_jobs(work, sounds)])

    def _heard(self, engine: Engine, points: np.ndarray, references: Sequence[Reference]) -> Heard:
        played = [render_or_silence(engine, point, self.note, RATE) for point in points]
        sounds = torch.from_numpy(np.stack(played))
        distance = torch.stack([reference.distance(sounds) for reference in references], 1)
        shift = references[0].shift(sounds)
        cents = []
        for row in zip(shift.cents.tolist(), shift.gain.tolist(), shift.agreement.tolist(), strict=True):
            known = heard_cents(*row)
            cents.append(np.nan if known is None else known)
        return Heard(points, sounds.numpy(), distance.numpy().astype(float), np.array(cents))


def _nearer(heard: Heard, again: Heard, rows: np.ndarray) -> Heard:
    """What was heard, with what was played again in the places where that is better in tune."""
    better = np.abs(again.cents) < np.abs(heard.cents[rows])  # never where it is NaN
    places = rows[better]
    points = heard.points.copy()
    sounds = heard.sounds.copy()
    distance = heard.distance.copy()
    cents = heard.cents.copy()
    points[places] = again.points[better]
    sounds[places] = again.sounds[better]
    distance[places] = again.distance[better]
    cents[places] = again.cents[better]
    return Heard(points, sounds, distance, cents)


class SamePitch:
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
