"""Reads any sound file as one channel."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from ..errors import AudioError, StorageError
from ..storage import reason
from .sound import SILENCE_DB, Sound

__all__ = ["load"]

_BLOCK = 1 << 17  # samples of all channels
_CANCELLED = 0.1
_UNKNOWN_SIZE = 0x7FFFF000  # written by programs that write to a pipe and do not know the size yet


def load(path: str | os.PathLike[str], *, seconds: float = 30.0) -> Sound:
    """Reads a sound file: WAV, FLAC, AIFF, OGG, MP3 and whatever else libsndfile knows.

    Reading begins at the first sample above -90 dB and ends `seconds` later, so a file of any length
    takes little memory; `start` and `length` of the result say what was left out. Channels are averaged. If
    they cancel out, as a voice recorded with one channel inverted does, the loudest is taken instead
    and `mix` says so.

    Args:
        path: The file.
        seconds: The most to read, at least 0.01.

    Returns:
        The recording, at the file's own rate.

    Raises:
        StorageError: If the file is missing, a folder or not readable.
        AudioError: If it is empty, truncated, not a sound, silent, shorter than 10 ms, or holds a
            sample that is not a number.

    Example:
        >>> load("hum.wav")
        Traceback (most recent call last):
        patchflow.errors.StorageError: cannot read hum.wav: no such file or directory
    """
    path = Path(path)
    _check_file(path)
    # soundfile encodes a text as UTF-8 itself, which fails for a name that is not UTF-8
    name = path if os.name == "nt" else os.fsencode(path)
    try:
        with soundfile.SoundFile(name) as file:  # pyright: ignore[reportArgumentType] - it takes bytes as well
            _check_header(file, path)
            return _read(file, path, seconds)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a name ending in .raw
        reason = getattr(error, "error_string", "format not recognised").rstrip(".")
        raise AudioError(f"cannot read {path}: {reason}. Give a WAV, FLAC, AIFF, OGG or MP3 file.") from error


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {reason(error)}") from error
    if empty:
        raise AudioError(f"{path} is empty (0 bytes). Export it again.")


def _check_header(file: soundfile.SoundFile, path: Path) -> None:
    # libsndfile reads a truncated file without an error and only notes it in its log, which is searched here.
    for promised, found in re.findall(r"(?:data|SSND)\s*: (\d+) \(should be (\d+)\)", file.extra_info):
        if int(found) < int(promised) < _UNKNOWN_SIZE:
            raise AudioError(f"{path} is truncated: {found} of {promised} bytes of sound. Copy or export it again.")
    if not file.frames:
        raise AudioError(f"{path} has no samples. Export it again.")


def _read(file: soundfile.SoundFile, path: Path, seconds: float) -> Sound:
    first = _onset(file, path)
    count = round(seconds * file.samplerate)
    channel = _channel_if_cancelled(file, first, count)
    blocks = [_mono(block, channel) for _, block in _blocks(file, path, first, count)]
    return Sound(
        samples=np.concatenate(blocks),
        rate=file.samplerate,
        path=path,
        channels=file.channels,
        mix="mean" if channel is None else str(channel + 1),
        start=first / file.samplerate,
        length=file.frames / file.samplerate,
    )


def _onset(file: soundfile.SoundFile, path: Path) -> int:
    """First frame that is not silent."""
    for at, block in _blocks(file, path, 0, file.frames):
        loud = np.flatnonzero(np.abs(block).max(1) >= 10 ** (SILENCE_DB / 20))
        if len(loud):
            return at + int(loud[0])
    raise AudioError(f"{path} is silent: its peak is below {SILENCE_DB:.0f} dB. Record it louder.")


def _channel_if_cancelled(file: soundfile.SoundFile, first: int, count: int) -> int | None:
    """The loudest channel, if the mean of all has under a tenth of the energy of unrelated channels' mean."""
    if file.channels == 1:
        return None
    # The sum of unrelated channels has the sum of their energies; of channels that cancel out it has nearly none.
    energy = np.zeros(file.channels)
    energy_of_sum = 0.0
    for _, block in _blocks(file, None, first, count):
        energy += np.square(block, dtype=np.float64).sum(0)
        energy_of_sum += float(np.square(block.sum(1, dtype=np.float64)).sum())
    return int(energy.argmax()) if energy_of_sum < _CANCELLED * energy.sum() else None


def _mono(block: np.ndarray, channel: int | None) -> np.ndarray:
    return block.mean(1) if channel is None else block[:, channel]


def _blocks(file: soundfile.SoundFile, path: Path | None, first: int, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yields positions and blocks `(T, C)` of up to `count` frames; checks them if `path` is given."""
    file.seek(first)
    most = max(1, _BLOCK // file.channels)
    for at in range(first, first + count, most):
        wanted = min(most, first + count - at)
        block = file.read(wanted, dtype="float32", always_2d=True)
        if path:
            _check_block(block, at, file.samplerate, path)
        if len(block):
            yield at, block
        if len(block) < wanted:
            return


def _check_block(block: np.ndarray, at: int, rate: int, path: Path) -> None:
    if np.isfinite(block).all():
        return
    row, channel = np.argwhere(~np.isfinite(block))[0]
    seconds = (at + row) / rate
    value = block[row, channel]
    raise AudioError(
        f"{path} holds {value} at {seconds:.3f} s (frame {at + row}, channel {channel + 1}): not a number. "
        "Export it again."
    )
