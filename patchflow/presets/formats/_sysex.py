"""MIDI messages in files: taken out of MIDI files and hexadecimal text; and what one is that holds no DX7 voice.

References:
    MIDI Association, Standard MIDI Files 1.0; SysEx ID table
    Yamaha, MIDI data formats of the DX7II, TX81Z, DX11, TX802, FB-01
"""

import re
from dataclasses import dataclass

import numpy as np

__all__ = ["Part", "describe_message", "is_four_operator_bank", "unwrap"]

_DEEPEST = 4  # containers in one another

_FOUR = "a 4-operator synth (DX21, DX27, DX100, TX81Z, DX11)"
_YAMAHA_FORMATS = {
    0x00: "a single voice of a DX7, cut off",
    0x01: "function data of a TX7, DX1 or DX5, not used",
    0x02: "64 sets of function data of a TX7, DX1 or DX5, not used",
    0x03: f"a voice of {_FOUR}, which this synth cannot play",
    0x04: f"a bank of 32 voices of {_FOUR}, which this synth cannot play",
    0x05: "the supplement of a voice of a DX7II or TX802 (ACED), not used",
    0x06: "the supplements of 32 voices of a DX7II or TX802 (AMEM), not used",
    0x09: "a bank of voices of a DX7, cut off",
}
_YAMAHA_BULK = {
    "LM  8976AE": "the supplement of a voice of a TX81Z (ACED), which this synth cannot play",
    "LM  8976": "performances or settings of a TX81Z, not used",
    "LM  8023": "the supplement of a voice of a DX11 or V2 (ACED2), which this synth cannot play",
    "LM  8036": "data of a YS100, YS200 or B200, which this synth cannot play",
    "LM  8073": "data of a V50, which this synth cannot play",
    "LM  8054": "data of a WT11, which this synth cannot play",
    "LM  8973P": "performances of a DX7II, not used",
    "LM  8973S": "settings of a DX7II, not used",
    "LM  8952P": "performances of a TX802, not used",
    "LM  8952": "settings of a TX802, not used",
    "LM  MCR": "a micro-tuning of a Yamaha synth, not used",
    "LM  FKS": "fractional scaling of a DX7II, not used",
}
_MAKERS = {
    0x01: "Sequential",
    0x04: "Moog",
    0x06: "Lexicon",
    0x07: "Kurzweil",
    0x0F: "Ensoniq",
    0x10: "Oberheim",
    0x18: "E-mu",
    0x1C: "Eventide",
    0x29: "PPG",
    0x2F: "Elka",
    0x33: "Clavia",
    0x3E: "Waldorf",
    0x40: "Kawai",
    0x41: "Roland",
    0x42: "Korg",
    0x44: "Casio",
    0x47: "Akai",
    0x4C: "Sony",
}
_MORE_MAKERS = {
    bytes((0x00, 0x0E)): "Alesis",
    bytes((0x20, 0x29)): "Novation",
    bytes((0x20, 0x33)): "Access",
    bytes((0x20, 0x3C)): "Elektron",
    bytes((0x20, 0x6B)): "Arturia",
    bytes((0x21, 0x35)): "Dreadbox",
}


@dataclass(frozen=True)
class Part:
    """The messages of a file.

    Args:
        data: The bytes.
        where: What they were in, for notes: "" for the file itself.
    """

    data: bytes
    where: str = ""


def unwrap(data: bytes) -> Part:
    """Returns the content of a file, or what it says in numbers or MIDI events.

    Args:
        data: A file of any kind; what is no container is returned as it is.
    """
    part = Part(data)
    for _ in range(_DEEPEST):
        inner = _opened(part.data)
        if inner is None:
            break
        part = Part(inner.data, " in ".join(filter(None, (inner.where, part.where))))
    return part


def describe_message(message: bytes) -> str:
    r"""Returns what a system-exclusive message is.

    Args:
        message: From F0 on, perhaps cut off.

    Example:
        >>> describe_message(b"\xf0\x41\x10\x00\xf7")
        'a message for a Roland synth'
        >>> describe_message(b"\xf0\x43\x00\x06\x08\x60")
        'the supplements of 32 voices of a DX7II or TX802 (AMEM), not used'
    """
    body = message[1:].removesuffix(b"\xf7")
    if not body:
        return "a message without content"
    if body[0] == 0x43:
        return _of_yamaha(body)
    if body[0] in (0x7E, 0x7F):
        return "a universal message, for any MIDI device"
    if body[0] == 0x7D:
        return "a message for private use"
    maker = _MORE_MAKERS.get(bytes(body[1:3]), "") if body[0] == 0 else _MAKERS.get(body[0], "")
    return f"a message for a {maker} synth" if maker else "a message of another maker's device"


def _of_yamaha(body: bytes) -> str:
    if len(body) < 3:
        return "a message for a Yamaha device, cut off"
    if body[1] == 0x75:
        return "data of an FB-01, which this synth cannot play"
    if body[1] == 0x4C:
        return "a message for a Yamaha XG device"
    kind = body[1] >> 4
    if kind == 1:
        return "a parameter change of a Yamaha synth"
    if kind == 2:
        return "a request for a dump of a Yamaha synth"
    if kind == 0 and body[2] == 0x7E:
        ident = body[5:15].decode("ascii", "replace")
        for start, what in _YAMAHA_BULK.items():
            if ident.startswith(start):
                return what
    if kind == 0 and body[2] in _YAMAHA_FORMATS:
        return _YAMAHA_FORMATS[body[2]]
    return "a message for another Yamaha device"


def is_four_operator_bank(data: bytes) -> bool:
    """Returns whether bytes without a message are voices of a 4-operator synth: by where their names stand.

    Args:
        data: A file, or a part of one.
    """
    if len(data) < 4096:
        return False
    rows = np.frombuffer(data[:4096], np.uint8).reshape(32, 128)
    names = rows[:, 57:67]
    printable = ((names >= 0x20) & (names < 0x7F)).all(1) & (names != 0x20).any(1)
    return bool(printable.mean() >= 0.75 and not rows[:, 100:].any(1).mean() > 0.25 and (rows[:, :57] < 128).all())


def _opened(data: bytes) -> Part | None:
    """What is inside a container, or None if it is none."""
    if data.startswith(b"\xf0"):  # a message: most files, and there are many
        return None
    start = _midi_file(data)
    if start is not None:
        return Part(_midi_messages(data, start), "a MIDI file")
    if (plain := _from_text(data)) is not None:
        return Part(plain, "text of numbers")
    return None


def _midi_file(data: bytes) -> int | None:
    """Where a MIDI file starts: with the file, in a RIFF file, or after the header of a Macintosh file."""
    if data.startswith(b"MThd"):
        return 0
    if data.startswith(b"RIFF") and data[8:12] == b"RMID" and b"MThd" in data:
        return data.index(b"MThd")
    return 128 if data[128:132] == b"MThd" else None


def _midi_messages(data: bytes, start: int) -> bytes:
    """The system-exclusive messages of all tracks, one after the other; of a damaged track those before the damage."""
    found = bytearray()
    while start + 8 <= len(data):
        kind = data[start : start + 4]
        size = int.from_bytes(data[start + 4 : start + 8])
        start += 8
        if kind == b"MTrk":
            found += _track_messages(data[start : start + size])
        start += size
    return bytes(found)


def _track_messages(track: bytes) -> bytes:
    found = bytearray()
    place = 0
    running = 0
    try:
        while place < len(track):
            _, place = _number(track, place)  # the time
            status = track[place]
            if status < 0x80:
                status = running  # the same kind of message as before
            else:
                place += 1
            if status in (0xF0, 0xF7, 0xFF):
                place += status == 0xFF  # the kind of event
                size, place = _number(track, place)
                # A long message goes on in F7 events, and any bytes may stand in one.
                if status == 0xF0:
                    found.append(status)
                if status != 0xFF:
                    found += track[place : place + size]
                place += size
            else:
                running = status
                place += 1 if 0xC0 <= status < 0xE0 else 2
    except IndexError:
        pass  # cut off
    return bytes(found)


def _number(track: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    number = 0
    for _ in range(4):
        byte = track[place]
        place += 1
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return number, place


_TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_OFFSET = re.compile(r"\s*(?:0x)?([0-9a-f]{4,16})[:h]?\s+", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s,;:\[\](){}\"'-]+")
_BYTES = re.compile(r"(?:0x|\\x|\$|&h|#)?((?:[0-9a-f]{2})+|[0-9a-f])h?", re.IGNORECASE)
_COMMENT = re.compile(r"//.*|/\*.*?\*/|;\s.*|#\s.*")
_COLUMN = re.compile(r"\||\s>")
_SAMPLE = 4096  # bytes that show whether it is text of numbers


def _from_text(data: bytes) -> bytes | None:
    """The bytes that a text of hexadecimal or decimal numbers says, also one with offsets and letters beside them."""
    text = _decoded(data)
    if text is None:
        return None
    # A glance at the start tells other text. There the last number may be cut in two.
    sample = text[:_SAMPLE]
    last = len(_SEPARATORS.split(sample)[-1])
    sample = sample[: len(sample) - (last if last < 16 else last % 4)]
    return _numbers(text.splitlines()) if _numbers(sample.splitlines()) is not None else None


def _decoded(data: bytes) -> str | None:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            text = data.decode(encoding, "replace")
            return text if text.isascii() or not text[:1].strip("\ufeff") else None
    data = data.rstrip(b"\x1a\0")
    if not data or data[:_SAMPLE].translate(None, _TEXT) or data.translate(None, _TEXT):
        return None
    return data.decode("ascii")


def _numbers(lines: list[str]) -> bytes | None:
    lines = [stripped for line in lines if (stripped := _COMMENT.sub("", line).rstrip())]
    if (plain := _decimal(lines)) is not None:
        return plain
    found = bytearray()
    width = _width(lines)
    titles = 0
    for line in lines:
        row = _row(line, width)
        if row is None:
            titles += 1
        else:
            found += row
    if len(found) < 16 or titles > max(2, len(lines) // 5):
        return None
    return bytes(found)


def _width(lines: list[str]) -> int:
    """Bytes of a line that begins with its offset, as the second line says; 0 if lines have no offsets."""
    offsets = [int(match[1], 16) for line in lines[:2] if (match := _OFFSET.match(line))]
    if len(offsets) == 2 and not offsets[0] and offsets[1] <= 256:
        return offsets[1]
    return 0


def _row(line: str, width: int) -> bytes | None:
    """The bytes of a line, or None if there is anything else on it."""
    if not width:
        row = bytearray()
        for token in filter(None, _SEPARATORS.split(line.rpartition("=")[2])):
            # Some write `\xF0\x43` without a space between.
            pieces = [piece for piece in re.split(r"(?=\\x)", token) if piece]
            for piece in pieces:
                match = _BYTES.fullmatch(piece)
                if match is None:
                    return None
                row += bytes.fromhex(match[1].rjust(2, "0"))
        return bytes(row)
    offset = _OFFSET.match(line)
    if offset is None:
        return None
    # Letters stand after a bar, or after two spaces: a line has no more bytes than the second's offset.
    row = bytearray()
    rest = _COLUMN.split(line[offset.end() :])[0]
    for token in re.finditer(r"(\s*)(\S+)", rest.replace("-", " ")):
        match = re.fullmatch(r"(?:[0-9a-f]{2})+", token[2], re.IGNORECASE)
        apart = len(token[1]) > 2 or (len(token[1]) == 2 and len(row) != width // 2)
        if match is None or len(row) + len(token[2]) // 2 > width or (row and apart):
            break
        row += bytes.fromhex(token[2])
    return bytes(row)


def _decimal(lines: list[str]) -> bytes | None:
    """The bytes of decimal numbers, of which the first is that of a message."""
    if not lines or "240" not in _SEPARATORS.split(lines[0])[:2]:
        return None
    tokens = [token for token in _SEPARATORS.split("\n".join(lines)) if token]
    if len(tokens) < 16 or not all(re.fullmatch(r"\d{1,3}", token) for token in tokens):
        return None
    values = [int(token) for token in tokens]
    return bytes(values) if max(values) < 256 else None
