"""Distance of two timbres: angle between loudness-compressed spectrograms whose bands are a quarter tone wide."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.log_spectrum import compressed, log_bands
from ._metric import metric

__all__ = ["angle", "loudness", "timbre"]

_RATE = 22_050
_N_FFT = 4_096
_HOP = 1_024
_LOW = 40.0
_HIGH = 10_000.0
_CENTS = 50.0


@metric(unit="", better="lower", best=0.0, rate=_RATE)
def timbre(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """One minus the cosine of two spectrograms of loudness, in bands of 50 cents from 40 to 10,000 Hz.

    Loudness is the cube root of the magnitude, so soft parts count as people hear them, between the power, which
    hears the loudest partials alone, and the logarithm, which hears the noise floor as much as the tone. Windows are
    186 ms, 46 ms apart. Gain does not matter. Against silence every sound scores 1, silence against silence 0.

    Of all simple distances this agrees best with what people hear as alike; `benchmarks/listening.py` measures it.

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One distance a pair, from 0 to 1, shape `(B,)`.

    Example:
        >>> x = torch.sin(torch.arange(22_050) * 0.1)[None]
        >>> round(timbre(x, 0.5 * x, 22_050).item(), 4)
        0.0
    """
    return angle(loudness(estimate), loudness(target))


def loudness(x: Float[Tensor, "B T"]) -> Float[Tensor, "B F N"]:
    """Returns the spectrograms that `timbre` compares, from 0 to 1, of sounds at 22,050 Hz."""
    return compressed(log_bands(x, _RATE, n_fft=_N_FFT, hop=_HOP, low=_LOW, high=_HIGH, cents=_CENTS))


def angle(estimate: Float[Tensor, "B F N"], target: Float[Tensor, "#B F N"]) -> Float[Tensor, "B"]:
    """Returns one minus the cosine of two outputs of `loudness`; there may be one target for all."""
    first = estimate.flatten(1)
    second = target.flatten(1)
    scale = first.norm(dim=1) * second.norm(dim=1)
    cosine = (first * second).sum(1) / scale.clamp_min(1e-9)
    # Silence has no direction: two silences are alike, and nothing else is like silence.
    both_silent = (first.amax(1) == 0) & (second.amax(1) == 0)
    return torch.where(both_silent, 0.0, (1 - cosine).clamp_min(0))
