"""Sounds from outside: files of any format in, WAV and FLAC out, and the microphone."""

import io
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ..errors import AudioError, MissingDependency, OptionError
from ..progress import Progress, ProgressCallback, ignore
from ..storage import opened_file, write_atomically
from ._ffmpeg import Kind, content_kind, ffmpeg_program, open_by_ffmpeg
from ._mending import mend_sound
from .conditioning import mono
from .sound import SILENCE_DB, Sound, from_array, without_offset

__all__ = ["LONGEST_RECORDING", "encode", "fitting_gain", "load", "mp3_bytes", "record", "save", "wav_bytes"]

_LATEST_ONSET_S = 180.0  # a sound that begins later is not looked for
_MOST_SILENT = 1 << 26  # samples of all channels that are decoded before the sound
_MOST_READ = 1 << 25  # samples of all channels that are kept
_BLOCK = 1 << 17  # samples of all channels
_UNKNOWN_LENGTH = 1 << 60  # frames; libsndfile's largest number stands for "not known"
_UNKNOWN_SIZE = 0x7FFFF000  # bytes, see _mending.py
_CUT_OFF_S = 0.1  # a sound that is shorter than promised by less is whole: lossy formats pad
_CUT_OFF = re.compile(r"(?:data|SSND|Data Size|[Rr]iff\w* ?\w*)\s*: (\d+) \(should be (\d+)\)")  # in libsndfile's log
_SUFFIXES = (".wav", ".flac")
_LOUDEST = 1 - 2.0**-23  # the largest sample of 24 bits: +1 does not fit
_HIGHEST = 32_768  # of 16 bits; it does not fit itself


LONGEST_RECORDING = 120.0
"""Seconds that are recorded at most."""

_SHORTEST = 0.1  # seconds
_STEP = 0.25  # seconds from one progress to the next


def load(path: str | os.PathLike[str], *, seconds: float = 30.0) -> Sound:
    """Reads a sound file: WAV, FLAC, AIFF, OGG, MP3, and what ffmpeg knows where there is one.

    Its content decides what it is, not its name. Reading begins at the first sample above -90 dB and ends
    `seconds` later, so a file of any length takes little time and memory; `start` and `length` of the result
    say what was left out. The sound has to begin in the first 3 minutes and the first 67 million samples of
    all channels (43 s of 8 channels at 192 kHz); of its sound at most 34 million are read.

    Channels are averaged. If they cancel out, as a voice recorded with one channel inverted does, the loudest is taken
    instead and `mix` says so. A constant offset is removed. Files with a wrong header or without an end are read as far
    as they go. What was mended or left out is in `notes`.

    Args:
        path: The file.
        seconds: The most to read, at least 0.01.

    Returns:
        The recording, at the file's own rate.

    Raises:
        StorageError: If the file is missing, not readable, or no file but a folder, pipe, device or socket.
        AudioError: If it is empty, not a sound, silent, shorter than 10 ms, or holds a sample that is not
            a number; if it needs ffmpeg and there is none.

    Example:
        >>> load("hum.wav")
        Traceback (most recent call last):
        patchflow.errors.StorageError: cannot read hum.wav: no such file or directory
    """
    path = Path(path)
    _check_file(path)
    try:
        return _load_by_libsndfile(path, seconds)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a format without a header
        refused = error
    program = ffmpeg_program()
    kind = content_kind(path)
    if program is None or kind.silent or not (kind.name or _is_known(refused)):
        raise AudioError(_refusal(path, refused, kind)) from refused
    with open_by_ffmpeg(path, program, _LATEST_ONSET_S + seconds) as sound:
        return _read(_Source(sound.rate, sound.channels, sound.blocks, sound.seconds), path, seconds)


def _check_file(path: Path) -> None:
    with opened_file(path) as file:
        empty = not file.read(1)
    if empty:
        raise AudioError(f"{path} is empty (0 bytes). Export it again.")


def _is_known(error: Exception) -> bool:
    """Whether libsndfile knows what the file is, and yet cannot read it."""
    return "not recognised" not in str(error)


def _refusal(path: Path, error: Exception, kind: Kind) -> str:
    if kind.silent:
        return f"cannot read {path}: it is {kind.name}, no sound. Give a WAV, FLAC, AIFF, OGG or MP3 file."
    if kind.name:
        return (
            f"cannot read {path}: it is {kind.name}, for which ffmpeg is needed. Install ffmpeg "
            "(e.g. pip install imageio-ffmpeg) or export the sound as WAV."
        )
    why = getattr(error, "error_string", "").rstrip(".") or "format not recognised"
    return f"cannot read {path}: {why}. Give a WAV, FLAC, AIFF, OGG or MP3 file."


@dataclass(frozen=True)
class _Source:
    """A sound as it comes from a decoder.

    Args:
        rate: Sample rate, in Hz.
        channels: Number of channels.
        blocks: The sound from its beginning, blocks of shape `(T, C)`.
        seconds: How long it says it is; None if it does not say so.
        notes: What was mended so far.
        ends: Whether the end of the file is there.
    """

    rate: int
    channels: int
    blocks: Iterator[np.ndarray]
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    ends: bool = True


def _load_by_libsndfile(path: Path, seconds: float) -> Sound:
    with opened_file(path) as raw:
        mended = mend_sound(raw)
        with soundfile.SoundFile(mended.stream) as file:  # pyright: ignore[reportArgumentType] - any file
            if not file.frames:
                raise AudioError(f"{path} has no samples. Export it again.")
            length = mended.seconds
            if length is None and file.frames < _UNKNOWN_LENGTH:
                length = file.frames / file.samplerate
            notes = mended.notes or _shortened(file)
            source = _Source(file.samplerate, file.channels, _blocks(file), length, notes, mended.ends)
            return _read(source, path, seconds)


def _shortened(file: soundfile.SoundFile) -> tuple[str, ...]:
    # libsndfile reads a truncated file without an error and only notes it in its log, which is searched here.
    for promised, found in _CUT_OFF.findall(file.extra_info):
        if int(found) < int(promised) < _UNKNOWN_SIZE:
            there = file.frames / file.samplerate
            return (f"is cut off: {there:.2f} s of {there * int(promised) / int(found):.2f} s are there",)
    return ()


def _blocks(file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    # Read from the beginning and never by position: where a sound of unknown length or with a wrong index ends, and
    # what is where in it, only decoding tells.
    most = max(1, _BLOCK // file.channels)
    while True:
        block = np.full((most, file.channels), np.nan, np.float32)
        try:
            found = len(file.read(out=block))
        except soundfile.LibsndfileError:
            # The file is damaged from here on. What was decoded before that is in the block.
            found = int(np.count_nonzero(~np.isnan(block[:, 0])))
            yield block[:found]
            return
        yield block[:found]
        if found < most:
            return


def _read(source: _Source, path: Path, seconds: float) -> Sound:
    limit = min(round(seconds * source.rate), _MOST_READ // source.channels)
    first, decoded, blocks = _from_onset(source, path, limit)
    samples, mix, mix_notes = mono(np.concatenate(blocks)[:limit], source.rate)
    start = first / source.rate
    # The decoder has come to the end if it was asked for more than it gave.
    ended = decoded < first + limit
    length = source.seconds or decoded / source.rate
    notes = source.notes
    if ended and source.seconds and not notes and decoded / source.rate < source.seconds - _CUT_OFF_S:
        notes = (f"is cut off: {decoded / source.rate:.2f} s of {source.seconds:.2f} s are there",)
    if ended:
        length = decoded / source.rate
    if not source.ends and not notes:
        notes = (f"is cut off: only the first {length:.2f} s are there",)
    if limit < round(seconds * source.rate) and not ended:
        notes += (f"only {limit / source.rate:.1f} s of its {source.channels} channels at {source.rate} Hz are read",)
    try:
        sound = Sound(
            samples=samples, rate=source.rate, path=path, channels=source.channels, mix=mix, start=start, length=length,
            notes=notes + mix_notes,
        )  # fmt: skip
    except AudioError as error:
        about = "".join(f" It {note}." for note in notes if note.startswith("is "))
        raise AudioError(f"{error}{about}") from error
    return without_offset(sound)


def _from_onset(source: _Source, path: Path, limit: int) -> tuple[int, int, list[np.ndarray]]:
    """First frame that is not silent, frames decoded, and the blocks from the first on, of `limit` frames or more."""
    loudest = 10 ** (SILENCE_DB / 20)
    latest = min(round(_LATEST_ONSET_S * source.rate), _MOST_SILENT // source.channels)
    first = None
    decoded = 0
    blocks = []
    for block in source.blocks:
        _check_block(block, decoded, source.rate, path)
        if first is None and len(block) and max(float(block.max()), -float(block.min())) >= loudest:
            onset = int(np.flatnonzero(np.abs(block).max(1) >= loudest)[0])
            first = decoded + onset
            blocks.append(block[onset:])
        elif first is not None:
            blocks.append(block)
        decoded += len(block)
        if first is not None and decoded >= first + limit:
            break
        if first is None and decoded >= latest:
            raise AudioError(
                f"{path} is silent: for its first {decoded / source.rate:.0f} s its peak is below {SILENCE_DB:.0f} dB; "
                "looked no further. Cut the sound out of it."
            )
    if first is not None:
        return first, decoded, blocks
    if not decoded:
        raise AudioError(f"{path} has no samples that can be decoded. Export it again.")
    raise AudioError(f"{path} is silent: its peak is below {SILENCE_DB:.0f} dB. Record it louder.")


def _check_block(block: np.ndarray, at: int, rate: int, path: Path) -> None:
    # The sum of samples is a number if all of them are; that is faster than to ask each.
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(block.sum()) or np.isfinite(block).all():
            return
    row, channel = np.argwhere(~np.isfinite(block))[0]
    seconds = (at + row) / rate
    value = block[row, channel]
    raise AudioError(
        f"{path} holds {value} at {seconds:.3f} s (frame {at + row}, channel {channel + 1}): not a number. "
        "Export it again."
    )


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


def fitting_gain(samples: np.ndarray, gain_db: float = 0.0) -> float:
    """Returns by how much a sound can be turned up without clipping, in dB, at most `gain_db`.

    Args:
        samples: Mono, shape `(T,)`.
        gain_db: By how much it should be turned up, in dB.
    """
    peak = float(np.abs(samples).max(initial=0.0))
    return min(gain_db, 20 * float(np.log10(_LOUDEST / peak))) if peak > 0 else gain_db


def wav_bytes(samples: np.ndarray, rate: int, gain_db: float = 0.0) -> bytes:
    """Returns a WAV file of 16 bits; as `patchflow render` does, it is turned down only where it would clip.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        gain_db: By how much it is turned up, in dB.
    """
    gain = 10 ** (fitting_gain(samples, gain_db) / 20)
    whole = np.minimum(np.round(samples * np.float32(gain * _HIGHEST)), _HIGHEST - 1).astype("<i2").tobytes()
    form = (16, 1, 1, rate, 2 * rate, 2, 16)  # size, whole numbers, channels, rate, bytes a second, a frame, bits
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(whole), b"WAVE", b"fmt ", *form)
    return head + struct.pack("<4sI", b"data", len(whole)) + whole


def mp3_bytes(samples: np.ndarray, rate: int, quality: float) -> bytes:
    """Returns an MP3 file of a variable bit rate: it says how long it is to the sample, so nothing begins late.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        quality: Of the encoder, from 0, the best, to 1, the smallest.
    """
    buffer = io.BytesIO()
    soundfile.write(
        buffer, samples, rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=quality,
        bitrate_mode="VARIABLE",
    )  # fmt: skip
    return buffer.getvalue()


def record(seconds: float, *, rate: int = 44_100, progress: ProgressCallback = ignore) -> Sound:
    """Records from the microphone that the machine uses by default, one channel.

    Ctrl-C ends the recording early and keeps what is there.

    Args:
        seconds: How long, 0.1 to 120.
        rate: Sample rate, in Hz.
        progress: Called a few times a second.

    Raises:
        OptionError: If `seconds` is out of its range.
        MissingDependency: If the package that records is not installed, or the library that it needs.
        AudioError: If there is no microphone, it cannot be used, or nothing but silence comes from it.
    """
    if not _SHORTEST <= seconds <= LONGEST_RECORDING:
        raise OptionError(f"record={seconds:g}: not in [{_SHORTEST:g}, {LONGEST_RECORDING:g}] s")
    device = _devices()
    try:
        device.check_input_settings(channels=1, samplerate=rate)
        samples = device.rec(round(seconds * rate), samplerate=rate, channels=1, dtype="float32")
    except (device.PortAudioError, ValueError) as error:  # ValueError: there is no input device at all
        raise AudioError(f"cannot record: {_first_line(error)}. Plug in a microphone, or give a sound file.") from error
    done = 0.0
    try:
        while done < seconds:
            progress(Progress("record", round(done, 2), seconds, "s"))
            device.sleep(round(1000 * min(_STEP, seconds - done)))
            done += _STEP
        device.wait()
    except KeyboardInterrupt:
        device.stop()
    return from_array(_heard(samples), rate)


def _encode(samples: np.ndarray, rate: int, suffix: str, path: str | os.PathLike[str]) -> bytes:
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, samples, rate, subtype="PCM_24", format=suffix[1:].upper())
    except soundfile.LibsndfileError as error:
        raise AudioError(f"cannot write {path} at rate={rate}Hz: {error.error_string}") from error
    return buffer.getvalue()


def _devices() -> Any:
    """The package `sounddevice`, which is optional: most machines that search for presets have no microphone."""
    try:
        import sounddevice
    except ImportError as error:
        raise MissingDependency("recording needs the package 'sounddevice': pip install 'patchflow[record]'") from error
    except OSError as error:  # its library of the operating system
        raise MissingDependency(
            f"recording needs PortAudio: {_first_line(error)}. Install it (e.g. apt install libportaudio2)."
        ) from error
    return sounddevice


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split("\n")[0].split()).rstrip(".")


def _heard(samples: np.ndarray) -> np.ndarray:
    """What was recorded before it was stopped: the rest is exactly silent."""
    loud = np.flatnonzero(samples[:, 0])
    return samples[: int(loud[-1]) + 1, 0] if len(loud) else samples[:, 0]
