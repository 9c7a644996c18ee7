"""Multi-scale spectral distance: mean gap of log-mel spectrograms at three window lengths."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.mel import mel_spectrogram, power_to_db
from ._metric import metric

__all__ = ["mss"]

_RATE = 44_100
_SCALES = ((441, 220, 32), (1102, 441, 64), (4410, 2205, 128))  # window, hop, bands: 10, 25 and 100 ms
_LEAST_POWER = 1e-10


@metric(unit="dB", better="lower", best=0.0, rate=_RATE)
def mss(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """Mean absolute difference of level-normalised log-mel spectrograms, averaged over three resolutions.

    Gain does not matter, except near silence: powers are taken to be at least 1e-10, so silence counts
    as white noise and scores badly against most sounds.

    References:
        Hayes, Saitis & Fazekas, Audio synthesizer inversion in symmetric parameter spaces with
        approximately equivariant flow matching (2025), https://arxiv.org/abs/2506.07199

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One distance a pair, in dB, from 0 to 80, shape `(B,)`.
    """
    gaps = []
    for n_fft, hop, bands in _SCALES:
        gap = _levels(estimate, n_fft, hop, bands) - _levels(target, n_fft, hop, bands)
        gaps.append(gap.abs().mean((1, 2)))
    return torch.stack(gaps).mean(0)


def _levels(x: Tensor, n_fft: int, hop: int, bands: int) -> Tensor:
    power = mel_spectrogram(x, _RATE, n_fft=n_fft, hop=hop, bands=bands, low=0.0, high=_RATE / 2)
    return power_to_db(power.clamp_min(_LEAST_POWER), least=_LEAST_POWER)
