"""A candidate as it sounds beside its target: played at 44.1 kHz, equally loud, measured by every metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..audio.loudness import loudness, match_loudness
from ..engines import Engine
from ..match import Candidate
from .distances import Distance, measure

__all__ = ["RATE", "Rendition", "play"]

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
