"""Writes a sound file of 24 bits that every program opens."""

import io
import os
from pathlib import Path

import numpy as np
import soundfile

from ..errors import AudioError
from ..storage import write_atomically

__all__ = ["encode", "save"]

_SUFFIXES = (".wav", ".flac")
_LOUDEST = 1 - 2.0**-23  # the largest sample of 24 bits: +1 does not fit


def save(path: str | os.PathLike[str], samples: np.ndarray, rate: int) -> float:
    """Writes 24-bit WAV or FLAC, by the name's ending; the file appears whole or not at all.

    Nothing is clipped: a sound with a peak above full scale is lowered as a whole to fit.

    Args:
        path: Where to write; ends in `.wav` or `.flac`.
        samples: Mono `(T,)` or several channels `(T, C)`.
        rate: Sample rate, in Hz.

    Returns:
        The gain that was applied to fit, in dB: 0 if none was needed, else negative.

    Raises:
        AudioError: If the ending is another, a sample is not a number, or the format cannot hold the
            rate or the number of channels.
        StorageError: If the file cannot be written.
        ValueError: If there are no samples.
    """
    data, gain = encode(path, samples, rate)
    write_atomically(path, data)
    return gain


def encode(path: str | os.PathLike[str], samples: np.ndarray, rate: int) -> tuple[bytes, float]:
    """Returns the content of the file that `save` would write, and the gain in dB.

    Raises:
        AudioError: See `save`.
        ValueError: If there are no samples.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise AudioError(f"cannot write {path}: a sound file's name ends in {' or '.join(_SUFFIXES)}.")
    if not len(samples):
        raise ValueError("samples: none")
    if not np.isfinite(samples).all():
        worst = int(np.argwhere(~np.isfinite(samples))[0][0])
        raise AudioError(f"cannot write {path}: sample {worst} is {samples[worst]}, not a number.")
    gain = min(1.0, _LOUDEST / max(float(np.abs(samples).max()), _LOUDEST))
    return _encode(samples * gain, rate, suffix, path), 20 * float(np.log10(gain))


def _encode(samples: np.ndarray, rate: int, suffix: str, path: str | os.PathLike[str]) -> bytes:
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, samples, rate, subtype="PCM_24", format=suffix[1:].upper())
    except soundfile.LibsndfileError as error:
        raise AudioError(f"cannot write {path} at rate={rate}Hz: {error.error_string}") from error
    return buffer.getvalue()
