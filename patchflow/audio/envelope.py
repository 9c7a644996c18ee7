"""Estimates when the key of a note was released, from its level curves."""

import numpy as np

__all__ = ["note_off"]

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
