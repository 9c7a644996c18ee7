"""The attributes of sounds that are measured: their names, ends and units, and the words that ask for more of one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ..errors import OptionError, UnknownName
from ..progress import TellCallback, tell_nobody

__all__ = ["ATTRIBUTES", "FARTHEST", "LOUDNESS", "MEASURES", "SoundAttribute", "wishes", "within_range"]


@dataclass(frozen=True)
class SoundAttribute:
    """A quality of a sound that can be measured, from one end to the other.

    Args:
        name: What it is called, such as `"brightness"`.
        low: What a sound with little of it is, such as `"dark"`.
        high: What a sound with much of it is, such as `"bright"`.
        unit: Of its scale, on which equal steps are about equally large to the ear: `"octaves"` or `"dB"`.
        shown: The unit in which people read it; of octaves, that of 1.
        meaning: What is measured, in one line.
        spread: A usual standard deviation over the presets of a synth, those of DX7 voices; a learned map has its own.
    """

    name: str
    low: str
    high: str
    unit: str
    shown: str
    meaning: str
    spread: float

    def text(self, value: float) -> str:
        """Returns a value as people read it.

        Example:
            >>> ATTRIBUTES[0].text(10.0), ATTRIBUTES[3].text(-30.04)
            ('1024 Hz', '-30.0 dB')
        """
        if self.unit != "octaves":
            return f"{value:.1f} {self.shown}"
        natural = 2.0**value
        digits = max(0, 2 - math.floor(math.log10(natural)))
        return f"{natural:.{digits}f} {self.shown}"


ATTRIBUTES = (
    SoundAttribute("brightness", "dark", "bright", "octaves", "Hz", "spectral centroid", 1.0),
    SoundAttribute("attack", "fast", "slow", "octaves", "s", "time from 10 to 90 % of the peak", 2.8),
    SoundAttribute("length", "short", "long", "octaves", "s", "time that a steady sound of its amplitude lasts", 0.9),
    SoundAttribute("noisiness", "clean", "noisy", "dB", "dB", "spectral flatness: 0 dB is white noise", 11.0),
    SoundAttribute("movement", "constant", "moving", "octaves", "dB/s", "how fast the spectrum changes shape", 1.5),
    SoundAttribute("roughness", "soft", "aggressive", "dB", "dB", "beating of 20 to 150 Hz in the envelopes", 13.0),
    SoundAttribute("harmonicity", "inharmonic", "harmonic", "dB", "dB", "harmonics-to-noise ratio", 8.0),
    SoundAttribute("weight", "thin", "fat", "dB", "dB", "share of what is at the fundamental or below", 10.0),
    SoundAttribute("dynamics", "static", "dynamic", "dB", "dB", "deviation of the level while the key is held", 5.0),
)
"""What macro-controls turn."""

LOUDNESS = SoundAttribute("loudness", "quiet", "loud", "LUFS", "LUFS", "integrated loudness", 6.0)
"""What no macro-control may turn."""

MEASURES = (*ATTRIBUTES, LOUDNESS)
"""The columns of `measure`, in order."""

FARTHEST = 3.0
"""Largest change of an attribute that may be asked for, in standard deviations over the presets of the synth."""

_ALSO = {"phat": "fat", "dirty": "noisy", "warm": "dark", "warmth": "dark", "calm": "soft"}
"""Other words for the ends of attributes."""


def wishes(words: Mapping[str, float], tell: TellCallback = tell_nobody) -> np.ndarray:
    """Returns the change of every one of `MEASURES` that words ask for, in standard deviations, shape `(M,)`.

    Args:
        words: Changes by name of an attribute or of one of its ends, such as `{"brightness": 1.5}` or `{"dark": 0.5}`.
            What is beyond `FARTHEST` is turned as far as that.
        tell: Called with a line for each that is.

    Raises:
        UnknownName: If there is no such attribute.
        OptionError: If a change is not a number, or one attribute is asked for twice.

    Example:
        >>> float(wishes({"dark": 1.0})[0])
        -1.0
    """
    found = np.zeros(len(MEASURES))
    for word, amount in words.items():
        column, sign = _place(word)
        change = within_range(word, amount, tell)
        if found[column]:
            raise OptionError(f"{word}: {ATTRIBUTES[column].name} is asked for twice")
        found[column] = sign * change
    return found


def within_range(word: str, amount: float, tell: TellCallback = tell_nobody) -> float:
    """Returns a change that may be asked for; of one beyond `FARTHEST`, the end of the range.

    Args:
        word: What is to change, for the message.
        amount: In standard deviations.
        tell: Called with a line if it is beyond.

    Raises:
        OptionError: If it is not a number.
    """
    if not math.isfinite(amount):
        raise OptionError(f"{word}={amount}: not a number in [{-FARTHEST:g}, {FARTHEST:g}]")
    if abs(amount) > FARTHEST:
        end = math.copysign(FARTHEST, amount)
        tell(f"{word}={amount:g}: the range ends at {end:g} standard deviations, so this is taken")
    return float(np.clip(amount, -FARTHEST, FARTHEST))


def _place(word: str) -> tuple[int, float]:
    """The column of an attribute and the direction that a word means."""
    wanted = _ALSO.get(word.lower(), word.lower())
    for column, attribute in enumerate(ATTRIBUTES):
        if wanted in (attribute.name, attribute.high):
            return column, 1.0
        if wanted == attribute.low:
            return column, -1.0
    known = chain.from_iterable((attribute.name, attribute.low, attribute.high) for attribute in ATTRIBUTES)
    raise UnknownName("attribute", word, known)
