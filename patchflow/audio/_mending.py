"""Finds the sound in files whose headers are wrong: WAV and AIFF of pipes, recorders and crashed programs."""

import io
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from ._mp3 import Decodable, mend_mp3

__all__ = ["Decodable", "mend_sound"]

_UNKNOWN_SIZE = 0x7FFFF000  # and above: written by programs that write to a pipe and do not know the size yet
_LARGEST_WAV = 0x7FFFFFF0  # what a WAV header holds for sure; far more than is ever read
_SEARCHED = 1 << 20  # bytes in which the sound is looked for behind a chunk of a wrong size
_LOST_SHARE = 2  # so many times as much sound as the header says is there, and the header is not believed
_BY_BLOCKS = (1, 3, 6, 7, 0xFFFE)  # WAV formats whose duration follows from the block size: PCM, float, u-law, A-law
_MP3_IN_WAV = (0x50, 0x55)
_OTHERS = (b"fLaC", b".snd", b"caff", b"riff", b"RIFF", b"FORM", b"\x1aE\xdf\xa3", b"0&\xb2u", b"MThd", b"PK\3\4")
_AIFF_BY_BLOCKS = (b"NONE", b"sowt", b"twos", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64")


def mend_sound(file: BinaryIO) -> Decodable:
    """Returns a file with a header that says what is there; what the content is decides, not the name.

    Args:
        file: Open for reading, seekable.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and start[8:] == b"WAVE":
        return _mend_wav(file, size, ">" if start[:4] == b"RIFX" else "<")
    if start[:4] == b"FORM" and start[8:] in (b"AIFF", b"AIFC"):
        return _mend_aiff(file, size, start[8:])
    if start[:4] == b"OggS":
        return Decodable(_Spliced(b"", file, 0, size), ends=_ogg_ends(file, size))
    if start[:4] in _OTHERS or start[4:8] == b"ftyp":
        return Decodable(_Spliced(b"", file, 0, size))
    return mend_mp3(file, size, 0) or Decodable(_Spliced(b"", file, 0, size))


class _Spliced(io.RawIOBase):
    """A new header, then a part of a file; without a name, from which a decoder might guess a format."""

    def __init__(self, head: bytes, file: BinaryIO, start: int, size: int) -> None:
        self._head = head
        self._file = file
        self._start = start
        self._size = max(0, size)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        end = len(self._head) + self._size
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: end}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:  # whatever has memory: a type for that comes with Python 3.12
        view = memoryview(buffer)
        part = self._head[self._at : self._at + len(view)]
        if not part:
            behind = self._at - len(self._head)
            self._file.seek(self._start + behind)
            part = self._file.read(max(0, min(len(view), self._size - behind)))
        view[: len(part)] = part
        self._at += len(part)
        # Programs that read expect all they asked for unless the file ends.
        if part and len(part) < len(view):
            return len(part) + self.readinto(view[len(part) :])
        return len(part)


class _Chunk(NamedTuple):
    name: bytes
    body: int  # where it begins in the file
    size: int  # as its header says


def _chunks(file: BinaryIO, size: int, order: str) -> Iterator[_Chunk]:
    """Chunks of a RIFF or IFF file, as far as they make sense."""
    at = 12
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        if not _is_name(name):
            return
        yield _Chunk(name, at + 8, length)
        at += 8 + length
        # A chunk of odd size is followed by a byte that not all programs write.
        if length % 2:
            file.seek(at)
            at += not _is_name(file.read(4))


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _found(file: BinaryIO, size: int, order: str, name: bytes, begin: int) -> _Chunk | None:
    """A chunk that is not where the sizes of those before it say."""
    file.seek(begin)
    at = file.read(_SEARCHED).find(name)
    if at < 0 or begin + at + 8 > size:
        return None
    file.seek(begin + at + 4)
    return _Chunk(name, begin + at + 8, struct.unpack(f"{order}I", file.read(4))[0])


def _mend_wav(file: BinaryIO, size: int, order: str) -> Decodable:
    kept = {}
    long_size = None
    data = None
    for chunk in _chunks(file, size, order):
        file.seek(chunk.body)
        if chunk.name == b"data":
            data = chunk
            break
        if chunk.name in (b"fmt ", b"fact"):
            kept.setdefault(chunk.name, file.read(min(chunk.size, 1 << 10)))
        elif chunk.name == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
    if b"fmt " not in kept:
        lost = _found(file, size, order, b"fmt ", 12)
        kept[b"fmt "] = file.read(min(lost.size, 1 << 10)) if lost and not data else b""
    fmt = kept[b"fmt "]
    if len(fmt) >= 16 and not data:
        data = _found(file, size, order, b"data", 12)
    if len(fmt) < 16 or not data:
        return Decodable(_Spliced(b"", file, 0, size))

    tag, _, rate, byte_rate, block = struct.unpack(f"{order}HHIIH", fmt[:14])
    if tag in _MP3_IN_WAV:
        return mend_mp3(file, size, data.body) or Decodable(_Spliced(b"", file, 0, size))
    per_second = block * rate if tag in _BY_BLOCKS else byte_rate
    promised = long_size if data.size == 0xFFFFFFFF and long_size else data.size
    known = promised < _UNKNOWN_SIZE or promised == long_size
    there, notes = _there(file, data.body, order, promised if known else 0, per_second)
    chunks = b""
    for name, body in kept.items():
        chunks += name + struct.pack(f"{order}I", len(body)) + body + bytes(len(body) % 2)
    shown = min(there, _LARGEST_WAV - len(chunks))
    data_head = b"data" + struct.pack(f"{order}I", shown)
    magic = b"RIFX" if order == ">" else b"RIFF"
    head = magic + struct.pack(f"{order}I", 12 + len(chunks) + shown) + b"WAVE" + chunks + data_head
    seconds = there / per_second if per_second and tag in _BY_BLOCKS else None
    return Decodable(_Spliced(head, file, data.body, shown), notes, seconds)


def _there(file: BinaryIO, begin: int, order: str, promised: int, per_second: int) -> tuple[int, tuple[str, ...]]:
    """How many bytes of sound there are, and what is to be said about it."""
    rest = file.seek(0, io.SEEK_END) - begin
    if promised > rest:
        return rest, (f"is cut off: {_seconds(rest, per_second)} of {_seconds(promised, per_second)} are there",)
    # Programs that crashed or wrote to a pipe leave a size of 0, or that of the last time they counted.
    if rest > promised * _LOST_SHARE and not _only_chunks(file, begin + promised, order):
        note = f"its header gives no length: the {_seconds(rest, per_second)} that are there are read"
        if promised:
            note = f"its header is wrong: {_seconds(rest, per_second)} are there, not {_seconds(promised, per_second)}"
        return rest, (note,)
    return promised, ()


def _only_chunks(file: BinaryIO, at: int, order: str) -> bool:
    """Whether other chunks follow, or nothing but padding."""
    size = file.seek(0, io.SEEK_END)
    file.seek(at)
    if not file.read(_SEARCHED).strip(b"\0"):
        return True
    for skipped in (at % 2, 0):
        file.seek(at + skipped)
        head = file.read(8)
        if len(head) == 8 and _is_name(head[:4]):
            return at + skipped + 8 + struct.unpack(f"{order}I", head[4:])[0] <= size
    return False


def _seconds(count: int, per_second: int) -> str:
    return f"{count / per_second:.2f} s" if per_second else f"{count:,} bytes"


def _mend_aiff(file: BinaryIO, size: int, form: bytes) -> Decodable:
    kept = {}
    data = None
    for chunk in _chunks(file, size, ">"):
        if chunk.name == b"SSND":
            data = chunk
        elif chunk.name in (b"COMM", b"FVER"):
            file.seek(chunk.body)
            kept.setdefault(chunk.name, file.read(min(chunk.size, 1 << 10)))
    common = kept.get(b"COMM", b"")
    if len(common) < 18 or not data or (form == b"AIFC" and common[18:22] not in _AIFF_BY_BLOCKS):
        return Decodable(_Spliced(b"", file, 0, size))

    channels, frames, bits = struct.unpack(">hIh", common[:8])
    frame = channels * -(-bits // 8)
    exponent, mantissa = struct.unpack(">HQ", common[8:18])
    rate = round(mantissa * 2.0 ** (exponent - 16383 - 63)) if 16383 <= exponent < 16383 + 32 else 0
    file.seek(data.body)
    offset = int.from_bytes(file.read(4), "big")
    sound = data.body + 8 + offset
    if frame <= 0 or not rate or sound >= size:
        return Decodable(_Spliced(b"", file, 0, size))

    # The size of the chunk and the number of frames say the same; either may be missing.
    promised = frames * frame or max(0, data.size - 8 - offset)
    if promised >= _UNKNOWN_SIZE:
        promised = 0
    there, notes = _there(file, sound, ">", promised, frame * rate)
    shown = min(there, _LARGEST_WAV) // frame * frame
    kept[b"COMM"] = common[:2] + struct.pack(">I", shown // frame) + common[6:]
    chunks = b""
    for name in (b"FVER", b"COMM"):
        if name in kept:
            chunks += name + struct.pack(">I", len(kept[name])) + kept[name] + bytes(len(kept[name]) % 2)
    data_head = b"SSND" + struct.pack(">III", shown + 8, 0, 0)
    head = b"FORM" + struct.pack(">I", 4 + len(chunks) + 16 + shown) + form + chunks + data_head
    return Decodable(_Spliced(head, file, sound, shown), notes, there / frame / rate)


def _ogg_ends(file: BinaryIO, size: int) -> bool:
    """Whether the last page of an Ogg file is whole and marked as the last."""
    file.seek(max(0, size - (1 << 17)))
    tail = file.read()
    at = tail.rfind(b"OggS")
    page = tail[at : at + 27]
    if at < 0 or len(page) < 27:
        return False
    segments = tail[at + 27 : at + 27 + page[26]]
    return bool(page[5] & 4) and len(tail) >= at + 27 + page[26] + sum(segments)
