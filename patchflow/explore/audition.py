"""Plays presets of one synth, puts each in tune with a sound, and measures how far it is from that and others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..features.log_spectrum import heard_cents
from ..metrics.perceptual import Reference
from ..threads import one_torch_thread
from .player import NOTE, RATE

__all__ = ["IN_TUNE", "Audition", "Heard"]

IN_TUNE = 5.0
"""Cents that nobody hears in a note."""

_JOB = 4  # presets that go to a thread together


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


class Audition:
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
        self.note = note
        self.renders = 0
        self._renderer = Renderer(make, threads)

    def __enter__(self) -> "Audition":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the threads."""
        self._renderer.close()

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

        jobs = [points[first : first + _JOB] for first in range(0, len(points), _JOB)]
        with one_torch_thread():
            done = list(self._renderer.map(work, jobs))
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

        jobs = [sounds[first : first + _JOB] for first in range(0, len(sounds), _JOB)]
        with one_torch_thread():
            return np.concatenate([np.zeros(0), *self._renderer.map(work, jobs)])

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
