"""Mean gap between the spectra of two whole sounds, in bands of a quarter tone."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.log_spectrum import halved
from ..features.mel import power_to_db
from ._metric import metric
from .timbre import quarter_tones

__all__ = ["mean_levels", "mean_spectrum", "spectrum_gap"]

_FLOOR_DB = 60.0


@metric(unit="dB", better="lower", best=0.0, rate=22_050)
def mean_spectrum(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """Mean absolute difference of the levels of two mean spectra, each relative to its own peak.

    The power in bands of 50 cents from 40 to 5,000 Hz is averaged over the whole sound; deeper than 60 dB below
    the strongest band all is alike. Gain does not matter, nor when something sounds. Against silence every sound
    scores 60, the worst there is, silence against silence 0.

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One distance a pair, in dB, from 0 to 60, shape `(B,)`.

    Example:
        >>> x = torch.sin(torch.arange(22_050) * 0.1)[None]
        >>> mean_spectrum(x, 0.5 * x, 22_050)
        tensor([0.])
    """
    return spectrum_gap(mean_levels(quarter_tones(halved(estimate))), mean_levels(quarter_tones(halved(target))))


def mean_levels(power: Float[Tensor, "B F N"]) -> Float[Tensor, "B F"]:
    """Returns the levels that `mean_spectrum` compares, in dB from -60 to 0, of what `quarter_tones` returns."""
    return power_to_db(power.mean(2), _FLOOR_DB)


def spectrum_gap(estimate: Float[Tensor, "B F"], target: Float[Tensor, "#B F"]) -> Float[Tensor, "B"]:
    """Returns the gap of two outputs of `mean_levels`, in dB; there may be one target for all."""
    gap = (estimate - target).abs().mean(1)
    silent = estimate.amax(1) < 0
    silence_wanted = target.amax(1) < 0
    wrong = (silent ^ silence_wanted).to(gap) * _FLOOR_DB
    return torch.where(silent | silence_wanted, wrong, gap)
