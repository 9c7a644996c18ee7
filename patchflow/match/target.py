"""A recording prepared for the search: trimmed, its notes guessed, and when the key was released."""

from dataclasses import dataclass, replace

import numpy as np

from ..audio.envelope import note_off
from ..audio.pitch import NoteGuess, note_guesses
from ..audio.resample import resample
from ..audio.sound import Sound, trim
from ..errors import OptionError

__all__ = ["LONGEST", "SEARCH_RATE", "NoteGuess", "Target", "hear"]

SEARCH_RATE = 22_050
"""Sample rate of the search, in Hz; the distance looks no higher than 11 kHz."""

LONGEST = 6.0
"""Seconds of a sound that are matched; what comes later is not heard."""

_SHORTEST = 221  # samples that an engine plays at least: 10 ms
_GUESSES = 5


@dataclass(frozen=True)
class Target:
    """A sound to match, as the matcher hears it.

    Args:
        samples: Mono float32, silence before and after removed, shape `(T,)`.
        rate: Sample rate of `samples`, in Hz: the rate of the search.
        guesses: Notes it may be, most likely first; at least one.
        hold: Seconds from the onset to the release of the key.
        name: File name without folder, or "".
        source_rate: Sample rate of the file, in Hz.
        trim_offset: Seconds of silence removed at the start.
    """

    samples: np.ndarray
    rate: int
    guesses: tuple[NoteGuess, ...]
    hold: float
    name: str = ""
    source_rate: int = 0
    trim_offset: float = 0.0

    @property
    def length(self) -> float:
        """Duration of `samples`, in seconds."""
        return len(self.samples) / self.rate


def hear(sound: Sound, *, note: int | None = None, trim_db: float = -50.0) -> Target:
    """Returns a recording as the search needs it.

    Args:
        sound: The recording.
        note: MIDI note, if the user knows it; guessed if None.
        trim_db: Level below the peak under which the start and the end are silence, in dB, below 0.

    Raises:
        OptionError: If `note` or `trim_db` is out of its range.
    """
    if note is not None and not 0 <= note <= 127:
        raise OptionError(f"note={note}: not in [0, 127]")
    if not -120 <= trim_db < 0:
        raise OptionError(f"trim_db={trim_db:g}: not in [-120, 0)")
    heard = trim(sound, trim_db)
    heard = replace(heard, samples=heard.samples[: round(LONGEST * heard.rate)])
    samples = np.ascontiguousarray(resample(heard.samples, heard.rate, SEARCH_RATE), np.float32)
    samples = np.pad(samples, (0, max(0, _SHORTEST - len(samples))))
    guesses = (NoteGuess(note, 1.0),) if note is not None else note_guesses(heard.samples, heard.rate, _GUESSES)
    length = len(samples) / SEARCH_RATE
    return Target(
        samples=samples,
        rate=SEARCH_RATE,
        guesses=guesses,
        hold=min(max(note_off(heard.samples, heard.rate), 0.02), length),
        name=sound.name,
        source_rate=sound.rate,
        trim_offset=heard.start,
    )
