"""Yamaha DX7 voices as system-exclusive dumps: `.syx` banks and single voices."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from ...errors import PresetError
from .. import dx7
from ..preset import Preset
from ._dx7_dumps import BANK, SINGLE, Dump, frame, scan
from ._dx7_voice import PACKED, PARAMETERS, Layout, decode_name, encode_name
from ._format import PresetFormat, ReadReport, Rejected

__all__ = ["Syx"]


class Syx(PresetFormat):
    """DX7 banks of 32 voices and single voices, as the synth itself sends and receives them.

    Reading takes any number of dumps, with or without headers, among other messages. A voice with
    a byte that is not allowed is rejected whole; nothing is clipped into range. Bits that no
    parameter uses are ignored, as the synth does, and noted. A wrong checksum is noted: many old
    files have one, and every voice is checked anyway.

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

    def recognises(self, data: bytes) -> bool:
        """Returns whether there is a DX7 dump, whole or damaged, or bare voices; see `PresetFormat`."""
        try:
            self.read(data)
        except PresetError:
            return False
        return True

    def read(self, data: bytes) -> ReadReport:
        """Reads all voices of a file; see `PresetFormat`."""
        found = scan(data)
        presets: list[Preset] = []
        places: list[int] = []
        rejected: list[Rejected] = []
        notes = list(found.notes)
        first = 1  # voices are numbered through the whole file
        for dump in found.dumps:
            report = _read(dump, first)
            presets += report.presets
            places += report.places
            rejected += report.rejected
            notes += report.notes
            first += dump.kind.voices
        # Zeros of the right size would pass for bare voices, if their names were not empty.
        if not found.dumps or not (found.framed or any(preset.name for preset in presets)):
            raise PresetError(f"not a DX7 file: {_what_it_is(data)}")
        return ReadReport(tuple(presets), tuple(rejected), tuple(notes), places=tuple(places))

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns one single-voice dump or as many banks as it takes; see `PresetFormat`."""
        if not presets:
            raise PresetError(f"{self.extensions[0]}: no preset to write")
        if len(presets) == 1:
            return frame(SINGLE, _voice(presets[0]))
        voices = [_voice(preset) for preset in presets]
        init = _voice(Preset("dexed", dx7.SPACE.decode(dx7.SPACE.default()), name="INIT VOICE"))
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


def _read(dump: Dump, first: int) -> ReadReport:
    """Sorts the voices of a dump whose first voice is number `first` of the file."""
    layout = dump.kind.layout
    rows = np.frombuffer(dump.data, np.uint8).reshape(-1, layout.size)
    voices = layout.split(rows)
    # Bit 7 never belongs to a field, so `split` loses it: a damaged byte shows only in the rows.
    good = (rows <= 127).all(1) & (voices[:, :PARAMETERS] <= dx7.LIMITS).all(1)
    presets = tuple(_preset(voice) for voice in voices[good])
    places = tuple(first + int(i) for i in np.flatnonzero(good))
    rejected = [_reject(dump, int(i), rows[i], voices[i], first) for i in np.flatnonzero(~good)]
    if dump.fault:
        rejected.append(Rejected(0, dump.fault))
    notes = list(dump.notes)
    stray = (rows[good, : len(layout.unused)] & layout.unused).any(1).sum()
    if stray:
        notes.append(f"{stray} voices of the dump at byte {dump.start} set unused bits, which are ignored")
    return ReadReport(presets, tuple(rejected), tuple(notes), places=places)


def _preset(voice: np.ndarray) -> Preset:
    return Preset("dexed", dx7.values_from_bytes(voice[:PARAMETERS]), name=_name(voice))


def _name(voice: np.ndarray) -> str:
    return decode_name(bytes(voice[PARAMETERS:] & 0x7F))


def _reject(dump: Dump, i: int, row: np.ndarray, voice: np.ndarray, first: int) -> Rejected:
    """Says what is wrong with voice `i` of a dump."""
    faults = list(_faults(dump.kind.layout, row, voice))
    label, byte, value, high = faults[0]
    byte += dump.start + i * dump.kind.layout.size
    place = f"{label} (byte {byte})" if label else f"byte {byte}"
    more = f", and {len(faults) - 1} more like it" if len(faults) > 1 else ""
    return Rejected(first + i, f"{place} is {value}, not in [0, {high}]{more}", _name(voice), byte, value, (0, high))


def _faults(layout: Layout, row: np.ndarray, voice: np.ndarray) -> Iterator[tuple[str, int, int, int]]:
    """Yields parameter (or ""), byte within the voice, value and largest value."""
    for byte in np.flatnonzero(row > 127):
        yield "", int(byte), int(row[byte]), 127
    for i in np.flatnonzero((voice[:PARAMETERS] > dx7.LIMITS) & (row[layout.byte] <= 127)):
        yield dx7.NAMES[i], int(layout.byte[i]), int(voice[i]), int(dx7.LIMITS[i])


def _what_it_is(data: bytes) -> str:
    if not data:
        return "the file is empty"
    if data[0] == 0xF0:
        return f"{len(data):,} bytes of other MIDI messages"
    return f"{len(data):,} bytes without a voice dump (a bank has 4,104 bytes, a single voice 163)"
