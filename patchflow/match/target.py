"""A recording prepared for the search: trimmed, its note and release estimated; and presets made of the sound."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ..audio.conditioning import resample
from ..audio.loudness import note_off
from ..audio.pitch import NoteGuess, Pitch, estimate_pitch
from ..audio.sound import Sound, trim, trim_noise, without_offset
from ..engines import Engine
from ..errors import OptionError
from ..presets import Preset

if TYPE_CHECKING:
    from ..resynthesis import Options

__all__ = [
    "LONGEST",
    "SEARCH_RATE",
    "NoteGuess",
    "Resynthesised",
    "Target",
    "prepare_target",
    "presets_of_sound",
    "together",
]

SEARCH_RATE = 22_050
"""Sample rate of the search, in Hz; the distance looks no higher than 11 kHz."""

LONGEST = 6.0
"""Seconds of a sound that are matched; what comes later is ignored."""

_SHORTEST = 221  # samples that an engine plays at least: 10 ms
_SHORTEST_HOLD = 0.02  # seconds that a key is held at least
_MOST_NOTES = 5  # notes that are tried, at most

_MORE_ROUNDS = 6  # of corrections, as a variant of its own
_HELPED = 3  # variants that are tried together with the best
_HELD = 0.9  # share of a sound up to which a key may be released


@dataclass(frozen=True)
class Target:
    """A sound to match, as the search compares with it.

    Args:
        samples: Mono float32, silence before and after removed, shape `(T,)`.
        rate: Sample rate of `samples`, in Hz: the rate of the search.
        guesses: Notes it may be, most likely first; at least one.
        hold: Seconds from the onset to the release of the key.
        name: File name without folder, or "".
        source_rate: Sample rate of the file, in Hz.
        trim_offset: Seconds of silence removed at the start.
        recording: The same at the file's own rate, perhaps longer; None where `samples` are all there is.
        notes: What was mended or left out, one plain line each.
        pitched: Whether it has a pitch that can be tuned to; drums and noise have none.
        sounding: The pitch that sounds, in semitones with decimals, 69 at 440 Hz, whatever key plays it; None without
            one, and where the likeliest note is all that is known.
        remark: What is odd about the pitch, in one plain line; "" if nothing is.
        like: How much its aspects count in the search, see `metrics.perceptual.aspect_weights`; all alike if none.
    """

    samples: np.ndarray
    rate: int
    guesses: tuple[NoteGuess, ...]
    hold: float
    name: str = ""
    source_rate: int = 0
    trim_offset: float = 0.0
    recording: Sound | None = None
    notes: tuple[str, ...] = ()
    pitched: bool = True
    sounding: float | None = None
    remark: str = ""
    like: Mapping[str, float] = field(default_factory=dict)

    @property
    def f0(self) -> float | None:
        """The fundamental that sounds, whatever key plays it, in Hz; None if there is no pitch."""
        if not self.pitched:
            return None
        return self.guesses[0].f0 if self.sounding is None else 440 * 2 ** ((self.sounding - 69) / 12)

    @property
    def length(self) -> float:
        """Duration of `samples`, in seconds."""
        return len(self.samples) / self.rate


def prepare_target(sound: Sound, *, note: int | None = None, trim_db: float | None = None) -> Target:
    """Returns a recording as the search needs it.

    Args:
        sound: The recording.
        note: MIDI note, if the user knows it; estimated if None.
        trim_db: Level below the peak under which the start and the end are silence, in dB, below 0. None for -50 dB
            and, where the recording has noise before and after the sound, its noise floor.

    Raises:
        OptionError: If `note` or `trim_db` is out of its range.
    """
    if note is not None and not 0 <= note <= 127:
        raise OptionError(f"note={note}: not in [0, 127]")
    if trim_db is not None and not -120 <= trim_db < 0:
        raise OptionError(f"trim_db={trim_db:g}: not in [-120, 0)")
    sound = without_offset(sound)
    trimmed = trim_noise(sound) if trim_db is None else trim(sound, trim_db)
    matched = replace(trimmed, samples=trimmed.samples[: round(LONGEST * trimmed.rate)])
    samples = np.ascontiguousarray(resample(matched.samples, matched.rate, SEARCH_RATE), np.float32)
    samples = np.pad(samples, (0, max(0, _SHORTEST - len(samples))))
    length = len(samples) / SEARCH_RATE
    # The estimate of the pitch works at the rate of the search, that of the release at the file's own.
    pitch = estimate_pitch(samples, SEARCH_RATE, _MOST_NOTES)
    hold = max(note_off(matched.samples, matched.rate), _SHORTEST_HOLD)
    return Target(
        samples=samples,
        rate=SEARCH_RATE,
        guesses=pitch.guesses if note is None else (_told(note, pitch),),
        hold=min(hold, length),
        name=sound.name,
        source_rate=sound.rate,
        trim_offset=matched.start,
        recording=trimmed,
        notes=trimmed.notes,
        pitched=pitch.pitched,
        sounding=pitch.sounding,
        remark=pitch.remark,
    )


@dataclass(frozen=True)
class Resynthesised:
    """A preset that was made of the sound itself, with a state of its own.

    Args:
        preset: Of the synth that is searched.
        pitch: MIDI note that plays it as it was recorded.
        hold: Seconds until the key is released.
        words: What it is made of.
        notes: What was left out or is odd, one plain line each.
        free: Which parameters a search may move, boolean, shape `(P,)`.
    """

    preset: Preset
    pitch: int
    hold: float
    words: str
    notes: tuple[str, ...]
    free: np.ndarray


def presets_of_sound(target: Target, engine: type[Engine], heard: Mapping[str, float]) -> Iterator[Resynthesised]:
    """Yields presets made of a sound, each when it is asked for, what is likely to be the best first.

    Args:
        target: The sound.
        engine: A synth that has `resynthesis`.
        heard: The distances of those that were played, by their words; filled while they are yielded.
    """
    # Imported here: only some synths need it.
    from ..resynthesis import SEARCH_FREE, Resynthesis, Variant, variants

    samples = target.samples
    rate = target.rate
    if target.recording is not None:
        rate = target.recording.rate
        samples = target.recording.samples[: round(target.length * rate)]
    is_known = len(target.guesses) == 1
    key = target.guesses[0].pitch if is_known else None
    note = None
    if target.pitched:
        note = float(target.guesses[0].pitch) if is_known else target.sounding
    space = engine.space
    free = np.array([name in SEARCH_FREE for name in space.names])

    def made_of(variant: Variant, hold: float, words: str) -> Resynthesised:
        preset = variant.preset
        if preset.values.keys() != space.index.keys():
            preset = engine().unpack(preset)
        return Resynthesised(preset, variant.key, hold, words, variant.found.notes, free)

    # What follows the release of a key is hard to tell from the sound itself: speech pauses. So the key is held to the
    # end first, and released where that seems to be second.
    held = variants(samples, rate, note=note, key=key, hold=target.length)
    tried: dict[str, Options] = {}
    made: set[bytes] = set()
    for variant in held:
        tried[variant.words] = variant.options
        made.add(variant.preset.state)
        yield made_of(variant, target.length, variant.words)
        if len(tried) == 1 and target.hold < _HELD * target.length:
            released = next(variants(samples, rate, note=note, key=key, hold=target.hold))
            yield made_of(released, target.hold, f"{released.words}, released at {target.hold:.2f} s")
    for options in together(tried, heard):
        found = Resynthesis.of(samples, rate, note=note, key=key, hold=target.length, options=options)
        variant = Variant(options, found, found.vital())
        if variant.preset.state not in made:
            made.add(variant.preset.state)
            words = variant.words if variant.words not in tried else f"{variant.words} ({len(made)})"
            yield made_of(variant, target.length, words)


def together(tried: Mapping[str, "Options"], heard: Mapping[str, float]) -> list["Options"]:
    """What helped alone may help more together: the best variant with what else was nearer than the first."""
    nearest_first = sorted((words for words in tried if words in heard), key=lambda words: heard[words])
    if not nearest_first:
        return []
    best = nearest_first[0]
    first, *_ = tried
    helped = [words for words in nearest_first[1:] if heard[words] < heard.get(first, math.inf)]
    default = tried[first]
    found = [replace(tried[best], rounds=_MORE_ROUNDS)]
    both = tried[best]
    for words in helped[:_HELPED]:
        changes = {name: value for name, value in vars(tried[words]).items() if value != getattr(default, name)}
        found.append(replace(tried[best], **changes))
        both = replace(both, **changes)
    found += [both, replace(both, rounds=_MORE_ROUNDS)]
    return list(dict.fromkeys(found))


def _told(note: int, pitch: Pitch) -> NoteGuess:
    """The note that the user knows, and how far from it the sound is tuned."""
    cents = 0.0 if pitch.sounding is None else round(100 * (pitch.sounding - note), 1)
    return NoteGuess(note, 1.0, cents)
