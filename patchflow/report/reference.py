"""The target of a match at full quality."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.load import load
from ..audio.resample import resample
from ..match import Target

__all__ = ["Reference", "read_reference"]


@dataclass(frozen=True)
class Reference:
    """The part of a file that was searched for.

    Args:
        samples: Mono float32, shape `(T,)`.
        ends: When it ends in the file, in seconds.
        file_length: Length of the whole file, in seconds.
    """

    samples: np.ndarray
    ends: float
    file_length: float


def read_reference(sound: Path, target: Target, rate: int) -> Reference:
    """Returns what was searched for; the search itself hears it at its own, lower rate.

    Args:
        sound: The file.
        target: What the search made of it.
        rate: Sample rate wanted, in Hz.

    Raises:
        AudioError: If the file is not a sound any more.
        StorageError: If it is not there any more.
    """
    whole = load(sound)
    first = round((target.trim_offset - whole.start) * whole.rate)
    samples = whole.samples[first : first + round(target.length * whole.rate)]
    return Reference(resample(samples, whole.rate, rate), target.trim_offset + target.length, whole.length)
