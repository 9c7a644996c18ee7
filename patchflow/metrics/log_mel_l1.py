"""Mean gap between two level-normalised log-mel spectrograms: what is cheap of what the search minimises."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.mel import mel_spectrogram, power_to_db
from ._metric import metric

__all__ = ["level_gap", "log_mel", "log_mel_l1"]

_RATE = 22_050
_FLOOR_DB = 80.0


@metric(unit="dB", better="lower", best=0.0, rate=_RATE)
def log_mel_l1(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """Mean absolute difference of two log-mel spectrograms, each relative to its own peak.

    Gain does not matter. 0 is the same sound, 1 a near twin, 16 a random voice. Silence has no peak to
    be relative to: against a sound it scores 80, the worst there is, and against silence 0.

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One distance a pair, in dB, from 0 to 80, shape `(B,)`.

    Example:
        >>> x = torch.sin(torch.arange(22_050) * 0.1)[None]
        >>> log_mel_l1(x, 0.5 * x, 22_050)
        tensor([0.])
    """
    return level_gap(log_mel(estimate), log_mel(target))


def log_mel(x: Float[Tensor, "B T"]) -> Float[Tensor, "B F N"]:
    """Returns the spectrograms that `log_mel_l1` compares: 80 bands, 30 to 11,000 Hz, 46 ms windows, 23 ms apart.

    Args:
        x: Sounds at 22,050 Hz, shape `(B, T)`.

    Returns:
        Levels below each sound's own peak, in dB, from -80 to 0, shape `(B, F, N)`.
    """
    power = mel_spectrogram(x, _RATE, n_fft=1024, hop=512, bands=80, low=30.0, high=11_000.0)
    return power_to_db(power, _FLOOR_DB)


def level_gap(estimate: Float[Tensor, "B F N"], target: Float[Tensor, "#B F N"]) -> Float[Tensor, "B"]:
    """Compares outputs of `log_mel`; keeps the search from analysing its target again and again.

    Args:
        estimate: Levels of the sounds to evaluate, in dB, shape `(B, F, N)`.
        target: Levels of the sounds to match, in dB, shape `(B, F, N)`, or `(1, F, N)` for one target.

    Returns:
        One distance a pair, in dB, shape `(B,)`.
    """
    # A sound has its peak at 0 dB, silence is at the floor everywhere. Its mean gap to a soft or short sound would be
    # small, so a silence that should be none, or none that should be one, gets the largest distance instead.
    gap = (estimate - target).abs().mean((1, 2))
    silent = estimate.amax((1, 2)) < 0
    silence_wanted = target.amax((1, 2)) < 0
    wrong = (silent ^ silence_wanted).to(gap) * _FLOOR_DB
    return torch.where(silent | silence_wanted, wrong, gap)
