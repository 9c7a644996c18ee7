"""A sound as a few bytes, to find near-duplicates among very many."""

import numpy as np
import torch

from .mel import mel_spectrogram, power_to_db

__all__ = ["BANDS", "STEPS_PER_DB", "fingerprint"]

_SLICES = 24
_FLOOR_DB = 80.0
_FRAME_S = 0.046  # from one frame to the next

BANDS = 20
"""Bands of a fingerprint."""

STEPS_PER_DB = 255 / _FLOOR_DB
"""Steps of a fingerprint's bytes per decibel."""


def fingerprint(sound: np.ndarray, rate: int) -> np.ndarray:
    """Returns a log-mel spectrogram of 20 bands and at most 24 slices of time, as bytes.

    Levels are means over four mel bands and some frames. The mean distance of two fingerprints is about
    that of the spectrograms or less, so sounds that are near each other stay near.

    Args:
        sound: Mono samples, shape `(T,)`.
        rate: Sample rate, in Hz.

    Returns:
        0 for 80 dB below the sound's own maximum, 255 for the maximum, uint8, shape `(F, N)`.

    Example:
        >>> fingerprint(np.sin(np.arange(16_000) / 3), 8_000).shape
        (20, 24)
    """
    hop = max(1, round(_FRAME_S * rate))
    x = torch.from_numpy(np.asarray(sound, np.float64))[None]  # so exact that no thread count changes a byte
    power = mel_spectrogram(x, rate, n_fft=2 * hop, hop=hop, bands=4 * BANDS)
    levels = power_to_db(power, _FLOOR_DB)
    means = torch.nn.functional.adaptive_avg_pool2d(levels, (BANDS, min(_SLICES, levels.shape[2])))
    return ((means[0] + _FLOOR_DB) * STEPS_PER_DB).round().to(torch.uint8).numpy()
