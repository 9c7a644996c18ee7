"""How loud a sound is: as a whole, matched without clipping; and over time, where the release of its key shows."""

import functools
from dataclasses import dataclass

import numpy as np

__all__ = ["Levelled", "loudness", "match_loudness", "note_off"]

_BLOCK_S = 0.4
_OVERLAP = 0.75
_GATE_LUFS = -70.0
_BELOW_MEAN_LU = 10.0  # the second gate, below the mean of what passes the first
_AT_0_DB = -0.691  # LUFS of a mean square of 1 after the filters
_CEILING_DB = -1.0

# The two filters of the standard, at any rate: gain in dB, quality and frequency in Hz of a high shelf, then the
# quality and frequency of a high pass.
_SHELF = (4.0, 0.5**0.5, 1_500.0)
_HIGH_PASS = (0.5, 38.0)
_RINGING_S = 0.5  # after which nothing is left of either filter's answer to a click: less than 1e-50

_HOP_S = 0.01
_WINDOW_S = 0.04
_LOWEST_HZ = 40.0
_HIGHEST_HZ = 11_000.0
_BANDS = 24
_FLOOR_DB = 60.0
_SPANS = (6, 12, 25, 50)  # lengths of lines, in hops
_PLACING_SPANS = (25, 12, 6, 3)  # the same where a release is placed
_MOST_DB = 6.0  # change of slope times span of a band above which more is no better evidence
_MOST_PLACED_DB = 20.0  # the same where a release is placed
_LEAST_DB = 1.0  # mean change of all bands below which there is no release
_LASTING_DB = 1.0  # least drop below the release that no later level makes good


@dataclass(frozen=True)
class Levelled:
    """A sound after a change of gain.

    Args:
        samples: The sound, shape `(T,)`.
        gain_db: The gain that was applied, in dB.
        limited: Whether the gain is lower than asked for, to keep the peak at or below -1 dB.
    """

    samples: np.ndarray
    gain_db: float
    limited: bool


def loudness(samples: np.ndarray, rate: int) -> float:
    """Returns the integrated loudness of a mono sound.

    Sounds shorter than one gating block of 0.4 s count as one block of their own length. The gate for
    silence lies 70 dB below a sound of the same peak at full scale, so a gain of `g` dB adds exactly `g`.

    The same as pyloudnorm's, whose filters need a second to import.

    References:
        ITU-R BS.1770-4, https://www.itu.int/rec/R-REC-BS.1770
        R. Bristow-Johnson, Audio EQ Cookbook, https://www.w3.org/TR/audio-eq-cookbook/

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.

    Returns:
        Loudness in LUFS; minus infinity for silence.

    Example:
        >>> t = np.arange(48_000) / 48_000
        >>> round(loudness(np.sin(2 * np.pi * 997 * t), 48_000))
        -3
    """
    peak = float(np.abs(samples).max())
    if peak == 0 or len(samples) < 2:
        return -np.inf
    block = min(_BLOCK_S, (len(samples) - 0.5) / rate)
    # The standard's gate for silence is absolute, so the loudness of a soft sound would not change by as much as its
    # gain. Measured at full scale, it does.
    powers = _block_powers(_weighted(samples / peak, rate), rate, block)
    loud = powers[_lufs(powers) >= _GATE_LUFS]
    if len(loud):
        loud = loud[_lufs(loud) > _lufs(loud.mean()) - _BELOW_MEAN_LU]
    return float(_lufs(loud.mean()) + 20 * np.log10(peak)) if len(loud) else -np.inf


def _lufs(power: np.ndarray | float) -> np.ndarray:
    """Loudness of mean squares, of any shape."""
    return np.asarray(_AT_0_DB + 10 * np.log10(np.maximum(power, 1e-300)))


def _block_powers(samples: np.ndarray, rate: int, block: float) -> np.ndarray:
    """The mean squares of overlapping blocks of so many seconds, shape `(N,)`."""
    step = 1 - _OVERLAP
    count = round((len(samples) / rate - block) / (block * step)) + 1
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples))])
    first = (block * rate * step * np.arange(count)).astype(int)
    last = (block * rate * (step * np.arange(count) + 1)).astype(int)
    return (energy[np.minimum(last, len(samples))] - energy[first]) / (block * rate)


def _weighted(samples: np.ndarray, rate: int) -> np.ndarray:
    """The sound after both filters, which hear as the head and the ear do."""
    # Products of spectra filter as recursion does, as long as there is room for what rings on after the end.
    room = len(samples) + round(_RINGING_S * rate)
    size = 1 << (room - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(samples, size) * _response(size, rate), size)[: len(samples)]


@functools.lru_cache(maxsize=4)  # many sounds of one length are measured after each other
def _response(size: int, rate: int) -> np.ndarray:
    """The answer of both filters at the frequencies of a transform of real numbers."""
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones(len(turn), complex)
    for above, below in (_shelf(rate), _high_pass(rate)):
        response = response * np.polyval(above[::-1], turn) / np.polyval(below[::-1], turn)
    return response


_Filter = tuple[tuple[float, ...], tuple[float, ...]]  # weights of the last inputs, and of the last outputs


def _shelf(rate: int) -> _Filter:
    """Bristow-Johnson's high shelf."""
    gain_db, quality, hz = _SHELF
    a = 10 ** (gain_db / 40)
    turn = 2 * np.pi * hz / rate
    cos = float(np.cos(turn))
    width = 2 * a**0.5 * float(np.sin(turn)) / (2 * quality)
    above = (a * (a + 1 + (a - 1) * cos + width), -2 * a * (a - 1 + (a + 1) * cos), a * (a + 1 + (a - 1) * cos - width))
    below = (a + 1 - (a - 1) * cos + width, 2 * (a - 1 - (a + 1) * cos), a + 1 - (a - 1) * cos - width)
    return above, below


def _high_pass(rate: int) -> _Filter:
    """Bristow-Johnson's high pass."""
    quality, hz = _HIGH_PASS
    turn = 2 * np.pi * hz / rate
    cos = float(np.cos(turn))
    width = float(np.sin(turn)) / (2 * quality)
    return ((1 + cos) / 2, -1 - cos, (1 + cos) / 2), (1 + width, -2 * cos, 1 - width)


def match_loudness(samples: np.ndarray, rate: int, target_lufs: float) -> Levelled:
    """Brings a sound to a loudness, or as near as it gets without clipping.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        target_lufs: The loudness wanted, in LUFS.

    Returns:
        The sound, float32, with its peak at or below -1 dB. Silence stays silence, and nothing is changed
        towards a target of minus infinity except what the peak demands.
    """
    loud = loudness(samples, rate)
    peak = float(np.abs(samples).max())
    wanted = target_lufs - loud if np.isfinite([target_lufs, loud]).all() else 0.0
    most = _CEILING_DB - 20 * np.log10(peak) if peak > 0 else wanted
    gain_db = float(min(wanted, most))
    levelled = (samples * 10 ** (gain_db / 20)).astype(np.float32)
    return Levelled(levelled, gain_db, limited=bool(wanted > most))


def note_off(samples: np.ndarray, rate: int) -> float:
    """Returns how long the key was held.

    The release is where the levels of all bands begin to fall faster than before, and the sound stays softer: the
    largest mean change of slope between two straight lines, over lines of 60 to 500 ms, then placed by ever shorter
    ones. A sound that dies at one pace, or ends before it is released, was held to its end.

    Args:
        samples: Mono, shape `(T,)`, silence before and after removed.
        rate: Sample rate, in Hz.

    Returns:
        Seconds from the first sample to the release, at most the duration of the sound.

    Example:
        >>> t = np.arange(20_000) / 10_000
        >>> note = np.sin(2_000 * t) * np.exp(-np.maximum(t - 1.2, 0) / 0.1)
        >>> round(note_off(note, 10_000), 1)
        1.2
    """
    level = _levels(samples, rate)
    knees = {span: _knees(level, span) for span in _SPANS if 2 * span <= len(level)}
    if not knees:
        return len(samples) / rate
    mean = np.mean(list(knees.values()), axis=0)
    if mean.max() < _LEAST_DB:
        return len(samples) / rate

    # Long lines find the release, because wobbles of the level bend short ones as well. Short lines then place it, each
    # within half of the line before.
    knee = int(mean.argmax())
    span = max(knees, key=lambda span: knees[span][knee])
    for finer in _PLACING_SPANS:
        if finer < span:
            first = max(0, knee - span // 2)
            near = _knees(level, finer, _MOST_PLACED_DB)[first : knee + span // 2 + 1]
            if near.max() > 0:
                knee = first + int(near.argmax())
            span = finer
    return knee * _HOP_S


def _levels(samples: np.ndarray, rate: int) -> np.ndarray:
    """Level of every band each 10 ms below the loudest, in dB, from -60 to 0, shape `(N, bands)`."""
    window = max(2, round(_WINDOW_S * rate))
    padded = np.pad(samples, window // 2)
    starts = np.arange(0.0, len(samples), _HOP_S * rate).astype(int)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[starts] * np.hanning(window)
    power = np.square(np.abs(np.fft.rfft(frames, axis=1)))
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)
    bins = np.searchsorted(np.fft.rfftfreq(window, 1 / rate), edges)
    # What is below the lowest band belongs to it. A band may be narrower than a bin, and then there is none.
    bins[0] = 0
    first = np.unique(bins[:-1][bins[:-1] < power.shape[1]])
    bands = np.add.reduceat(power, first, axis=1)
    share = bands / max(float(bands.max()), 1e-30)
    return 10 * np.log10(np.maximum(share, 10 ** (-_FLOOR_DB / 10)))


def _knees(level: np.ndarray, span: int, most: float = _MOST_DB) -> np.ndarray:
    """By how much more a band falls in the `span` after each frame than in the one before, in dB; the mean of all.

    A band counts for as much as it is above the floor, and no band for more than `most`. 0 where that is not known, or
    where the level comes back up later.
    """
    total = 10 * np.log10((10 ** (level / 10)).sum(1))
    loudest_later = np.maximum.accumulate(total[::-1])[::-1]
    quietest_later = np.minimum.accumulate(total[::-1])[::-1]
    loudest = int(total.argmax())
    quietest_since_loudest = np.concatenate([total[:loudest], np.minimum.accumulate(total[loudest:])])
    slope = _slopes(level, span)
    at = np.arange(span, len(level) - span + 1)
    # What wobbles falls, too, but comes back; and its last wobble falls no deeper than others before.
    lasting = loudest_later[at + span - 1] < total[at] - _LASTING_DB
    lasting &= quietest_later[at] < quietest_since_loudest[at] - _LASTING_DB
    drop = np.clip((slope[at - span] - slope[at]) * span, -most, most)
    weight = level[at] + _FLOOR_DB
    mean = (drop * weight).sum(1) / np.maximum(weight.sum(1), 1)
    knees = np.zeros(len(level))
    knees[at] = np.where(lasting, np.maximum(mean, 0), 0)
    return knees


def _slopes(level: np.ndarray, span: int) -> np.ndarray:
    """Slope of the least-squares line through `level[i : i + span]` of every band, in dB per frame, for every `i`."""
    t = np.arange(span) - (span - 1) / 2
    line = t / np.square(t).sum()
    return np.stack([np.correlate(band, line, "valid") for band in level.T], axis=1)
