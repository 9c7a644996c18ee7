"""Batched mel-frequency cepstral coefficients, equal to librosa's."""

import functools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .mel import mel_spectrogram

__all__ = ["mfcc"]

_LEAST_POWER = 1e-10
_DEPTH_DB = 80.0


def mfcc(
    x: Float[Tensor, "B T"], rate: int, *, count: int = 20, n_fft: int = 2048, hop: int = 512, bands: int = 128
) -> Float[Tensor, "B F N"]:
    """Returns the cepstrum of the log-mel spectrogram, equal to `librosa.feature.mfcc`.

    Levels are absolute, so the first coefficient holds the loudness, and end 80 dB below each item's
    own maximum. The transform is the orthonormal DCT-II.

    References:
        Davis & Mermelstein, Comparison of parametric representations for monosyllabic word recognition (1980)
        https://doi.org/10.1109/TASSP.1980.1163420

    Args:
        x: Sounds, shape `(B, T)`.
        rate: Sample rate, in Hz.
        count: Number of coefficients, at most `bands`.
        n_fft: Window and transform length, in samples.
        hop: Samples from one frame to the next.
        bands: Number of mel bands, from 0 Hz to half the rate.

    Returns:
        Coefficients, in dB, shape `(B, F, N)` with `F = count` and `N` as in `mel_spectrogram`.

    Example:
        >>> tuple(mfcc(torch.zeros(1, 22_050), 22_050, count=13).shape)
        (1, 13, 44)
    """
    power = mel_spectrogram(x, rate, n_fft=n_fft, hop=hop, bands=bands, low=0.0, high=rate / 2)
    levels = 10 * torch.log10(power.clamp_min(_LEAST_POWER))
    levels = torch.maximum(levels, levels.amax((1, 2), keepdim=True) - _DEPTH_DB)
    return torch.from_numpy(_cosines(count, bands)).to(levels) @ levels


@functools.lru_cache(maxsize=8)
def _cosines(count: int, bands: int) -> np.ndarray:
    """Rows of the orthonormal DCT-II, shape `(count, bands)`."""
    rows = np.arange(count)[:, None]
    cosines = np.sqrt(2 / bands) * np.cos(np.pi / bands * rows * (np.arange(bands) + 0.5))
    cosines[0] /= np.sqrt(2)
    return cosines.astype(np.float32)
