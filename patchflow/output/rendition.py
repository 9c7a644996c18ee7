"""A candidate as it sounds beside its target: both at full quality, equally loud, measured by every metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.load import load
from ..audio.loudness import loudness, match_loudness
from ..audio.resample import resample
from ..engines import Engine
from ..match import Candidate, Target
from .distances import Distance, measure

__all__ = ["RATE", "Reference", "Rendition", "play", "read_reference"]

RATE = 44_100


@dataclass(frozen=True)
class Rendition:
    """A candidate's sound and how far it is from the target.

    Args:
        candidate: The preset and the note that was played.
        sound: Mono float32 at 44,100 Hz, as loud as the target, as far as that goes without clipping, shape `(T,)`.
        gain_db: Gain between the engine's own output and `sound`.
        distances: Between `sound` and the target, one for each metric.
    """

    candidate: Candidate
    sound: np.ndarray
    gain_db: float
    distances: tuple[Distance, ...]

    @property
    def distance(self) -> Distance:
        """The one that ranks: `log_mel_l1`."""
        return next(distance for distance in self.distances if distance.metric == "log_mel_l1")


def play(engine: Engine, candidates: Sequence[Candidate], target: np.ndarray) -> tuple[Rendition, ...]:
    """Plays candidates from their presets, values and rest, and compares them with the target.

    Args:
        engine: The synth.
        candidates: What to play.
        target: The sound to be like, mono at 44,100 Hz, shape `(T,)`.

    Returns:
        One for each candidate, best first.
    """
    wanted = loudness(target, RATE)
    played = [match_loudness(_play(engine, candidate), RATE, wanted) for candidate in candidates]
    distances = measure([sound.samples for sound in played], target, RATE)
    triples = zip(candidates, played, distances, strict=True)
    return tuple(sorted((Rendition(c, sound.samples, sound.gain_db, d) for c, sound, d in triples), key=_rank))


def _play(engine: Engine, candidate: Candidate) -> np.ndarray:
    engine.build_on(candidate.preset.rest)
    return engine.render(engine.space.encode(candidate.preset.values), candidate.note, RATE)


def _rank(rendition: Rendition) -> float:
    value = rendition.distance.value
    return float("inf") if value is None else value


@dataclass(frozen=True)
class Reference:
    """The part of a file that was searched for.

    Args:
        samples: Mono float32, shape `(T,)`.
        ends: When it ends in the file, in seconds.
        file_length: Length of the whole file, in seconds.
    """

    samples: np.ndarray
    ends: float
    file_length: float


def read_reference(sound: Path, target: Target, rate: int) -> Reference:
    """Returns what was searched for; the search itself hears it at its own, lower rate.

    Args:
        sound: The file.
        target: What the search made of it.
        rate: Sample rate wanted, in Hz.

    Raises:
        AudioError: If the file is not a sound any more.
        StorageError: If it is not there any more.
    """
    whole = load(sound)
    first = round((target.trim_offset - whole.start) * whole.rate)
    samples = whole.samples[first : first + round(target.length * whole.rate)]
    return Reference(resample(samples, whole.rate, rate), target.trim_offset + target.length, whole.length)
