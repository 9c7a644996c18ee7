"""Decodes by ffmpeg what libsndfile does not know: m4a, AAC, MP4, WebM, WMA and others."""

import os
import re
import shutil
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from ..errors import AudioError
from ..storage import opened_file, reason

__all__ = ["FfmpegSound", "Kind", "content_kind", "ffmpeg_program", "open_by_ffmpeg"]

_TIME_LIMIT_S = 20.0
_AU_HEADER = struct.Struct(">4s5I")  # magic, where the sound begins, its size, encoding, rate, channels
_AU_FLOAT = 6
# Formats of one file with sound in it. Left out are those that name other files, such as playlists.
_FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,iff,latm,loas,matroska,webm,"
    "mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,shn,sox,tak,tta,voc,w64,wav,wv,xwma"
)
_KINDS = (
    (4, b"ftypqt", "a QuickTime movie (mov)"),
    (4, b"ftyp3g", "a phone recording (3gp)"),
    (4, b"ftyp", "MPEG-4 audio (m4a, mp4)"),
    (0, b"\x1aE\xdf\xa3", "WebM or Matroska (webm, mka, mkv)"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "Windows Media audio (wma)"),
    (0, b"#!AMR", "a phone recording (amr)"),
    (0, b"caff", "Core Audio (caf)"),
    (0, b"MAC ", "Monkey's Audio (ape)"),
    (0, b"wvpk", "WavPack (wv)"),
    (0, b"TTA", "True Audio (tta)"),
    (0, b"MPCK", "Musepack (mpc)"),
    (0, b"MP+", "Musepack (mpc)"),
    (0, b".RMF", "RealAudio (rm)"),
    (0, b"FLV", "Flash video (flv)"),
    (0, b"DSD ", "DSD audio (dsf)"),
    (0, b"FRM8", "DSD audio (dff)"),
    (0, b"\x0bw", "Dolby Digital (ac3)"),
    (0, b"ajkg", "Shorten (shn)"),
    (8, b"AVI ", "a film (avi)"),
    (0, b"OggS", "Ogg with a codec other than Vorbis and Opus"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf9", "AAC"),
)
_NO_SOUNDS = (
    (0, b"MThd", "a MIDI file"),
    (0, b"PK\3\4", "a zip archive"),
    (0, b"Rar!", "a rar archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"%PDF", "a PDF"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"CcnK", "a preset of a plug-in"),
    (0, b"\xf0", "a SysEx file"),
    (0, b"#EXTM3U", "a playlist"),
    (0, b"ffconcat", "a playlist"),
)


class Kind(NamedTuple):
    """What a file is.

    Args:
        name: E.g. `"MPEG-4 audio (m4a, mp4)"`; "" if that is not known.
        silent: Whether such files hold no sound.
    """

    name: str = ""
    silent: bool = False


def content_kind(path: Path) -> Kind:
    """What a file is by its first bytes."""
    with opened_file(path) as file:
        head = file.read(189)
    for silent, kinds in enumerate((_KINDS, _NO_SOUNDS)):
        for at, magic, name in kinds:
            if head[at:].startswith(magic):
                return Kind(name, bool(silent))
    if head[:1] == head[188:] == b"G":
        return Kind("a television stream (ts)")
    return Kind()


def ffmpeg_program() -> str | None:
    """The ffmpeg of the machine, else that of the package `imageio-ffmpeg`; None if there is none."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return None


@dataclass(frozen=True)
class FfmpegSound:
    """A sound that ffmpeg is decoding.

    Args:
        rate: Sample rate, in Hz.
        channels: Number of channels.
        blocks: The sound, blocks of shape `(T, C)`, as far as it could be decoded.
        seconds: How long the file says it is; None if it does not.
    """

    rate: int
    channels: int
    blocks: Iterator[np.ndarray]
    seconds: float | None


@contextmanager
def open_by_ffmpeg(path: Path, program: str, seconds: float) -> Iterator[FfmpegSound]:
    """Opens the first sound of a file; ffmpeg ends when the context does.

    Args:
        path: The file.
        program: ffmpeg, see `ffmpeg_program`.
        seconds: How much is decoded at most.

    Raises:
        AudioError: If ffmpeg finds no sound in it.
    """
    # An absolute path behind "file:" is neither an option nor another protocol, whatever the name is.
    source = f"file:{path.absolute()}"
    command = [
        program, "-nostdin", "-hide_banner", "-nostats", "-protocol_whitelist", "file,pipe",
        "-format_whitelist", _FORMATS, "-i", source if os.name == "nt" else os.fsencode(source),
        "-map", "0:a:0", "-t", f"{seconds:g}", "-c:a", "pcm_f32be", "-f", "au", "pipe:1",
    ]  # fmt: skip
    with tempfile.TemporaryFile() as log, _started(command, path, log) as out:
        header = out.read(_AU_HEADER.size)
        if len(header) < _AU_HEADER.size:
            what = content_kind(path).name
            seems = f" though it seems to be {what}" if what else ""
            raise AudioError(
                f"cannot read {path}: ffmpeg finds no sound in it{seems}. It may be cut off: copy or export it again."
            )
        _, begin, _, encoding, rate, channels = _AU_HEADER.unpack(header)
        if encoding != _AU_FLOAT or not rate or not channels:
            raise AudioError(f"cannot read {path}: this ffmpeg does not deliver what was asked of it: {program}")
        out.read(begin - _AU_HEADER.size)
        yield FfmpegSound(rate, channels, _blocks(out, channels), _duration(log))


@contextmanager
def _started(command: list[str | bytes], path: Path, log: IO[bytes]) -> Iterator[IO[bytes]]:
    """Runs ffmpeg for a limited time, and yields what it puts out."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
    except OSError as error:
        raise AudioError(f"cannot read {path}: {command[0]} does not start ({reason(error)})") from error
    limit = threading.Timer(_TIME_LIMIT_S, process.kill)
    limit.daemon = True
    limit.start()
    try:
        if process.stdout:
            with process.stdout:
                yield process.stdout
    finally:
        limit.cancel()
        process.kill()
        process.wait()


def _duration(log: IO[bytes]) -> float | None:
    """What the file says about its length, of what ffmpeg said; what it estimated does not count."""
    log.seek(0)
    text = log.read(1 << 16)
    found = re.search(rb"^  Duration: (\d+):(\d\d):(\d\d\.\d+), ", text, re.MULTILINE)
    if not found or b"Estimating duration" in text:
        return None
    hours, minutes, seconds = found.groups()
    return 3_600 * int(hours) + 60 * int(minutes) + float(seconds)


def _blocks(out: IO[bytes], channels: int) -> Iterator[np.ndarray]:
    frame = 4 * channels
    while data := out.read(frame * max(1, (1 << 17) // channels)):
        samples = np.frombuffer(data[: len(data) // frame * frame], ">f4").astype(np.float32)
        yield samples.reshape(-1, channels)
