"""Finds the DX7 voice dumps in a file of MIDI messages, and frames new ones.

References:
    Yamaha, DX7 MIDI Data Format
    https://github.com/asb2m10/dexed/blob/master/Documentation/sysex-format.txt
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ._dx7_voice import NAME, PACKED, PLAIN, BareVoices, Layout, find_voices, plausible
from ._sysex import describe_message

__all__ = ["BANK", "SINGLE", "Dump", "DumpKind", "Scan", "frame", "scan"]

HEADER = 6  # bytes
START = 0xF0
YAMAHA = 0x43
END = 0xF7
REALTIME = bytes(range(0xF8, 0x100))
"""Messages of one byte, such as the clock, that may stand inside any other message."""

_SCRAPS = 20_000  # short messages after which a file is no file of messages
_HIGH = bytes(range(0x80, 0x100))
_BOUNDARY = re.compile(rb"[\xf0\xf7]")


@dataclass(frozen=True)
class DumpKind:
    """A kind of dump.

    Args:
        form: The format number in its header.
        layout: How each voice is laid out.
        voices: How many it holds.
    """

    form: int
    layout: Layout
    voices: int

    @property
    def size(self) -> int:
        """Bytes of all voices."""
        return self.voices * self.layout.size

    @property
    def header(self) -> bytes:
        """The header of a dump on channel 1."""
        # The size has 14 bits as two bytes of 7: bit 7 marks MIDI commands.
        return bytes((START, YAMAHA, 0, self.form, self.size >> 7, self.size & 0x7F))


BANK = DumpKind(0x09, PACKED, 32)
SINGLE = DumpKind(0x00, PLAIN, 1)


@dataclass(frozen=True)
class Dump:
    """The bytes of voices in a file, good or bad.

    Args:
        kind: What was announced.
        data: The bytes of whole voices, `kind.size` or fewer.
        origin: Position in the file of each byte of `data`, and so of the first even if there is none.
        fault: Why voices are missing, or "".
        notes: What is odd about the dump.
        mended: What was wrong with it and was put right.
        cut: Letters that are missing at the end of the name of the last voice.
    """

    kind: DumpKind
    data: bytes
    origin: "range | np.ndarray"
    fault: str = ""
    notes: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    cut: int = 0


@dataclass(frozen=True)
class Scan:
    """What a file holds.

    Args:
        dumps: The dumps, in order.
        notes: What was skipped.
        others: What the other messages are, each kind once.
    """

    dumps: tuple[Dump, ...]
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Message:
    """A stretch of a file from F0 on.

    Args:
        start: Position of F0.
        end: Position after it.
        kind: The kind of dump it is, or None.
        clocks: Real-time bytes to take out, or b"".
        mended: What is wrong with its header.
    """

    start: int
    end: int
    kind: DumpKind | None = None
    clocks: bytes = b""
    mended: tuple[str, ...] = ()


def frame(kind: DumpKind, data: bytes) -> bytes:
    """Returns a complete message on channel 1 around the voices."""
    return kind.header + data + bytes((_checksum(data), END))


def scan(data: bytes) -> Scan:
    """Finds all dumps in a file, each on its own or among other messages, or voices without any message."""
    messages = list(_messages(data))
    dumps = tuple(_dump(data, message, message.kind) for message in messages if message.kind)
    others = [message for message in messages if not message.kind]
    if not any(dump.data for dump in dumps):
        runs = find_voices(data)
        # Where a dump has lost bytes, voices behind the loss look odd: then nothing in there is trusted.
        if runs and (not dumps or all(plausible(run.layout, data[run.start : run.end], whole=True) for run in runs)):
            return _bare(data, runs)
    loose = len(data) - sum(message.end - message.start for message in messages)
    kinds = dict.fromkeys(describe_message(data[other.start : other.end]) for other in others)
    return Scan(dumps, tuple(_skipped(data, others, loose)), tuple(kinds))


def _checksum(data: bytes) -> int:
    return -sum(data) & 0x7F


def _messages(data: bytes) -> Iterator[_Message]:
    """Yields each system-exclusive message, the last perhaps cut off."""
    start = data.find(START)
    scraps = 0
    while start >= 0 and scraps < _SCRAPS:
        message = _message(data, start)
        yield message
        scraps += message.end - message.start < PACKED.size
        start = data.find(START, message.end)


def _message(data: bytes, start: int) -> _Message:
    """The message that starts here: a dump if its header or its length says so."""
    header = data[start : start + HEADER]
    announced = _announced(header)
    # A dump with its end in the right place is whole, even if a damaged byte inside looks like an end.
    for kind in (BANK, SINGLE):
        likely = kind is announced or _nearly(header, kind)
        if not likely or not _ends_in_place(data, start, kind):
            continue
        faults = _header_faults(header, kind)
        # Another header is that of another message, or these are no messages, unless the voices themselves tell.
        if not faults or _tells(kind, data[start + HEADER : start + HEADER + kind.size]):
            end = start + HEADER + kind.size + 1
            return _Message(start, end + (data[end : end + 1] == bytes((END,))), kind, mended=faults)
    clocks = announced or header.translate(None, REALTIME) != header
    return (clocks and _with_clocks(data, start)) or _by_its_end(data, start, announced)


def _by_its_end(data: bytes, start: int, announced: DumpKind | None) -> _Message:
    """A message that ends after its F7, or before the next F0, or with the file."""
    stop = _BOUNDARY.search(data, start + 1)
    end = len(data)
    if stop:
        end = stop.end() if data[stop.start()] == END else stop.start()
    header = data[start : start + HEADER]
    if announced is None or end - start < HEADER:
        return _Message(start, end)
    faults = _header_faults(header, announced)
    whole = min((end - start - HEADER) // announced.layout.size, announced.voices) * announced.layout.size
    if faults and not _tells(announced, data[start + HEADER : start + HEADER + whole]):
        return _Message(start, end)
    return _Message(start, end, announced, mended=faults)


def _with_clocks(data: bytes, start: int) -> _Message | None:
    """A dump whose end is in the right place once real-time bytes are taken out."""
    window = data[start : start + 2 * (HEADER + BANK.size + 2)]
    for clocks in (REALTIME, b"\xf8", b"\xfe", b"\xf8\xfe"):
        plain = window.translate(None, clocks)
        if len(plain) == len(window):
            continue
        kind = _announced(plain[:HEADER])
        if kind is None or not _ends_in_place(plain, 0, kind):
            continue
        last = HEADER + kind.size  # the checksum, or the end behind it
        last += plain[last + 1 : last + 2] == bytes((END,))
        end = start + int(_kept(window, clocks)[last]) + 1
        faults = _header_faults(plain[:HEADER], kind)
        if not faults or _tells(kind, plain[HEADER : HEADER + kind.size]):
            return _Message(start, end, kind, clocks, faults)
    return None


def _kept(data: bytes, clocks: bytes) -> np.ndarray:
    """Positions of the bytes that are not taken out."""
    return np.flatnonzero(~np.isin(np.frombuffer(data, np.uint8), list(clocks)))


def _announced(header: bytes) -> DumpKind | None:
    """The kind of dump that a header says: by its format number, whatever it counts."""
    if len(header) < HEADER or header[1] != YAMAHA or header[2] > 0x0F:
        return None
    return next((kind for kind in (BANK, SINGLE) if header[3] == kind.form), None)


def _nearly(header: bytes, kind: DumpKind) -> bool:
    """Whether two of maker, format and count are those of a kind of dump."""
    if len(header) < HEADER:
        return False
    return (header[1] == YAMAHA) + (header[3] == kind.form) + (header[4:] == kind.header[4:]) >= 2


def _tells(kind: DumpKind, body: bytes) -> bool:
    """Whether bytes are surely voices, whatever the header says."""
    # Other files are full of bytes above 127, and soon told by them.
    return 10 * len(body.translate(None, _HIGH)) >= 9 * len(body) and plausible(kind.layout, body)


def _header_faults(header: bytes, kind: DumpKind) -> tuple[str, ...]:
    """What is wrong with the header of a dump of a known kind."""
    expected = kind.header
    faults: list[str] = []
    if header[1] != YAMAHA:
        faults.append(f"maker {header[1]:02X} instead of 43")
    if header[2] > 0x0F:
        faults.append(f"device byte {header[2]:02X} instead of 00 to 0F")
    if header[3] != kind.form:
        faults.append(f"format {header[3]:02X} instead of {kind.form:02X}")
    # some editors write the count of a bank as 10 00
    if header[4:] not in (expected[4:], b"\x10\x00"):
        faults.append(f"count {header[4:].hex(' ').upper()} instead of {expected[4:].hex(' ').upper()}")
    return tuple(faults)


def _ends_in_place(data: bytes, start: int, kind: DumpKind) -> bool:
    """Whether the end is where it should be: after the header, the voices and the checksum."""
    end = start + HEADER + kind.size + 1
    return end == len(data) or (end < len(data) and data[end] in (START, END))


def _dump(data: bytes, message: _Message, kind: DumpKind) -> Dump:
    """The voices of a message."""
    raw = data[message.start : message.end]
    origin: range | np.ndarray = range(message.start, message.end)
    here = f"the dump at byte {message.start}"
    mended = [f"{here} has in its header {fault}; read anyway" for fault in message.mended]
    if message.clocks:
        kept = _kept(raw, message.clocks)
        count = len(raw) - len(kept)
        mended.append(f"{here} has {count} real-time byte{'s' * (count != 1)} (clock and the like) inside; left out")
        raw = raw.translate(None, message.clocks)
        origin = message.start + kept
    return _voices(kind, raw, origin, here, tuple(mended))


def _voices(kind: DumpKind, raw: bytes, origin: "range | np.ndarray", here: str, mended: tuple[str, ...]) -> Dump:
    """The whole voices of a message without real-time bytes."""
    body = raw[HEADER:]
    closed = body.endswith(bytes((END,)))
    body = body.removesuffix(bytes((END,)))
    origin = origin[HEADER:]
    if closed and len(body) != kind.size + 1 and not _whole_anyway(kind, body):
        # Nobody knows where bytes were lost or added, so no voice can be trusted to start where it should.
        fault = f"{here} holds {len(body):,} bytes before its end, not {kind.size + 1:,}: bytes were lost or added"
        return Dump(kind, b"", origin, fault, mended=mended)
    whole = min(len(body) // kind.layout.size, kind.voices)
    rest = body[whole * kind.layout.size :] if whole < kind.voices else b""
    cut = kind.layout.size - len(rest)
    if whole < kind.voices and cut <= NAME:
        # The parameters of the last voice are all there: only its name was cut.
        body += b" " * cut
        whole += 1
    else:
        cut = 0
    missing = kind.voices - whole
    fault = f"{here} is cut off: {missing} of {kind.voices} voices are missing" if missing else ""
    notes = () if missing or cut else tuple(f"{here} {what}" for what in _notes_on_dump(body, kind, closed))
    if closed and len(body) > kind.size + 1:
        mended = (*mended, f"{here} has {len(body) - kind.size - 1} bytes between its checksum and its end; left out")
    return Dump(kind, body[: whole * kind.layout.size], origin, fault, notes, mended, cut)


def _whole_anyway(kind: DumpKind, body: bytes) -> bool:
    """Whether the voices are in place though there are too few or too many bytes before the end."""
    voices = body[: kind.size]
    # If bytes were lost or added inside, the last voices are out of place.
    last = voices[-2 * kind.layout.size :]
    if len(body) < kind.size or not plausible(kind.layout, voices) or not plausible(kind.layout, last):
        return False
    return len(body) == kind.size or _checksum(voices) == body[kind.size]


def _notes_on_dump(body: bytes, kind: DumpKind, closed: bool) -> Iterator[str]:
    """Yields what is unusual about a dump that is read anyway: its end, a missing or a wrong checksum."""
    if not closed:
        yield "does not end with F7; read anyway"
    if len(body) == kind.size:
        yield "has no checksum; read anyway"
    elif (computed := _checksum(body[: kind.size])) != body[kind.size]:
        yield f"has checksum {body[kind.size]} but its bytes give {computed}; voices with allowed values read anyway"


def _bare(data: bytes, runs: list[BareVoices]) -> Scan:
    """The dumps of a file that has voices, but no message around them."""
    used = sum(run.end - run.start for run in runs)
    rest = len(data) - used
    plural = "s" if rest > 1 else ""
    # Of the whole file, and so said once, with its first voices.
    mended = (f"skipped {rest:,} byte{plural} before, between or behind the voices",) if rest else ()
    dumps: list[Dump] = []
    for run in runs:
        kind = DumpKind(BANK.form, run.layout, run.voices)
        place = range(run.start, run.end)
        dumps.append(Dump(kind, data[run.start : run.end], place, mended=() if dumps else mended))
    return Scan(tuple(dumps))


def _skipped(data: bytes, others: list[_Message], loose: int) -> Iterator[str]:
    """Yields what was not used: other messages by what they are, and bytes outside."""
    groups: dict[str, list[_Message]] = {}
    for other in others:
        groups.setdefault(describe_message(data[other.start : other.end]), []).append(other)
    for what, group in groups.items():
        size = sum(other.end - other.start for other in group)
        plural = "s" if len(group) > 1 else ""
        first = group[0].start
        yield f"skipped {len(group)} other message{plural}, {size:,} bytes, the first at byte {first}: {what}"
    if loose:
        yield f"skipped {loose:,} bytes outside of messages"
