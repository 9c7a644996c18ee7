"""A candidate beside its target: both at full quality, equally loud, measured by every metric."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...audio.loudness import Levelled, loudness, match_loudness
from ...audio.resample import resample
from ...engines import Engine
from ..result import Candidate
from ..scorer import faintness
from ..target import SEARCH_RATE, Target
from ..verdict import Judge, Judgement, closeness
from .distances import Distance, compare

__all__ = [
    "RENDITION_RATE",
    "Reference",
    "Rendition",
    "as_heard",
    "cut_reference",
    "equally_loud",
    "play",
    "side_by_side",
    "sound_of",
]

RENDITION_RATE = 44_100
"""Sample rate of what is written and measured, in Hz; the search works at half of it."""

_COMPARED = 6  # candidates that are heard beside the target, at most, as in the picture


@dataclass(frozen=True)
class Rendition:
    """A candidate's sound and how far it is from the target.

    Args:
        candidate: The preset and the note that was played.
        sound: Mono float32 at 44,100 Hz, as loud as the target, or as loud as all candidates can be without clipping,
            shape `(T,)`.
        gain_db: Gain between the engine's own output and `sound`.
        loudness: Of the engine's own output, in LUFS; minus infinity for silence.
        distances: Between `sound` and the target, one for each metric.
        verdict: How it sounds beside the target, for a musician.
    """

    candidate: Candidate
    sound: np.ndarray
    gain_db: float
    loudness: float
    distances: tuple[Distance, ...]
    verdict: Judgement

    @property
    def distance(self) -> Distance:
        """The distance that candidates are ranked by: `perceptual`."""
        return next(distance for distance in self.distances if distance.metric == "perceptual")

    @property
    def closeness(self) -> str:
        """The word for it, see `verdict.closeness`."""
        return closeness(_rank(self), self.verdict.cents, unlike=self.verdict.unlike)


def play(
    engine: Engine, candidates: Sequence[Candidate], target: np.ndarray, *, pitched: bool = True
) -> tuple[Rendition, ...]:
    """Plays candidates from their presets, values and state, and compares them with the target.

    Args:
        engine: The synth.
        candidates: What to play.
        target: The sound to be like, mono at 44,100 Hz, shape `(T,)`.
        pitched: Whether it has a pitch.

    Returns:
        One for each candidate, best first.
    """
    return _compared(candidates, [sound_of(engine, candidate) for candidate in candidates], target, pitched)


def as_heard(candidates: Sequence[Candidate], target: np.ndarray, *, pitched: bool = True) -> tuple[Rendition, ...]:
    """Compares what the search heard of candidates with the target: for a synth that cannot play them any more.

    Args:
        candidates: Those without a sound are left out.
        target: The sound to be like, mono at 44,100 Hz, shape `(T,)`.
        pitched: Whether it has a pitch.

    Returns:
        One for each candidate, best first. There is nothing above 11 kHz in these sounds.
    """
    heard: list[Candidate] = []
    sounds: list[np.ndarray] = []
    for candidate in candidates:
        if candidate.sound is not None:
            heard.append(candidate)
            sounds.append(resample(candidate.sound, SEARCH_RATE, RENDITION_RATE))
    return _compared(heard, sounds, target, pitched) if heard else ()


def _compared(
    candidates: Sequence[Candidate], sounds: Sequence[np.ndarray], target: np.ndarray, pitched: bool
) -> tuple[Rendition, ...]:
    """The sounds of candidates, equally loud and measured; best first."""
    played = equally_loud(sounds, loudness(target, RENDITION_RATE))
    distances = compare([sound.samples for sound in played], target, RENDITION_RATE)
    judge = Judge(target, RENDITION_RATE, pitched=pitched, hold=candidates[0].note.hold)
    renditions = []
    ranks = []
    for candidate, sound, level, measured in zip(candidates, sounds, played, distances, strict=True):
        own = loudness(sound, RENDITION_RATE)
        verdict = judge.verdict(level.samples)
        rendition = Rendition(candidate, level.samples, level.gain_db, own, measured, verdict)
        renditions.append(rendition)
        # As the search does: a preset that can hardly be heard is not the best, however near it is at equal loudness.
        ranks.append(_rank(rendition) + float(faintness(sound[None])[0]))
    # The search ranked them at its own, lower rate; at full quality two that are close may change places.
    order = np.argsort(ranks, kind="stable")
    return tuple(renditions[place] for place in order)


def equally_loud(sounds: Sequence[np.ndarray], wanted: float) -> list[Levelled]:
    """Brings sounds to one loudness: the one wanted, in LUFS, or the most that all of them reach without clipping."""
    reached = [match_loudness(sound, RENDITION_RATE, wanted) for sound in sounds]
    softest = min((loudness(each.samples, RENDITION_RATE) for each in reached if each.limited), default=math.inf)
    if not math.isfinite(softest):
        return reached
    return [match_loudness(sound, RENDITION_RATE, softest) for sound in sounds]


def sound_of(engine: Engine, candidate: Candidate) -> np.ndarray:
    """Returns what a candidate sounds like, as the synth plays it: mono float32 at 44,100 Hz, shape `(T,)`."""
    engine.build_on(candidate.preset.state)
    return engine.render(engine.space.encode(candidate.preset.values), candidate.note, RENDITION_RATE)


def _rank(rendition: Rendition) -> float:
    """The distance, or infinity where it is not defined, as for silence."""
    value = rendition.distance.value
    return float("inf") if value is None else value


def side_by_side(target: np.ndarray, renditions: Sequence[Rendition]) -> np.ndarray:
    """Returns the target before each of the best six candidates, all equally loud, half a second apart.

    Args:
        target: Mono at 44,100 Hz, shape `(T,)`.
        renditions: The candidates, best first.
    """
    shown = [rendition.sound for rendition in renditions[:_COMPARED]]
    first, *others = equally_loud([target, *shown], loudness(target, RENDITION_RATE))
    pause = np.zeros(RENDITION_RATE // 2, np.float32)
    parts = []
    for other in others:
        parts += [first.samples, pause, other.samples, pause]
    return np.concatenate(parts[:-1])


@dataclass(frozen=True)
class Reference:
    """The part of a recording that was searched for, at full quality.

    Args:
        samples: Mono float32, shape `(T,)`.
        ends: Where it ends in the file, in seconds from its beginning.
        file_length: Length of the whole file, in seconds.
    """

    samples: np.ndarray
    ends: float
    file_length: float


def cut_reference(target: Target, rate: int) -> Reference:
    """Returns what was searched for; the search itself works with it at its own, lower rate.

    Args:
        target: What `prepare_target` made of a recording.
        rate: Sample rate wanted, in Hz.

    Raises:
        ValueError: If the target was made without a recording.
    """
    whole = target.recording
    if whole is None:
        raise ValueError(f"target {target.name!r}: has no recording")
    # Both offsets count from the beginning of the file, of which the recording may leave out some silence already.
    first = round((target.trim_offset - whole.start) * whole.rate)
    samples = whole.samples[first : first + round(target.length * whole.rate)]
    ends = target.trim_offset + target.length
    return Reference(resample(samples, whole.rate, rate), ends, whole.length)
