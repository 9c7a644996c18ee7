"""Finds the sound of an MP3 by walking its frames, whatever its header promises or is missing."""

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

__all__ = ["Decodable", "mend_mp3"]

_JUNK = 1 << 18  # bytes before the first frame and between frames that are searched
_CHAIN = 3  # frames in a row that make an MP3 of bytes
_MOST_FRAMES = 1 << 15  # 14 minutes at 44.1 kHz: more than is ever decoded
_MOST_BYTES = _MOST_FRAMES * 1441
_KBPS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}  # by MPEG version (2.5 as 2) and layer


@dataclass(frozen=True)
class Decodable:
    """A file as a decoder should see it.

    Args:
        stream: What to decode: the file itself, or its sound behind a header that is right.
        notes: What was wrong, one plain line each.
        seconds: How long the file's sound is; None if only a decoder can say.
        ends: Whether the end of the file is there, as far as it has one.
    """

    stream: io.IOBase
    notes: tuple[str, ...] = ()
    seconds: float | None = None
    ends: bool = True


class _Frame(NamedTuple):
    size: int  # bytes
    samples: int
    rate: int
    layer: int
    tag: int  # where the header of an encoder would be
    kind: tuple[int, int, int, bool]  # what all frames of a file have in common


def _frame(head: bytes) -> _Frame | None:
    """An MPEG audio frame by its four bytes of header; None if it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return None
    version = (head[1] >> 3) & 3  # 0 is 2.5, 1 is reserved, 2 is 2, 3 is 1
    layer = 4 - ((head[1] >> 1) & 3)
    bitrate = head[2] >> 4
    rate = (head[2] >> 2) & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    hz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    generation = 1 if version == 3 else 2
    bits = 1_000 * _KBPS[generation, layer][bitrate - 1]
    padding = (head[2] >> 1) & 1
    mono = head[3] >> 6 == 3
    if layer == 1:
        samples = 384
        size = (12 * bits // hz + padding) * 4
    else:
        samples = 576 if layer == 3 and generation == 2 else 1152
        size = samples // 8 * bits // hz + padding
    side = {(1, False): 32, (1, True): 17, (2, False): 17, (2, True): 9}[generation, mono]
    return _Frame(size, samples, hz, layer, 4 + side, (version, layer, rate, mono))


def mend_mp3(file: BinaryIO, size: int, begin: int) -> Decodable | None:
    """The frames of an MP3 behind a header that counts them; None if it is no MP3."""
    begin += _tag_size(file, begin)
    file.seek(begin)
    data = file.read(_MOST_BYTES)
    start = _next_frame(data, 0, None)
    first = _frame(data[start : start + 4]) if start is not None else None
    if start is None or first is None:
        return None
    runs, count, end = _runs(data, start, first)
    header = _encoder_header(data[start : start + first.size], first)
    count -= header is not None
    if not count:
        return None

    found = count * first.samples / first.rate
    if count + 1 >= _MOST_FRAMES:
        found *= (size - begin) / end
    notes = ()
    promised = header.frames if header else None
    if promised and count + 1 < _MOST_FRAMES and abs(promised - count) > 1:
        told = promised * first.samples / first.rate
        notes = (f"its header is wrong: {found:.2f} s are there, not {told:.2f} s",)
        if promised > count:
            notes = (f"is cut off: {found:.2f} s of {told:.2f} s are there",)
    sound = b"".join(runs)
    if header and header.frames and first.layer == 3:
        patched = header.patched(sound[: first.size], count, len(sound), whole=not notes)
        sound = patched + sound[first.size :]
    elif first.layer == 3:
        if header:
            sound = sound[first.size :]
        sound = _info_frame(data[start : start + 4], count) + sound
    # The last frame is whole unless the file was cut off.
    rest = data[end : end + 4]
    last = _frame(rest)
    ends = not last or last.kind != first.kind or count + 1 >= _MOST_FRAMES
    return Decodable(io.BytesIO(sound), notes, found if count + 1 >= _MOST_FRAMES else None, ends)


def _tag_size(file: BinaryIO, at: int) -> int:
    """Bytes of ID3v2 tags."""
    total = 0
    while True:
        file.seek(at + total)
        head = file.read(10)
        if len(head) < 10 or head[:3] != b"ID3" or max(head[6:]) > 127:
            return total
        length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        total += 10 + length + (10 if head[5] & 0x10 else 0)


def _next_frame(data: bytes, at: int, kind: tuple[int, int, int, bool] | None) -> int | None:
    """Where the next run of frames begins: so many in a row, or up to the end, that it can be no accident."""
    end = at + _JUNK
    while (at := data.find(b"\xff", at, end)) >= 0:
        frame = _frame(data[at : at + 4])
        if frame and kind in (None, frame.kind) and _chained(data, at, frame):
            return at
        at += 1
    return None


def _chained(data: bytes, at: int, frame: _Frame) -> bool:
    following: _Frame | None = frame
    for link in range(_CHAIN):
        if not following or following.kind != frame.kind:
            return False
        at += following.size
        if at >= len(data):
            return link > 0
        following = _frame(data[at : at + 4])
        if not following and link and data[at : at + 3] in (b"TAG", b"APE", b"ID3", b"LYR"):
            return True
    return True


def _runs(data: bytes, at: int, first: _Frame) -> tuple[list[bytes], int, int]:
    """Runs of whole frames, their number, and where the last ends."""
    runs = []
    count = 0
    begin = at
    while count < _MOST_FRAMES:
        frame = _frame(data[at : at + 4])
        if frame and frame.kind == first.kind:
            if at + frame.size > len(data):
                break
            count += 1
            at += frame.size
            continue
        after = _next_frame(data, at, first.kind)
        if after is None:
            break
        runs.append(data[begin:at])
        begin = at = after
    runs.append(data[begin:at])
    return runs, count, at


class _EncoderHeader(NamedTuple):
    """What an encoder wrote into a first frame that has no sound."""

    frames: int | None  # None if it does not count them in the way of Xing
    at: int  # where the count is
    flags: int

    def patched(self, frame: bytes, count: int, size: int, *, whole: bool) -> bytes:
        """The frame with counts that are right; without padding at the end if the end is lost."""
        mended = bytearray(frame)
        mended[self.at : self.at + 4] = struct.pack(">I", count)
        after = self.at + 4
        if self.flags & 2:
            mended[after : after + 4] = struct.pack(">I", size)
            after += 4
        after += 100 * bool(self.flags & 4) + 4 * bool(self.flags & 8)
        if not whole and after + 24 <= len(mended):
            # 12 bits of delay at the start, 12 bits of padding at the end
            mended[after + 22] &= 0xF0
            mended[after + 23] = 0
        return bytes(mended)


def _encoder_header(frame: bytes, first: _Frame) -> _EncoderHeader | None:
    if frame[36:40] == b"VBRI":
        return _EncoderHeader(None, 0, 0)
    for at in (first.tag, first.tag + 2):  # two bytes of checksum may come before
        if frame[at : at + 4] in (b"Xing", b"Info"):
            flags = int.from_bytes(frame[at + 4 : at + 8], "big")
            frames = int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else None
            return _EncoderHeader(frames, at + 8, flags)
    return None


def _info_frame(head: bytes, count: int) -> bytes:
    """A frame without sound that says how many follow: what decoders know the length by."""
    # without a checksum, at 64 kbit/s, where each frame has room for it
    kbps = 5 if (head[1] >> 3) & 3 == 3 else 8
    header = bytes((0xFF, head[1] | 1, kbps << 4 | head[2] & 0x0C, head[3]))
    frame = _frame(header)
    if frame is None:
        raise ValueError(f"{head.hex()}: no header of a frame")
    body = b"Info" + struct.pack(">II", 1, count)
    return (header + bytes(frame.tag - 4) + body).ljust(frame.size, b"\0")
