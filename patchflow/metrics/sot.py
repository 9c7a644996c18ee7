"""Spectral optimal transport: how far the energy must move along the frequency axis."""

import torch
from jaxtyping import Float
from torch import Tensor

from ._metric import metric

__all__ = ["sot"]

_WINDOW = 2205
_HOP = 882
_LEAST_SUM = 1e-6


@metric(unit="of Nyquist", better="lower", best=0.0, rate=44_100)
def sot(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """Wasserstein-1 distance of magnitude spectra, frame by frame, as a share of the frequency range.

    Each spectrum has unit sum, so gain does not matter; a silent frame keeps its zeros. Windows are
    50 ms, 20 ms apart.

    References:
        Cazelles, Robert & Tobar, The Wasserstein-Fourier distance for stationary time series (2021)
        https://doi.org/10.1109/TSP.2020.3046227
        Hayes, Saitis & Fazekas, Audio synthesizer inversion in symmetric parameter spaces with
        approximately equivariant flow matching (2025), https://arxiv.org/abs/2506.07199

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One distance a pair, from 0 to 1, shape `(B,)`.
    """
    return (_shares(estimate) - _shares(target)).abs().mean((1, 2))


def _shares(x: Tensor) -> Tensor:
    """Running share of the magnitude at or below each frequency, shape `(B, F, N)`."""
    window = torch.hann_window(_WINDOW, dtype=x.dtype, device=x.device)
    magnitude = torch.stft(x, _WINDOW, _HOP, window=window, pad_mode="constant", return_complex=True).abs()
    return (magnitude / magnitude.sum(1, keepdim=True).clamp_min(_LEAST_SUM)).cumsum(1)
