"""Sound files in and out, level, pitch and envelope; all in numpy."""

from .envelope import note_off
from .load import load
from .loudness import Levelled, loudness, match_loudness
from .pitch import NoteGuess, note_guesses
from .resample import resample
from .save import save
from .sound import Sound, trim

__all__ = [
    "Levelled",
    "NoteGuess",
    "Sound",
    "load",
    "loudness",
    "match_loudness",
    "note_guesses",
    "note_off",
    "resample",
    "save",
    "trim",
]
