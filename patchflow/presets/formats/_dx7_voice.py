"""The bit fields of a DX7 voice, plain and packed, and its name.

References:
    Yamaha, DX7 MIDI Data Format
    https://github.com/asb2m10/dexed/blob/master/Documentation/sysex-format.txt
"""

import re
from collections.abc import Iterable
from functools import cached_property

import numpy as np

from ..preset_names import ascii_name, from_katakana, is_katakana

__all__ = ["NAME", "PACKED", "PARAMETERS", "PLAIN", "Layout", "decode_name", "encode_name", "in_katakana"]

PARAMETERS = 145
NAME = 10  # bytes

Field = tuple[int, int, int]
"""Byte, lowest bit and width of a parameter."""


class Layout:
    """A way to lay a voice out in bytes: 145 bit fields, then 10 letters.

    Args:
        size: Bytes of a voice.
        fields: Byte, lowest bit and width of each parameter, in the order of a single-voice dump.

    Example:
        >>> voices = np.zeros((1, 155), np.uint8)
        >>> voices[0, 134] = 31
        >>> packed = PACKED.join(voices)
        >>> packed.shape, int(packed[0, 110]), int(PACKED.split(packed)[0, 134])
        ((1, 128), 31, 31)
    """

    def __init__(self, size: int, fields: Iterable[Field]) -> None:
        self.size = size
        self.byte, self.shift, width = np.array(list(fields)).T
        self.mask = (1 << width) - 1

    @cached_property
    def unused(self) -> np.ndarray:
        """The bits below bit 7 that no parameter uses, uint8, shape `(size - 10,)`."""
        used = np.zeros(self.size - NAME, np.uint8)
        np.bitwise_or.at(used, self.byte, (self.mask << self.shift).astype(np.uint8))
        return ~used & 0x7F

    def split(self, rows: np.ndarray) -> np.ndarray:
        """Returns plain voices, bytes of shape `(N, 155)`, from rows of shape `(N, size)`."""
        voices = np.empty((len(rows), PARAMETERS + NAME), np.uint8)
        voices[:, :PARAMETERS] = rows[:, self.byte] >> self.shift & self.mask
        voices[:, PARAMETERS:] = rows[:, self.size - NAME :]
        return voices

    def join(self, voices: np.ndarray) -> np.ndarray:
        """Returns rows of shape `(N, size)` from plain voices in range, shape `(N, 155)`."""
        rows = np.zeros((len(voices), self.size), np.uint8)
        fields = (voices[:, :PARAMETERS].astype(int) << self.shift).astype(np.uint8)
        # Several fields share a byte. `rows[:, byte] |= fields` would keep only the last of each byte.
        np.bitwise_or.at(rows.T, self.byte, fields.T)
        rows[:, self.size - NAME :] = voices[:, PARAMETERS:]
        return rows


def _packed_operator(first: int) -> list[Field]:
    """The 21 fields of the operator whose 17 bytes start at `first`."""
    # In the order of a single voice. Packed bytes are not: detune, the last, shares byte 12 with rate scaling.
    return [
        *[(first + i, 0, 7) for i in range(11)],  # envelope, breakpoint, depths
        (first + 11, 0, 2),  # left curve
        (first + 11, 2, 2),  # right curve
        (first + 12, 0, 3),  # rate scaling
        (first + 13, 0, 2),  # amp mod
        (first + 13, 2, 3),  # velocity
        (first + 14, 0, 7),  # output
        (first + 15, 0, 1),  # mode
        (first + 15, 1, 5),  # coarse
        (first + 16, 0, 7),  # fine
        (first + 12, 3, 4),  # detune
    ]


def _packed_voice() -> list[Field]:
    """The 19 fields that all operators share."""
    return [
        *[(byte, 0, 7) for byte in range(102, 110)],  # pitch envelope
        (110, 0, 5),  # algorithm
        (111, 0, 3),  # feedback
        (111, 3, 1),  # oscillator sync
        *[(byte, 0, 7) for byte in range(112, 116)],  # LFO: speed, delay, pitch depth, amp depth
        (116, 0, 1),  # LFO sync
        (116, 1, 3),  # LFO wave
        (116, 4, 3),  # LFO pitch mod
        (117, 0, 7),  # transpose
    ]


def _packed() -> list[Field]:
    fields = []
    for n in range(6):
        fields += _packed_operator(17 * n)
    return [*fields, *_packed_voice()]


PLAIN = Layout(155, [(byte, 0, 7) for byte in range(PARAMETERS)])
"""A single voice: a byte for each parameter."""

PACKED = Layout(128, _packed())
"""A voice of a bank: small parameters share a byte."""


# The display shows these for three ASCII codes; most files come from editors, where 5C and 7E are ASCII.
_DISPLAY = {"\N{YEN SIGN}": 0x5C, "\N{RIGHTWARDS ARROW}": 0x7E, "\N{LEFTWARDS ARROW}": 0x7F}


def decode_name(data: bytes) -> str:
    r"""Returns the name without the spaces that fill it up; what is no letter becomes a space.

    Bit 7 of a letter is ignored, unless the name is in katakana.

    Example:
        >>> decode_name(b"BRASS \x7f 1 "), decode_name(b"\xc2RASS     "), decode_name(b"\xcb\xdf\xb1\xc9 1    ")
        ('BRASS ← 1', 'BRASS', 'ﾋﾟｱﾉ 1')
    """
    if in_katakana(data):
        return "".join(from_katakana(code) if code > 0x7F else _letter(code) for code in data).rstrip()
    return "".join(_letter(code & 0x7F) for code in data).rstrip()


def in_katakana(data: bytes) -> bool:
    r"""Returns whether a name has half-width katakana letters, as Japanese editors write them.

    Letters with bit 7 set by damage are told from them: katakana stand together, and every such byte is one.

    Example:
        >>> in_katakana(b"\xcd\xde\xb0\xbd     1"), in_katakana(b"B\xd2ASS     ")
        (True, False)
    """
    high = [code for code in data if code > 0x7F]
    return len(high) > 1 and all(map(is_katakana, high)) and bool(_TOGETHER.search(data))


def encode_name(name: str) -> bytes:
    """Returns ten bytes: transliterated where a letter is not ASCII, cut off after ten.

    Example:
        >>> encode_name("Flûte à bec"), encode_name("Сопрано")
        (b'Flute a be', b'Soprano   ')
    """
    plain = ascii_name(name, NAME, keep=_DISPLAY)
    return bytes(_DISPLAY.get(letter, ord(letter) & 0x7F) for letter in plain).ljust(NAME)


_TOGETHER = re.compile(rb"[\x80-\xff]{2}")


def _letter(code: int) -> str:
    if code == 0x7F:
        return "\N{LEFTWARDS ARROW}"
    return chr(code) if 0x20 <= code < 0x7F else " "
