"""Yamaha DX7 voices as system-exclusive dumps: `.syx` banks and single voices."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ...errors import PresetError
from .. import dx7
from ..preset import Preset
from ._dx7_dumps import BANK, SINGLE, Dump, Scan, frame, scan
from ._dx7_voice import NAME, PACKED, PARAMETERS, decode_name, encode_name, in_katakana
from ._format import Mended, PresetFormat, ReadReport, Rejected
from ._sysex import Part, is_four_operator_bank, unwrap

__all__ = ["Syx"]

_SHOWN = 5  # faults of a voice that are named one by one


class Syx(PresetFormat):
    """DX7 banks of 32 voices and single voices, as the synth itself sends and receives them.

    Reading takes any number of dumps, with or without headers, among other messages, also inside a MIDI file
    or hexadecimal text. What the synth and Dexed take is mended and said: a value above its limit becomes the
    limit, bit 7 of a byte is cleared, real-time bytes inside a dump are left out. Bits that no parameter uses are
    ignored, and noted. A wrong checksum is noted: many old files have one.

    Writing makes a single-voice dump (163 bytes) of one preset and banks (4,104 bytes each) of
    more, the last filled up with `INIT VOICE`. A bank keeps all 145 parameters and ten letters.

    References:
        Yamaha, DX7 MIDI Data Format
        https://github.com/asb2m10/dexed/blob/master/Documentation/sysex-format.txt

    Example:
        >>> syx = Syx()
        >>> init = dx7.SPACE.decode(dx7.SPACE.default())
        >>> len(syx.write([Preset("dexed", init, name="One")]))
        163
        >>> [preset.name for preset in syx.read(syx.write([Preset("dexed", init, name="Two")] * 2)).presets][1:3]
        ['Two', 'INIT VOICE']
    """

    synth: ClassVar[str] = "dexed"
    extensions: ClassVar[tuple[str, ...]] = (".syx",)

    def filler(self) -> Preset:
        """Returns the synth's first voice, called "(lost)"; see `PresetFormat`."""
        return _init("(lost)")

    def recognises(self, data: bytes) -> bool:
        """Returns whether there is a DX7 dump, whole or damaged, or bare voices; see `PresetFormat`."""
        dumps = scan(unwrap(data).data).dumps
        # A program may hold a header to compare with.
        return any(dump.data for dump in dumps) or (bool(dumps) and data[:1] == b"\xf0")

    def read(self, data: bytes) -> ReadReport:
        """Reads all voices of a file; see `PresetFormat`."""
        part = unwrap(data)
        found = scan(part.data)
        if not found.dumps:
            where = f"{part.where}: " if part.where else ""
            raise PresetError(f"not a DX7 file: {where}{_what_it_is(part.data, found)}")
        return _read_part(part, found)

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns one single-voice dump or as many banks as it takes; see `PresetFormat`."""
        if not presets:
            raise PresetError(f"{self.extensions[0]}: no preset to write")
        if len(presets) == 1:
            return frame(SINGLE, _voice(presets[0]))
        voices = [_voice(preset) for preset in presets]
        init = _voice(_init("INIT VOICE"))
        voices += [init] * (-len(voices) % BANK.voices)
        fields = np.frombuffer(b"".join(voices), np.uint8).reshape(len(voices), -1)
        rows = PACKED.join(fields)
        banks = []
        for first in range(0, len(rows), BANK.voices):
            bank = rows[first : first + BANK.voices]
            banks.append(frame(BANK, bank.tobytes()))
        return b"".join(banks)


def _voice(preset: Preset) -> bytes:
    """The 155 bytes of a preset."""
    if preset.synth != Syx.synth:
        raise PresetError(
            f"{preset.name or 'preset'}: is for {preset.synth!r}, a .syx file holds presets of 'dexed' only"
        )
    return dx7.bytes_from_points(dx7.SPACE.encode(preset.values)).tobytes() + encode_name(preset.name)


def _init(name: str) -> Preset:
    return Preset("dexed", dx7.SPACE.decode(dx7.SPACE.default()), name=name)


def _joined(reports: Sequence[ReadReport]) -> ReadReport:
    """One report of several dumps."""
    presets: list[Preset] = []
    places: list[int] = []
    rejected: list[Rejected] = []
    mended: list[Mended] = []
    notes: list[str] = []
    for report in reports:
        presets += report.presets
        places += report.places
        rejected += report.rejected
        mended += report.mended
        notes += report.notes
    slots = max((report.slots for report in reports), default=0)
    return ReadReport(tuple(presets), tuple(rejected), tuple(notes), tuple(mended), tuple(places), slots)


def _read_part(part: Part, found: Scan) -> ReadReport:
    """Reads the voices of a file, or of what it says, numbered through all of it."""
    notes = list(found.notes)
    if part.where:
        notes.insert(0, "unpacked; bytes are counted in what is inside")
    reports = [ReadReport((), notes=tuple(notes))]
    first = 1
    for dump in found.dumps:
        reports.append(_read(dump, first))
        first += dump.kind.voices
    report = _joined(reports)
    return report.inside(part.where) if part.where else report


def _read(dump: Dump, first: int) -> ReadReport:
    """Reads the voices of a dump whose first voice is number `first` of the file."""
    layout = dump.kind.layout
    rows = np.frombuffer(dump.data, np.uint8).reshape(-1, layout.size)
    voices = layout.split(rows & 0x7F)
    names = [decode_name(bytes(row[-NAME:])) for row in rows]
    over = voices[:, :PARAMETERS] > dx7.LIMITS
    mended = [Mended(0, fault) for fault in dump.mended]
    odd = np.flatnonzero((rows > 127).any(1) | over.any(1))
    for i in odd.tolist():
        faults = [*_high_bits(dump, i, rows[i]), *_above(dump, i, voices[i], over[i])]
        mended += [replace(fault, voice=first + i, name=names[i]) for fault in faults]
    if dump.cut:
        mended.append(Mended(first + len(rows) - 1, f"the last {dump.cut} letters of its name are cut off", names[-1]))
    limited = np.minimum(voices[:, :PARAMETERS], dx7.LIMITS)
    presets = [
        Preset("dexed", dx7.values_from_bytes(voice), name=name) for voice, name in zip(limited, names, strict=True)
    ]
    notes = list(dump.notes)
    stray = (rows[:, : len(layout.unused)] & layout.unused).any(1).sum()
    if stray:
        notes.append(f"{stray} voices of the dump at byte {dump.origin[0]} set unused bits, which are ignored")
    return ReadReport(
        tuple(presets),
        tuple(Rejected(0, fault) for fault in (dump.fault,) if fault),
        tuple(notes),
        tuple(mended),
        tuple(range(first, first + len(rows))),
        first - 1 + dump.kind.voices,
    )


def _high_bits(dump: Dump, i: int, row: np.ndarray) -> Iterator[Mended]:
    """Says which bytes of voice `i` of a dump have bit 7 set."""
    size = dump.kind.layout.size
    high = np.flatnonzero(row > 127)
    letters = int((high >= size - NAME).sum())
    if letters and in_katakana(bytes(row[-NAME:])):
        at = int(dump.origin[i * size + int(high[-letters])])
        reason = f"its name has {letters} half-width katakana letters, which have bit 7 set; they are kept"
        yield Mended(0, reason, byte=at, value=int(row[high[-letters]]), allowed=(0, 127))
        high = high[:-letters]
    if len(high):
        places = [int(dump.origin[i * size + place]) for place in high.tolist()]
        shown = ", ".join(map(str, places[:_SHOWN])) + ("..." if len(places) > _SHOWN else "")
        what = f"{len(places)} bytes have bit 7 set (bytes" if len(places) > 1 else "1 byte has bit 7 set (byte"
        reason = f"{what} {shown}), which is left out"
        yield Mended(0, reason, byte=places[0], value=int(row[high[0]]), allowed=(0, 127))


def _above(dump: Dump, i: int, voice: np.ndarray, over: np.ndarray) -> Iterator[Mended]:
    """Says which values of voice `i` of a dump are above their limit, and so taken as the limit."""
    layout = dump.kind.layout
    places = np.flatnonzero(over).tolist()
    if not places:
        return
    said: list[str] = []
    for place in places[:_SHOWN]:
        byte = int(dump.origin[i * layout.size + int(layout.byte[place])])
        said.append(f"{dx7.NAMES[place]} (byte {byte}) is {voice[place]}, taken as {dx7.LIMITS[place]}")
    if len(places) > _SHOWN:
        said.append(f"and {len(places) - _SHOWN} more like it")
    first = places[0]
    byte = int(dump.origin[i * layout.size + int(layout.byte[first])])
    yield Mended(0, ", ".join(said), byte=byte, value=int(voice[first]), allowed=(0, int(dx7.LIMITS[first])))


def _what_it_is(data: bytes, found: Scan) -> str:
    if not data:
        return "the file is empty"
    if found.others and data[0] == 0xF0:
        first, *others = found.others
        more = f", and {len(others)} other kinds of messages" if others else ""
        return f"{first} ({len(data):,} bytes){more}"
    if is_four_operator_bank(data):
        return (
            "a bank of 32 voices of a 4-operator synth (DX21, DX27, DX100, TX81Z, DX11), which this synth cannot play"
        )
    return f"{len(data):,} bytes without a voice dump (a bank has 4,104 bytes, a single voice 163)"
