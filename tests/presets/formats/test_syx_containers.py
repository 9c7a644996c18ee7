"""DX7 voices inside something else: MIDI files, text of numbers."""

from functools import cache

import numpy as np
import pytest

from patchflow.errors import PresetError
from patchflow.presets import Preset
from patchflow.presets.dx7 import SPACE
from patchflow.presets.formats.syx import Syx


@cache
def voices(count: int, seed: int = 3) -> tuple[Preset, ...]:
    points = np.random.default_rng(seed).random((count, len(SPACE)))
    return tuple(Preset("dexed", SPACE.decode(point), name=f"VOICE {i}") for i, point in enumerate(points))


@cache
def bank(seed: int = 3) -> bytes:
    return Syx().write(voices(32, seed))


def presets(data: bytes) -> tuple[Preset, ...]:
    assert Syx().recognises(data)
    return Syx().read(data).presets


# MIDI files


def number(value: int) -> bytes:
    """A number of seven bits a byte, the first marked with bit 7."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.insert(0, value & 0x7F | 0x80)
    return bytes(digits)


def midi(*tracks: bytes) -> bytes:
    chunks = [b"MTrk" + (len(track) + 4).to_bytes(4) + track + b"\x00\xff\x2f\x00" for track in tracks]
    return b"MThd" + (6).to_bytes(4) + bytes((0, 1, 0, len(tracks), 0, 96)) + b"".join(chunks)


def event(message: bytes) -> bytes:
    return b"\x00\xf0" + number(len(message) - 1) + message[1:]


NOTES = b"\x00\x90\x3c\x64\x60\x3c\x00\x00\xc0\x05\x07\x00\xff\x03\x04name\x00\xe0\x00\x40"
"""A note, its end with running status, a program, a program with running status, a name, a bend."""


def in_packets(message: bytes) -> bytes:
    pieces = [message[1:1500], message[1500:3000], message[3000:]]
    first, *others = (number(len(piece)) + piece for piece in pieces)
    return b"\x00\xf0" + first + b"".join(b"\x83\x00\xf7" + other for other in others)


MIDI = {
    "one": (midi(event(bank())), 1),
    "among notes": (midi(NOTES + event(bank()) + NOTES), 1),
    "in packets": (midi(in_packets(bank()) + NOTES), 1),
    "escaped": (midi(b"\x00\xf7" + number(len(bank())) + bank()), 1),
    "two tracks": (midi(event(bank()), NOTES + event(bank())), 2),
    "in riff": (b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + midi(event(bank())), 1),
    "no end": (midi(event(bank()[:-1]) + NOTES), 1),
    "unknown chunk": (midi(event(bank()))[:14] + b"XXXX\0\0\0\2ab" + midi(event(bank()))[14:], 1),
    "cut off": (midi(NOTES + event(bank()))[:-4], 1),
}


@pytest.mark.parametrize("kind", MIDI)
def test_voices_of_a_midi_file_are_read(kind: str):
    data, times = MIDI[kind]

    assert presets(data) == voices(32) * times


def test_a_midi_file_is_said():
    assert Syx().read(midi(event(bank()))).notes == ("a MIDI file: unpacked; bytes are counted in what is inside",)


def test_a_midi_file_of_notes_is_refused():
    with pytest.raises(PresetError, match="not a DX7 file: a MIDI file: "):
        Syx().read(midi(NOTES * 100))


# Text


def dump(data: bytes, row: str, width: int = 16) -> bytes:
    """Text with offsets and letters, as programs show files."""
    lines: list[str] = []
    for start in range(0, len(data), width):
        part = data[start : start + width]
        letters = "".join(chr(code) if 0x20 <= code < 0x7F else "." for code in part)
        lines.append(row.format(start, part.hex(" "), part.hex(" ", -2), letters))
    return "\n".join(lines).encode()


def in_halves(data: bytes) -> bytes:
    """Text with a wider gap in the middle of each line."""
    lines: list[str] = []
    for start in range(0, len(data), 16):
        part = data[start : start + 16]
        lines.append(f"{start:08x}  {part[:8].hex(' ')}  {part[8:].hex(' ')}  |abcdef 12 34|")
    return "\n".join(lines).encode()


TEXT = {
    "spaces": bank().hex(" ").encode(),
    "upper case": bank().hex(" ").upper().encode(),
    "nothing between": bank().hex().encode(),
    "lines": b"\r\n".join(bank()[i : i + 32].hex().encode() for i in range(0, len(bank()), 32)),
    "colons": bank().hex(":").encode(),
    "one a line": "\n".join(f"{code:02X}" for code in bank()).encode(),
    "of a program": ("{ " + ", ".join(f"0x{code:x}" for code in bank()) + " };").encode(),
    "declared": ("const uint8_t bank[4104] = { " + ", ".join(f"0x{code:02X}" for code in bank()) + " };").encode(),
    "escaped": "".join(f"\\x{code:02x}" for code in bank()).encode(),
    "dollars": " ".join(f"${code:02X}" for code in bank()).encode(),
    "with h": " ".join(f"{code:02X}h" for code in bank()).encode(),
    "decimal": ", ".join(map(str, bank())).encode(),
    "decimal, one a line": "\n".join(map(str, bank())).encode(),
    "a title": b"ROM 1A, my best bank\n\n" + bank().hex(" ", 1).encode(),
    "comments": b"# my bank\n; more\n" + bank().hex(" ").encode(),
    "utf-8 mark": b"\xef\xbb\xbf" + bank().hex(" ").encode(),
    "utf-16": bank().hex(" ").encode("utf-16"),
    "ctrl-z": bank().hex(" ").encode() + b"\r\n\x1a",
    "xxd": dump(bank(), "{0:08x}: {2}  {3}"),
    "hexdump": in_halves(bank()),
    "offsets": dump(bank(), "{0:06X}  {1}"),
    "offsets and letters": dump(bank(), "{0:04X}: {1}   {3}"),
    "bare": bank()[6:4102].hex(" ").encode(),
}


@pytest.mark.parametrize("kind", TEXT)
def test_voices_in_text_of_numbers_are_read(kind: str):
    assert presets(TEXT[kind]) == voices(32)


def test_text_of_numbers_is_said():
    assert Syx().read(TEXT["xxd"]).notes == ("text of numbers: unpacked; bytes are counted in what is inside",)


@pytest.mark.parametrize(
    "text", [b"A bad face faded. " * 100, b"12 34 56 78 " * 400, b"1.5, 2.5\n" * 300, b"{}" * 2000]
)
def test_other_text_is_refused(text: bytes):
    assert not Syx().recognises(text)
