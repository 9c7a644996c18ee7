"""How many cents a sound is out of tune with another, as far as they have partials in common."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.log_spectrum import PARTIALS, best_shift, fine_spectrum
from ._metric import metric

__all__ = ["cents"]

_RATE = 22_050


@metric(unit="cents", better="lower", best=0.0, rate=_RATE)
def cents(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """How far two fine spectra have to be shifted along the scale of pitch to agree best, up to 1,300 cents.

    Up to 20 is in tune. 0 also where no shift makes them agree: noises, most drums and silence have no partials in
    common with anything. The same sound out of tune is told to a cent or two; between sounds that differ otherwise,
    too, an octave may be mistaken.

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One shift a pair, in cents, from 0 to 1,305, shape `(B,)`.

    Example:
        >>> x = torch.sin(torch.arange(22_050) * 0.1)[None]
        >>> cents(x, 0.5 * x, 22_050)
        tensor([0.])
    """
    shift = best_shift(fine_spectrum(estimate, _RATE), fine_spectrum(target, _RATE))
    return torch.where(shift.agreement >= PARTIALS, shift.cents.abs(), 0.0)
