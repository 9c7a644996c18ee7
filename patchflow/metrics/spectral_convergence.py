"""Spectral convergence: error of the mel power spectrogram relative to the target's."""

import torch
from jaxtyping import Float
from torch import Tensor

from ._linear_mel import RATE, linear_mel
from ._metric import metric

__all__ = ["spectral_convergence"]

_LEAST_NORM = 1e-10


@metric(unit="", better="lower", best=0.0, rate=RATE)
def spectral_convergence(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """Frobenius norm of the difference of two linear mel power spectrograms, over the target's norm.

    Level matters, and the loudest partials decide: silence scores 1, a sound twice too strong 3.

    References:
        Arik, Jun & Diamos, Fast spectrogram inversion using multi-head convolutional neural networks (2019)
        https://doi.org/10.1109/LSP.2018.2880284
        Esling et al., Universal audio synthesizer control with normalizing flows (2019)
        https://arxiv.org/abs/1907.00971

    Args:
        estimate: Sounds to judge, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One ratio a pair, at least 0, shape `(B,)`. Finite, though without meaning, for a silent target.
    """
    wanted = linear_mel(target)
    error, size = (torch.linalg.vector_norm(s, dim=(1, 2)) for s in (linear_mel(estimate) - wanted, wanted))
    return error / size.clamp_min(_LEAST_NORM)
