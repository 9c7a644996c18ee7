"""Mean squared error of two mel power spectrograms."""

from jaxtyping import Float
from torch import Tensor

from ._metric import metric
from .spectral_convergence import LINEAR_MEL_RATE, linear_mel

__all__ = ["mel_mse"]


@metric(unit="", better="lower", best=0.0, rate=LINEAR_MEL_RATE)
def mel_mse(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """Mean squared difference of two linear mel power spectrograms.

    Depends on the level of both sounds: never compare it across synths or data sets.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019)
        https://arxiv.org/abs/1907.00971

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One error a pair, in squared power, at least 0, shape `(B,)`.
    """
    return (linear_mel(estimate) - linear_mel(target)).square().mean((1, 2))
