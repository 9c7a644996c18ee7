"""Finds DX7 voices without messages around them: by how plausible the bytes are as voices.

Files of bare voices have lost their header in whole or in part, or have something before, between and behind the banks:
a checksum, an end mark, padding, a Macintosh header. So the voices are looked for at every byte.
"""

from dataclasses import dataclass

import numpy as np

from ..dx7 import LIMITS
from ._dx7_voice import NAME, PACKED, PARAMETERS, PLAIN, Layout

__all__ = ["BareVoices", "find_voices", "plausible"]

_LARGEST = 2**17  # bytes in which voices are looked for at every byte; also the beginning of a longer file
_LARGEST_WHOLE = 2**21  # bytes of a file of nothing but voices: 16,384 of them
_BANK = 32  # voices
_FAULTS = 4  # bytes of a plausible voice that no editor would have written
_OPERATORS = 6


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
