"""Names of MIDI notes: 60 is C4."""

import re

from ..errors import OptionError

__all__ = ["note_name", "note_number"]

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def note_name(number: int) -> str:
    """Returns the name of a MIDI note, black keys with a sharp.

    Args:
        number: MIDI note, 0 to 127.

    Example:
        >>> note_name(60), note_name(54)
        ('C4', 'F#3')
    """
    return f"{_NAMES[number % 12]}{number // 12 - 1}"


def note_number(text: str) -> int:
    """Returns the MIDI note of a number or a name.

    Args:
        text: `"60"`, `"C4"`, `"F#3"`, `"Bb-1"`; case does not matter.

    Raises:
        OptionError: If it is neither, or not in 0 to 127 (C-1 to G9).

    Example:
        >>> note_number("C4"), note_number("gb3"), note_number("61")
        (60, 54, 61)
    """
    found = re.fullmatch(r"([A-Ga-g])([#b]?)(-?\d)", text.strip())
    if found:
        step, sign, octave = found.groups()
        number = 12 * (int(octave) + 1) + _STEPS[step.upper()] + {"": 0, "#": 1, "b": -1}[sign]
    else:
        number = int(text) if re.fullmatch(r"\s*\d{1,3}\s*", text, re.ASCII) else -1
    if not 0 <= number <= 127:
        raise OptionError(f"note={text}: not a MIDI number from 0 to 127 or a name from C-1 to G9, such as C4 or F#3")
    return number
