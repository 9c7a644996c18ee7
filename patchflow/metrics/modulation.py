"""Distance of how two sounds move: angle between the spectra of their loudness over time, band by band."""

import functools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ._metric import metric
from .log_mel_l1 import log_mel
from .timbre import angle

__all__ = ["modulation", "movement"]

_PER_DB = np.log2(10) / 60  # cube roots of magnitudes, in powers of 2: 20 dB are a factor of 10, here of its cube root


@metric(unit="", better="lower", best=0.0, rate=22_050)
def modulation(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """One minus the cosine of two modulation spectra: how strongly each mel band moves at each rate, up to 22 Hz.

    Loudness is the cube root of the magnitude, and its floor is that of `log_mel`: bands where neither sound has
    anything agree, which people go by. The square root of what the spectrum over time has at each rate is compared,
    without phases: it counts whether a sound decays, beats or swells and how fast, and hardly when. Gain does not
    matter. Against silence every sound scores 1, silence against silence 0.

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One distance a pair, from 0 to 1, shape `(B,)`.

    Example:
        >>> x = torch.sin(torch.arange(22_050) * 0.1)[None]
        >>> round(modulation(x, 0.5 * x, 22_050).item(), 4)
        0.0
    """
    return angle(movement(log_mel(estimate)), movement(log_mel(target)))


def movement(mels: Float[Tensor, "B F N"]) -> Float[Tensor, "B F N2"]:
    """Returns the modulation spectra that `modulation` compares, from what `log_mel` returns."""
    # A sound has its peak at 0 dB, silence is at the floor everywhere and has no loudness at all.
    sound = (mels.amax((1, 2), keepdim=True) >= 0).to(mels)
    loudness = torch.exp2(mels * _PER_DB) * sound
    spectrum = torch.fft.rfft(loudness, _fast_length(2 * mels.shape[2]), dim=2)
    return (spectrum.real.square() + spectrum.imag.square()).sqrt().sqrt()


@functools.cache
def _fast_length(least: int) -> int:
    """The smallest length of a transform from `least` on that has no prime factor above 5: others take longer."""
    length = least
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1
