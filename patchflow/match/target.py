"""A recording prepared for the search: trimmed, its note and the release of its key estimated."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..audio.conditioning import resample
from ..audio.loudness import note_off
from ..audio.pitch import NoteGuess, Pitch, estimate_pitch
from ..audio.sound import Sound, trim, trim_noise, without_offset
from ..errors import OptionError

__all__ = ["LONGEST", "SEARCH_RATE", "NoteGuess", "Target", "prepare_target"]

SEARCH_RATE = 22_050
"""Sample rate of the search, in Hz; the distance looks no higher than 11 kHz."""

LONGEST = 6.0
"""Seconds of a sound that are matched; what comes later is ignored."""

_SHORTEST = 221  # samples that an engine plays at least: 10 ms
_SHORTEST_HOLD = 0.02  # seconds that a key is held at least
_MOST_NOTES = 5  # notes that are tried, at most


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


def _told(note: int, pitch: Pitch) -> NoteGuess:
    """The note that the user knows, and how far from it the sound is tuned."""
    cents = 0.0 if pitch.sounding is None else round(100 * (pitch.sounding - note), 1)
    return NoteGuess(note, 1.0, cents)
