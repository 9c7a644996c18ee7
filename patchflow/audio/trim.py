"""Cuts the silence before and after a sound."""

from dataclasses import replace

import numpy as np

from .sound import Sound

__all__ = ["trim"]

_SHORTEST_S = 0.01


def trim(sound: Sound, threshold_db: float = -50.0) -> Sound:
    """Returns the sound from its first to its last sample above a threshold.

    At least 10 ms are kept. -50 dB lies above the noise of most recordings and below the beginning of
    all but the slowest attacks.

    Args:
        sound: The recording.
        threshold_db: Level relative to its own peak, in dB, below 0.

    Returns:
        The part between; what was cut before it is added to `start`.

    Raises:
        ValueError: If `threshold_db` is not below 0.

    Example:
        >>> padded = np.concatenate([np.zeros(800), np.ones(1_600), np.zeros(800)]).astype(np.float32)
        >>> cut = trim(Sound(padded, 8_000))
        >>> cut.start, cut.seconds
        (0.1, 0.2)
    """
    if not threshold_db < 0:
        raise ValueError(f"threshold_db={threshold_db}: not below 0")
    level = np.abs(sound.samples)
    loud = np.flatnonzero(level > level.max() * 10 ** (threshold_db / 20))
    shortest = int(np.ceil(_SHORTEST_S * sound.rate))
    first = min(int(loud[0]), len(level) - shortest)
    last = max(int(loud[-1]) + 1, first + shortest)
    return replace(sound, samples=sound.samples[first:last], start=sound.start + first / sound.rate)
