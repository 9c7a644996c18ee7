"""Estimates when the key of a note was released, from its level curve."""

import numpy as np

__all__ = ["note_off"]

_HOP_S = 0.01
_WINDOW_S = 0.04
_FLOOR_DB = 60.0
_SPANS = (6, 12, 25)  # lengths of lines, in hops
_LEAST_DROP_DB = 8.0  # change of slope times span below which there is no release
_LASTING_DB = 3.0  # least drop below the release that no later level makes good


def note_off(samples: np.ndarray, rate: int) -> float:
    """Returns how long the key was held.

    The release is where the level begins to fall faster than before, and stays fallen: the largest
    change of slope between two straight lines of 60, 120 or 250 ms in the level curve, then placed by
    ever shorter lines. A sound that dies at one pace, or ends before it is released, was held to its end.

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
    level = _level(samples, rate)
    knees = {span: _knees(level, span) for span in _SPANS if 2 * span <= len(level)}
    largest = {span: float(drops.max()) for span, drops in knees.items()}
    if not largest or max(largest.values()) < _LEAST_DROP_DB:
        return len(samples) / rate

    # Long lines find the release, because wobbles of the level bend short ones as well. Short lines then place it, each
    # within half of the line before.
    span = max(largest, key=largest.__getitem__)
    knee = int(knees[span].argmax())
    for finer in reversed(_SPANS):
        if finer < span:
            first = max(0, knee - span // 2)
            near = knees[finer][first : knee + span // 2 + 1]
            if near.max() > 0:
                knee = first + int(near.argmax())
            span = finer
    return knee * _HOP_S


def _level(samples: np.ndarray, rate: int) -> np.ndarray:
    """Level every 10 ms below the loudest, in dB, from -60 to 0, shape `(N,)`."""
    # The energy of a window is the difference of two running sums, so that overlapping windows cost nothing.
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    centre = np.arange(0.0, len(samples), _HOP_S * rate)
    first = np.clip(centre - _WINDOW_S / 2 * rate, 0, len(samples)).astype(int)
    last = np.clip(centre + _WINDOW_S / 2 * rate, 0, len(samples)).astype(int)
    power = (energy[last] - energy[first]) / np.maximum(last - first, 1)
    share = power / max(float(power.max()), 1e-30)
    return 10 * np.log10(np.maximum(share, 10 ** (-_FLOOR_DB / 10)))


def _knees(level: np.ndarray, span: int) -> np.ndarray:
    """By how much more the level falls in the `span` after each frame than in the one before, in dB.

    0 where that is not known, or where the level comes back up later.
    """
    slope = _slopes(level, span)
    at = np.arange(span, len(level) - span + 1)
    loudest_later = np.maximum.accumulate(level[::-1])[::-1]
    lasting = loudest_later[at + span - 1] < level[at] - _LASTING_DB
    drops = np.zeros(len(level))
    drops[at] = np.where(lasting, np.maximum(slope[at - span] - slope[at], 0) * span, 0)
    return drops


def _slopes(level: np.ndarray, span: int) -> np.ndarray:
    """Slope of the least-squares line through `level[i : i + span]`, in dB per frame, for every `i`."""
    t = np.arange(span) - (span - 1) / 2
    return np.correlate(level, t / np.square(t).sum(), "valid")
