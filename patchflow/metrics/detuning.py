"""How far two sounds are out of tune with each other, alike at all pitches."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.log_spectrum import best_shift, fine_spectrum, halved
from ._metric import metric

__all__ = ["detuning", "out_of_tune"]

_RATE = 22_050


@metric(unit="", better="lower", best=0.0, rate=_RATE)
def detuning(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """How much better two fine spectra agree when one is shifted along the scale of pitch, up to 1,300 cents.

    0 is in tune. The same sound a few cents off scores about 0.1 for 10 cents, 0.3 for 30, 0.5 for 50 and 0.8 for a
    semitone, in the bass as in the treble. Other knobs hardly move it, nor does gain.

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One gain a pair, from 0 to 1, 1 where one of the two alone is silent, shape `(B,)`.

    Example:
        >>> x = torch.sin(torch.arange(22_050) * 0.1)[None]
        >>> round(detuning(x, 0.5 * x, 22_050).item(), 4)
        0.0
    """
    return out_of_tune(fine_spectrum(halved(estimate), _RATE // 2), fine_spectrum(halved(target), _RATE // 2))


def out_of_tune(estimate: Float[Tensor, "B F"], target: Float[Tensor, "#B F"]) -> Float[Tensor, "B"]:
    """Returns `detuning` of two batches of fine spectra; there may be one target for all."""
    gain = best_shift(estimate, target).gain
    one_silent = (estimate.amax(1) == 0) ^ (target.amax(1) == 0)
    return torch.where(one_silent, 1.0, gain)
