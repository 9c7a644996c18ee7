"""What pitch a sound has: notes it may be, its tuning, and what is odd about it.

`estimate.py` comes first: it weighs three kinds of evidence against each other.

* `estimate.py`: the notes a sound may be, with calibrated confidences, its fundamental, and whether it has one.
* `contour.py`: periods of frames, and how the pitch moves; and the partials, which are peaks of a long spectrum.
* `remarks.py`: one line about chords, glides, vibrato, trills, detuned voices and tunings between keys.
"""

from .estimate import NoteGuess, Pitch, estimate_pitch, note_guesses

__all__ = ["NoteGuess", "Pitch", "estimate_pitch", "note_guesses"]
