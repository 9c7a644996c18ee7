"""Spectral convergence: error of the mel power spectrogram relative to the target's."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.mel import mel_spectrogram
from ._metric import metric

__all__ = ["LINEAR_MEL_RATE", "linear_mel", "spectral_convergence"]

LINEAR_MEL_RATE = 22_050
"""Sample rate that `linear_mel` is defined at, in Hz."""


def linear_mel(x: Float[Tensor, "B T"]) -> Float[Tensor, "B F N"]:
    """Returns linear mel power spectrograms: 64 bands, 30 to 11,000 Hz, 93 ms windows, 46 ms apart.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019)
        https://arxiv.org/abs/1907.00971

    Args:
        x: Sounds at 22,050 Hz, shape `(B, T)`.

    Returns:
        Powers, not logarithmic, shape `(B, F, N)`.
    """
    return mel_spectrogram(x, LINEAR_MEL_RATE, n_fft=2048, hop=1024, bands=64, low=30.0, high=11_000.0)


_LEAST_NORM = 1e-10


@metric(unit="", better="lower", best=0.0, rate=LINEAR_MEL_RATE)
def spectral_convergence(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """Frobenius norm of the difference of two linear mel power spectrograms, over the target's norm.

    Level matters, and the loudest partials decide: silence scores 1, a sound twice too strong 3.

    References:
        Arik, Jun & Diamos, Fast spectrogram inversion using multi-head convolutional neural networks (2019)
        https://doi.org/10.1109/LSP.2018.2880284
        Esling et al., Universal audio synthesizer control with normalizing flows (2019)
        https://arxiv.org/abs/1907.00971

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One ratio a pair, at least 0, shape `(B,)`. Finite, though without meaning, for a silent target.
    """
    wanted = linear_mel(target)
    error = torch.linalg.vector_norm(linear_mel(estimate) - wanted, dim=(1, 2))
    size = torch.linalg.vector_norm(wanted, dim=(1, 2))
    return error / size.clamp_min(_LEAST_NORM)
