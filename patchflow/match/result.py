"""What a match gives back: the target as heard and the candidates, best first."""

from dataclasses import dataclass

import numpy as np

from ..audio.pitch import NoteGuess
from ..engines import Note
from ..presets import Preset

__all__ = ["Candidate", "MatchResult", "NoteGuess", "Target"]


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


@dataclass(frozen=True)
class Candidate:
    """A preset that sounds like the target, and how to play it.

    Args:
        preset: Values in native units.
        point: The same, encoded, shape `(P,)`.
        note: Pitch, velocity, hold and length that were rendered.
        distances: Distance to the target by name of metric.
        renders: Renders spent when it was found.
        seconds: Seconds spent when it was found.
    """

    preset: Preset
    point: np.ndarray
    note: Note
    distances: dict[str, float]
    renders: int
    seconds: float


@dataclass(frozen=True)
class MatchResult:
    """The outcome of a search.

    Args:
        target: What was searched for.
        candidates: Distinct presets, best first; at least one.
        uncertainty: For every parameter, the spread over the good candidates: standard deviation of
            the encoded value for knobs and steps, chance of another option for choices; 0 to 1.
        renders: Renders spent in all.
        seconds: Seconds spent in all.
        complete: False if the search was interrupted before its budget was spent.
        faults: What went wrong with presets that the synth could not play; they were left out.
    """

    target: Target
    candidates: tuple[Candidate, ...]
    uncertainty: dict[str, float]
    renders: int
    seconds: float
    complete: bool = True
    faults: tuple[str, ...] = ()
