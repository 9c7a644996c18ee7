"""The bytes of DX7 voices: bit fields, plain and packed, names, and where voices are that have no message around them.

Files of bare voices have lost their header in whole or in part, or have something before, between and behind the
banks: a checksum, an end mark, padding, a Macintosh header. So the voices are looked for at every byte, and known by
how plausible the bytes are.

References:
    Yamaha, DX7 MIDI Data Format
    https://github.com/asb2m10/dexed/blob/master/Documentation/sysex-format.txt
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..dx7 import LIMITS
from ..preset import ascii_name, from_katakana, is_katakana

__all__ = [
    "NAME",
    "PACKED",
    "PARAMETERS",
    "PLAIN",
    "BareVoices",
    "Layout",
    "decode_name",
    "encode_name",
    "find_voices",
    "in_katakana",
    "plausible",
]

PARAMETERS = 145
NAME = 10  # bytes

Field = tuple[int, int, int]
"""Byte, lowest bit and width of a parameter."""

_LARGEST = 2**17  # bytes in which voices are looked for at every byte; also the beginning of a longer file
_LARGEST_WHOLE = 2**21  # bytes of a file of nothing but voices: 16,384 of them
_BANK = 32  # voices
_FAULTS = 4  # bytes of a plausible voice that no editor would have written
_OPERATORS = 6


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


@dataclass(frozen=True)
class BareVoices:
    """Voices one after the other.

    Args:
        layout: How each is laid out.
        start: Position of the first byte.
        voices: How many.
    """

    layout: Layout
    start: int
    voices: int

    @property
    def end(self) -> int:
        """Position after the last byte."""
        return self.start + self.voices * self.layout.size


def plausible(layout: Layout, data: bytes, *, whole: bool = False) -> bool:
    """Returns whether bytes look like voices.

    Args:
        layout: How each voice is laid out.
        data: Of whole voices.
        whole: Whether every voice must look like one, without any doubt; three quarters of them if not.
    """
    rows = np.frombuffer(data, np.uint8).reshape(-1, layout.size)
    good = _good(layout, rows)
    if whole:
        return bool((good & (_faults(layout, rows) <= 1)).all())
    return bool(len(rows)) and bool(4 * good.sum() >= 3 * len(rows))


def find_voices(data: bytes) -> list[BareVoices]:
    """Finds bare voices, in the order of the file.

    Taken are files of nothing but packed voices, up to 16,384; banks of 32, the last perhaps cut off, with anything
    around them; and a single voice in a file that is hardly longer.

    Args:
        data: A file without messages of voices.
    """
    # The beginning tells of most long files that they are something else, before all is spread out in memory.
    whole = 0 < len(data) <= _LARGEST_WHOLE and len(data) % PACKED.size == 0 and plausible(PACKED, data[:_LARGEST])
    if whole and plausible(PACKED, data):
        return [_whole(data)]
    for layout in (PLAIN, PACKED):
        run = _alone(layout, data)
        if run:
            return [run]
    if not _BANK * PACKED.size - PACKED.size < len(data) <= _LARGEST:
        return []
    return _banks(data)


def _letter(code: int) -> str:
    if code == 0x7F:
        return "\N{LEFTWARDS ARROW}"
    return chr(code) if 0x20 <= code < 0x7F else " "


def _whole(data: bytes) -> BareVoices:
    """The voices of a file of nothing else, without rows of padding or a header before and behind."""
    voices = len(data) // PACKED.size
    if voices % _BANK == 0:
        return BareVoices(PACKED, 0, voices)  # also damaged voices keep their places
    rows = np.frombuffer(data, np.uint8).reshape(voices, PACKED.size)
    good = np.flatnonzero(_good(PACKED, rows))
    return BareVoices(PACKED, int(good[0]) * PACKED.size, int(good[-1] - good[0]) + 1)


def _alone(layout: Layout, data: bytes) -> BareVoices | None:
    """A single voice with at most 16 bytes around it: rests of a header, a checksum, padding."""
    if not layout.size <= len(data) <= layout.size + 16:
        return None
    rows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), layout.size)
    good = np.flatnonzero(_good(layout, rows))
    if not len(good):
        return None
    best = good[np.argmin(_faults(layout, rows[good]), axis=0)]
    return BareVoices(layout, int(best), 1)


def _banks(data: bytes) -> list[BareVoices]:
    """Banks of 32 voices, the last perhaps cut off, at any place."""
    codes = np.frombuffer(data, np.uint8)
    size = PACKED.size
    starts = len(data) - size + 1
    # Every byte is looked up for each of its 128 places in a voice that may hold it.
    faults = np.zeros(starts, np.uint8)
    for place in range(size - NAME):
        faults += _BAD[place][codes[place : place + starts]]
    rows = np.lib.stride_tricks.sliding_window_view(codes, size)
    # Most files are zeros and small numbers in part: only where a name might stand the rest is looked at.
    letters = _sums((codes & 0x7F) >= 0x20, NAME)[size - NAME :][:starts]
    values = _sums(codes > 0, size)[:starts]
    named = (letters >= NAME - 1) | (letters == 0)
    near = np.flatnonzero((faults <= _FAULTS) & named & (values >= _OPERATORS))
    good = np.zeros(starts, bool)
    good[near] = _good(PACKED, rows[near])
    count = np.zeros(starts, np.uint8)  # of good voices in the bank that would start here
    for voice in range(_BANK):
        ahead = good[voice * size :]
        count[: len(ahead)] += ahead
    found = np.flatnonzero(4 * count.astype(int) >= 3 * _BANK)
    runs: list[BareVoices] = []
    while len(found):
        # Three quarters are good from up to a quarter too early on: the best of these places is the first with most.
        near = found[found <= found[0] + _BANK // 4 * size]
        start = int(near[np.argmax(count[near])])
        runs.append(BareVoices(PACKED, start, min(_BANK, (len(data) - start) // size)))
        found = found[np.searchsorted(found, runs[-1].end) :]
    return runs


def _sums(flags: np.ndarray, width: int) -> np.ndarray:
    """How many of the next `width` flags are set, at each place."""
    before = np.concatenate([[0], np.cumsum(flags)])
    return before[width:] - before[:-width]


def _good(layout: Layout, rows: np.ndarray) -> np.ndarray:
    """Which rows look like voices, shape `(N,)`."""
    names = rows[:, layout.size - NAME :]
    # A name of zeros is one that was never given. Zeros alone are no voice: every operator has an envelope.
    blank = ~names.any(1)
    named = ((names & 0x7F) >= 0x20).sum(1) >= NAME - 1
    envelopes = np.zeros(len(rows), int)
    stride = 17 if layout is PACKED else 21
    for operator in range(_OPERATORS):
        envelopes += rows[:, operator * stride : operator * stride + 8].any(1)
    faults = _faults(layout, rows)
    alive = envelopes >= _OPERATORS - 2
    nameless = blank & (faults == 0) & (envelopes == _OPERATORS) & (rows.max(1) >= 50)
    return alive & ((named & (faults <= _FAULTS)) | nameless)


def _faults(layout: Layout, rows: np.ndarray) -> np.ndarray:
    """How many bytes of each row no editor would have written, shape `(N,)`."""
    masked = rows & 0x7F
    over = layout.split(masked)[:, :PARAMETERS] > LIMITS
    stray = masked[:, : layout.size - NAME] & layout.unused
    high = rows[:, : layout.size - NAME] > 127
    return over.sum(1) + (stray > 0).sum(1) + high.sum(1)


def _table() -> np.ndarray:
    """Whether a byte at a place of a packed voice is one that no editor would have written, shape `(118, 256)`."""
    bad = np.zeros((PACKED.size - NAME, 256), bool)
    for code in range(256):
        row = np.full((1, PACKED.size), code, np.uint8)
        over = PACKED.split(row & 0x7F)[0, :PARAMETERS] > LIMITS
        bad[PACKED.byte[over], code] = True
        bad[:, code] |= (row[0, :-NAME] & 0x7F & PACKED.unused) > 0
    bad[:, 128:] = True
    return bad.astype(np.uint8)


_BAD = _table()
