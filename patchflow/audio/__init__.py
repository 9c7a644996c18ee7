"""Sound files in and out, level, pitch and envelope; without torch.

A file comes in, a `Sound` comes out: mono samples `(T,)` that are known to be a sound, with their rate. Open
`sound_file.py` and `sound.py` first.

* `sound_file.py`: any sound file in, WAV and FLAC out; recording. `_mending.py`, `_mp3.py`: files with wrong headers.
  `_ffmpeg.py`: files that only ffmpeg knows.
* `conditioning.py`: another sample rate; how several channels become one, and how steady noise is taken out.
* `sound.py`: `Sound`, its checks, and how silence, noise and offsets are removed.
* `loudness.py`: LUFS, and gain without clipping; when the key of a note was released.
* `pitch`: notes that a sound may be, its tuning, and what is odd about it.
* `note_names.py`: MIDI notes by name, such as C4.
"""

from .conditioning import resample
from .loudness import Levelled, loudness, match_loudness, note_off
from .pitch import NoteGuess, note_guesses
from .sound import Sound, from_array, trim
from .sound_file import load, save

__all__ = [
    "Levelled",
    "NoteGuess",
    "Sound",
    "from_array",
    "load",
    "loudness",
    "match_loudness",
    "note_guesses",
    "note_off",
    "resample",
    "save",
    "trim",
]
