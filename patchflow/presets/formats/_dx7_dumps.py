"""Finds the DX7 voice dumps in a file of MIDI messages, and frames new ones.

References:
    Yamaha, DX7 MIDI Data Format
    https://github.com/asb2m10/dexed/blob/master/Documentation/sysex-format.txt
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ._dx7_voice import PACKED, PLAIN, Layout

__all__ = ["BANK", "SINGLE", "Dump", "DumpKind", "Scan", "frame", "scan"]

HEADER = 6  # bytes
START = 0xF0
YAMAHA = 0x43
END = 0xF7
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


BANK = DumpKind(0x09, PACKED, 32)
SINGLE = DumpKind(0x00, PLAIN, 1)


@dataclass(frozen=True)
class Dump:
    """The bytes of voices in a file, good or bad.

    Args:
        kind: What was announced.
        start: Position in the file of the first byte of the first voice.
        data: The bytes of whole voices, `kind.size` or fewer.
        fault: Why voices are missing, or "".
        notes: What is odd about the dump.
    """

    kind: DumpKind
    start: int
    data: bytes
    fault: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scan:
    """What a file holds.

    Args:
        dumps: The dumps, in order.
        framed: False if the file is nothing but bare voices, known by its size only.
        notes: What was skipped.
    """

    dumps: tuple[Dump, ...]
    framed: bool
    notes: tuple[str, ...] = ()


def frame(kind: DumpKind, data: bytes) -> bytes:
    """Returns a complete message on channel 1 around the voices."""
    count = (kind.size >> 7, kind.size & 0x7F)  # 14 bits as two bytes of 7: bit 7 marks MIDI commands
    return bytes((START, YAMAHA, 0, kind.form, *count)) + data + bytes((_checksum(data), END))


def scan(data: bytes) -> Scan:
    """Finds all dumps in a file, each on its own or among other messages.

    A file without any message is taken for bare voices if its size is that of banks (a multiple
    of 4,096 bytes), of one packed voice (128) or of one plain voice (155, or 156 with switches).
    """
    messages = [(start, end, _kind(data, start)) for start, end in _messages(data)]
    dumps = tuple(_dump(data, start, end, kind) for start, end, kind in messages if kind)
    if not dumps and data[:1] != bytes((START,)):
        return Scan(tuple(_bare(data)), framed=False)
    others = [(start, end) for start, end, kind in messages if not kind]
    loose = len(data) - sum(end - start for start, end, _ in messages)
    return Scan(dumps, framed=True, notes=tuple(_skipped(others, loose)))


def _checksum(data: bytes) -> int:
    return -sum(data) & 0x7F


def _messages(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields where each system-exclusive message starts and ends, the last perhaps cut off."""
    start = data.find(START)
    while start >= 0:
        end = _end(data, start)
        yield start, end
        start = data.find(START, end)


def _end(data: bytes, start: int) -> int:
    """Where a message ends: after its F7, or before the next F0, or with the file."""
    kind = _kind(data, start)
    # A dump with its end in the right place is whole, even if a damaged byte inside looks like an end.
    if kind and _closed_in_place(data, start, kind):
        return start + HEADER + kind.size + 2
    stop = _BOUNDARY.search(data, start + 1)
    if not stop:
        return len(data)
    return stop.end() if data[stop.start()] == END else stop.start()


def _kind(data: bytes, start: int) -> DumpKind | None:
    """The kind of dump that starts here, if one does."""
    header = data[start : start + HEADER]
    if len(header) < HEADER or header[1] != YAMAHA or header[2] > 0x0F:
        return None
    for kind in (BANK, SINGLE):
        counted = header[4] << 7 | header[5] == kind.size
        # some editors write the count of a bank as 10 00
        if header[3] == kind.form and (counted or (kind is BANK and _closed_in_place(data, start, kind))):
            return kind
    return None


def _closed_in_place(data: bytes, start: int, kind: DumpKind) -> bool:
    """Whether F7 is where it should be: after the header, the voices and the checksum."""
    end = start + HEADER + kind.size + 1
    return end < len(data) and data[end] == END


def _dump(data: bytes, start: int, end: int, kind: DumpKind) -> Dump:
    body = data[start + HEADER : end]
    closed = body.endswith(bytes((END,)))
    body = body.removesuffix(bytes((END,)))
    here = f"the dump at byte {start}"
    if closed and len(body) != kind.size + 1:
        # Nobody knows where bytes were lost or added, so no voice can be trusted to start where it should.
        fault = f"{here} holds {len(body):,} bytes before its end, not {kind.size + 1:,}: bytes were lost or added"
        return Dump(kind, start + HEADER, b"", fault)
    whole = min(len(body) // kind.layout.size, kind.voices)
    missing = kind.voices - whole
    if missing:
        fault = f"{here} is cut off: {missing} of {kind.voices} voices are missing"
        return Dump(kind, start + HEADER, body[: whole * kind.layout.size], fault)
    notes = tuple(f"{here} {what}" for what in _notes_on_dump(body, kind, closed))
    return Dump(kind, start + HEADER, body[: kind.size], notes=notes)


def _notes_on_dump(body: bytes, kind: DumpKind, closed: bool) -> Iterator[str]:
    """Yields what is unusual about a dump that is read anyway: its end, a missing or a wrong checksum."""
    if not closed:
        yield "does not end with F7; read anyway"
    if len(body) == kind.size:
        yield "has no checksum; read anyway"
    elif (computed := _checksum(body[: kind.size])) != body[kind.size]:
        yield f"has checksum {body[kind.size]} but its bytes give {computed}; voices with allowed values read anyway"


def _bare(data: bytes) -> Iterator[Dump]:
    """Yields dumps without headers, if the file has just the size."""
    if len(data) % BANK.size == 0:
        for start in range(0, len(data), BANK.size):
            yield Dump(BANK, start, data[start : start + BANK.size])
    elif len(data) == PACKED.size:
        yield Dump(DumpKind(BANK.form, PACKED, 1), 0, data)
    elif len(data) in (PLAIN.size, PLAIN.size + 1):
        yield Dump(SINGLE, 0, data[: PLAIN.size])


def _skipped(others: list[tuple[int, int]], loose: int) -> Iterator[str]:
    if others:
        size = sum(end - start for start, end in others)
        plural = "s" if len(others) > 1 else ""
        yield f"skipped {len(others)} other message{plural}, {size:,} bytes, the first at byte {others[0][0]}"
    if loose:
        yield f"skipped {loose:,} bytes outside of messages"
