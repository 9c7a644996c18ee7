"""What the search minimises: how unlike two sounds are to people, in level, in timbre and in pitch."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.log_spectrum import fine_spectrum, shift_gain
from ._metric import metric
from .log_mel_l1 import level_gap, log_mel
from .timbre import angle, loudness

__all__ = ["Reference", "perceptual"]

_RATE = 22_050
_TIMBRE = 60.0  # dB for a timbre that has nothing in common
_DETUNING = 8.0  # dB for a pitch that has nothing in common


@metric(unit="dB", better="lower", best=0.0, rate=_RATE)
def perceptual(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """The sum of `log_mel_l1`, of `timbre` and of `detuning`, each weighed to count alike.

    Log-mel L1 hears levels, attacks and noise; `timbre` agrees best with what people call alike; `detuning` alone
    tells a low note from the next key. Gain does not matter.

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One distance a pair, in dB, never below `log_mel_l1`, shape `(B,)`.

    Example:
        >>> x = torch.sin(torch.arange(22_050) * 0.1)[None]
        >>> round(perceptual(x, 0.5 * x, 22_050).item(), 3)
        0.0
    """
    rows = zip(estimate, target, strict=True)
    return torch.stack([Reference(wanted).distance(sound[None])[0] for sound, wanted in rows])


class Reference:
    """A target, analysed once for many comparisons.

    Args:
        target: A sound at 22,050 Hz, shape `(T,)`.
    """

    def __init__(self, target: Float[Tensor, "T"]) -> None:
        self._mel = log_mel(target[None])
        self._loudness = loudness(target[None])
        self._fine = fine_spectrum(target[None], _RATE)

    def least(self, mels: Float[Tensor, "B F N"]) -> Float[Tensor, "B"]:
        """Returns a distance that is cheap and never above the whole one, in dB, shape `(B,)`.

        Args:
            mels: Sounds as `log_mel` sees them.
        """
        return level_gap(mels, self._mel)

    def rest(self, sounds: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
        """Returns what the whole distance has beyond the least one, in dB, shape `(B,)`.

        Args:
            sounds: At 22,050 Hz, as long as the target.
        """
        gain, _ = shift_gain(fine_spectrum(sounds, _RATE), self._fine)
        return _TIMBRE * angle(loudness(sounds), self._loudness) + _DETUNING * gain.clamp_min(0)

    def distance(self, sounds: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
        """Returns the whole distance, see `perceptual`; in dB, shape `(B,)`."""
        return self.least(log_mel(sounds)) + self.rest(sounds)

    def cents(self, sounds: Float[Tensor, "B T"]) -> tuple[Float[Tensor, "B"], Float[Tensor, "B"]]:
        """Returns how many cents sounds are above the target, and the gain of agreement there; see `shift_gain`."""
        gain, cents = shift_gain(fine_spectrum(sounds, _RATE), self._fine)
        return cents, gain
