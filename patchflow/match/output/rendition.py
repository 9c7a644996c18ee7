"""Candidates as their synths play them, beside the target: equally loud, measured by every metric."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...audio.conditioning import resample
from ...audio.loudness import Levelled, loudness, match_loudness
from ...engines import Engine, Note, Renderer, engines
from ...errors import EngineError, RenderError
from ...metrics import metrics
from ...metrics.perceptual import Reference as Heard
from ...metrics.perceptual import aspect_weights
from ...presets import Preset
from ...presets.formats import PresetFormat, formats
from ..result import Candidate
from ..scorer import faintness
from ..target import SEARCH_RATE, Target
from ..verdict import Judge, Judgement, closeness
from .distances import Distance, compare

__all__ = [
    "PLAIN",
    "RENDITION_RATE",
    "Performance",
    "Reference",
    "Rendition",
    "SynthFiles",
    "as_heard",
    "by_every_metric",
    "cut_reference",
    "equally_loud",
    "preset_ending",
    "rank_by_sound",
    "side_by_side",
    "sound_of",
]

RENDITION_RATE = 44_100
"""Sample rate of what is written and measured, in Hz; the search works at half of it."""

PLAIN = ".preset.json"
"""Ending of presets in our own format, whose usual one is that of the numbers."""

_UNTUNED = "this synth has no tuning parameter: presets stay on the keys"

_RANKS = "perceptual"  # the metric that candidates are ranked by
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
        distances: Between `sound` and the target, by the one that ranks or, see `by_every_metric`, by every metric.
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
        return next(distance for distance in self.distances if distance.metric == _RANKS)

    @property
    def closeness(self) -> str:
        """The word for it, see `verdict.closeness`."""
        return closeness(_rank(self), self.verdict.cents, unlike=self.verdict.unlike)


def as_heard(sound: np.ndarray) -> np.ndarray:
    """Returns what the search heard at the rate of what is written, for a synth that cannot play any more.

    Args:
        sound: See `Candidate.sound`. There is nothing above 11 kHz in it.
    """
    return resample(sound, SEARCH_RATE, RENDITION_RATE)


def rank_by_sound(
    candidates: Sequence[Candidate],
    sounds: Sequence[np.ndarray],
    target: np.ndarray,
    *,
    pitched: bool = True,
    like: Mapping[str, float] | None = None,
) -> tuple[Rendition, ...]:
    """Compares candidates, of one synth or of several, with the target.

    Args:
        candidates: At least one.
        sounds: What each sounds like, see `sound_of`.
        target: The sound to be like, mono at 44,100 Hz, shape `(T,)`.
        pitched: Whether it has a pitch.
        like: How much aspects count, see `metrics.perceptual.aspect_weights`.

    Returns:
        One for each candidate, best first.
    """
    levelled = equally_loud(sounds, loudness(target, RENDITION_RATE))
    distances = compare([sound.samples for sound in levelled], target, RENDITION_RATE, [_RANKS])
    judge = Judge(target, RENDITION_RATE, pitched=pitched, hold=candidates[0].note.hold)
    found = []
    ranks = []
    weighed = _weighed([level.samples for level in levelled], target, like)
    for candidate, sound, level, distance in zip(candidates, sounds, levelled, distances, strict=True):
        own = loudness(sound, RENDITION_RATE)
        verdict = judge.verdict(level.samples)
        rendition = Rendition(candidate, level.samples, level.gain_db, own, distance, verdict)
        found.append(rendition)
        # As the search does: a preset that can hardly be heard is not the best, however near it is at equal loudness.
        own_rank = _rank(rendition) if weighed is None else weighed[len(ranks)]
        ranks.append(own_rank + float(faintness(sound[None])[0]))
    # The search ranked them at its own, lower rate; at full quality two that are close may change places.
    order = np.argsort(ranks, kind="stable")
    return tuple(found[place] for place in order)


def _weighed(sounds: Sequence[np.ndarray], target: np.ndarray, like: Mapping[str, float] | None) -> list[float] | None:
    """Distances from the target by weights of aspects; None if all weigh the same."""
    if len(set(aspect_weights(like or {}).values())) == 1:
        return None
    samples = [resample(sound, RENDITION_RATE, SEARCH_RATE) for sound in (target, *sounds)]
    longest = max(map(len, samples))
    wanted, *others = (torch.from_numpy(np.pad(sound, (0, longest - len(sound)))) for sound in samples)
    return Heard(wanted, like).distance(torch.stack(others)).tolist()


def by_every_metric(renditions: Sequence[Rendition], target: np.ndarray) -> tuple[Rendition, ...]:
    """Returns renditions with the distances by all metrics, which takes as long as to play them."""
    others = [name for name in metrics if name != _RANKS]
    found = []
    distances = compare([rendition.sound for rendition in renditions], target, RENDITION_RATE, others)
    for rendition, more in zip(renditions, distances, strict=True):
        by_name = {distance.metric: distance for distance in (*rendition.distances, *more)}
        found.append(replace(rendition, distances=tuple(by_name[name] for name in metrics)))
    return tuple(found)


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


class SynthFiles:
    """One synth as what is written needs it: it plays presets and makes files of them.

    Args:
        synth: Name of the engine.
        players: How many of it play at a time.

    Attributes:
        engine: The synth, for all but sounds.
        format: The format of its own files.
        players: What plays; it starts with the first sounds.
    """

    def __init__(self, synth: str, players: int = 1) -> None:
        self.engine: Engine = engines[synth]()
        self.format: PresetFormat = formats[self.engine.native]()
        self._synth = synth
        self.players = Renderer(engines[synth], players)

    @property
    def extension(self) -> str:
        """Ending of preset files, see `_ending`."""
        return preset_ending(self.format)

    def format_after(self, lost: str) -> PresetFormat:
        """Returns the format of what is written: our own where only the synth could write its own, and is lost."""
        return formats["json"]() if lost and self.format.opaque else self.format

    @property
    def lacks(self) -> dict[str, str]:
        """What the synth cannot do, see `verdict.remarks`."""
        tuning = {"tuning": _UNTUNED} if self.engine.tuning_step is None else {}
        return {**self.engine.lacks, **tuning}

    def start(self) -> None:
        """Starts the synth, which may take a while.

        Raises:
            EngineError: If it cannot be started.
        """

        def play(engine: Engine) -> None:
            with suppress(RenderError):  # this one preset may be one that the synth cannot play
                engine.render(engine.space.default(), Note(hold=0.05, length=0.05), RENDITION_RATE)

        self.players.each(play)

    def play(self, candidates: Sequence[Candidate], stopped: str = "") -> "Performance":
        """Plays candidates as their files will sound or, if the synth is lost, as the search heard them.

        Args:
            candidates: Of this synth.
            stopped: Why the search could play no more, or "".
        """
        if not stopped:  # else it was tried long enough
            try:
                played = list(self.players.map(self._play, candidates))
                return Performance([own for own, _ in played], [sound for _, sound in played])
            except EngineError as error:
                stopped = str(error)
        kept = [candidate for candidate in candidates if candidate.sound is not None]
        sounds = [as_heard(candidate.sound) for candidate in kept if candidate.sound is not None]
        return Performance(kept, sounds, stopped)

    def _play(self, engine: Engine, candidate: Candidate) -> tuple[Candidate, np.ndarray]:
        """The candidate as its own file will sound, and that sound: an opaque format may round values."""
        if self.format.opaque:
            preset = engine.pack(candidate.preset)
            candidate = replace(candidate, preset=preset, point=engine.space.encode(preset.values))
        return candidate, sound_of(engine, candidate)

    def init(self) -> Preset:
        """Returns the fresh preset, as the synth's own files hold it."""
        values = self.engine.space.decode(self.engine.space.default())
        return self.engine.whole(Preset(self._synth, values, name="INIT VOICE"))


@dataclass(frozen=True)
class Performance:
    """Candidates of one synth, and their sounds.

    Args:
        candidates: As their files will hold them.
        sounds: Of each, mono at 44,100 Hz.
        lost: Why it is not the synth that plays them, or "".
    """

    candidates: Sequence[Candidate]
    sounds: Sequence[np.ndarray]
    lost: str = ""


def preset_ending(kind: PresetFormat) -> str:
    """Returns the ending of preset files of a format; not `.json`, which is that of the numbers."""
    extension = kind.extensions[0]
    return PLAIN if extension == ".json" else extension
