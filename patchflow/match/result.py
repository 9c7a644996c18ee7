"""What a match returns: candidates, best first, and how certain each parameter is."""

from dataclasses import dataclass

import numpy as np

from ..engines import Note
from ..presets import Preset
from .target import Target

__all__ = ["Candidate", "MatchResult"]


@dataclass(frozen=True)
class Candidate:
    """A preset that sounds like the target, and how to play it.

    Args:
        preset: Values in native units, and the state of the preset it is built on, if there is one.
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
