"""What the search minimises: how unlike two sounds are to people, in level, in timbre and in pitch."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.log_spectrum import Shift, best_shift, compressed, fine_spectrum, halved
from ._metric import metric
from .detuning import out_of_tune
from .log_mel_l1 import level_gap, log_mel
from .mean_spectrum import mean_levels, spectrum_gap
from .modulation import movement
from .timbre import angle, quarter_tones

__all__ = ["WEIGHTS", "Reference", "perceptual"]

_RATE = 22_050
WEIGHTS = {"log_mel_l1": 0.5, "modulation": 100.0, "timbre": 20.0, "mean_spectrum": 0.25, "detuning": 5.0}
"""What each metric counts in the sum, in dB: chosen by hand among sums that agree with people, see
`benchmarks/listening_weights.py`. Pitch is the same within most of those studies, so they say nothing of the weight of
detuning; `benchmarks/tuning.py` has what the sum hears of it."""


@metric(unit="dB", better="lower", best=0.0, rate=_RATE)
def perceptual(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """A weighted sum of `log_mel_l1`, `modulation`, `timbre`, `mean_spectrum` and `detuning`.

    Log-mel L1 hears levels, attacks and noise; the next three are what people go by in listening studies beside it;
    `detuning` alone tells a low note from the next key. Gain does not matter.

    0 is the same sound; `match.verdict.CLOSENESS` has words for other distances. Silence for a sound scores 180, the
    worst there is, and silence for silence 0.

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One distance a pair, in dB, never below half of `log_mel_l1`, shape `(B,)`.

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
        self._movement = movement(self._mel)
        lows = halved(target[None])
        bands = quarter_tones(lows)
        self._loudness = compressed(bands)
        self._mean_levels = mean_levels(bands)
        self._fine = fine_spectrum(lows, _RATE // 2)

    def level(self, mels: Float[Tensor, "B F N"]) -> Float[Tensor, "B"]:
        """Returns `log_mel_l1`, in dB, shape `(B,)`.

        Args:
            mels: Sounds as `log_mel` sees them.
        """
        return level_gap(mels, self._mel)

    def least(self, mels: Float[Tensor, "B F N"]) -> Float[Tensor, "B"]:
        """Returns the part of the distance that is cheap, so never above the whole one; in dB, shape `(B,)`.

        Args:
            mels: Sounds as `log_mel` sees them.
        """
        return WEIGHTS["log_mel_l1"] * self.level(mels) + WEIGHTS["modulation"] * angle(movement(mels), self._movement)

    def distance(self, sounds: Float[Tensor, "B T"], mels: Float[Tensor, "B F N"] | None = None) -> Float[Tensor, "B"]:
        """Returns the whole distance, see `perceptual`; in dB, shape `(B,)`.

        Args:
            sounds: At 22,050 Hz, as long as the target.
            mels: The same as `log_mel` sees them, if that is at hand.
        """
        least = self.least(log_mel(sounds) if mels is None else mels)
        lows = halved(sounds)  # the other parts hear nothing above 5,000 Hz, and cost half as much
        return least + self._bands(lows) + self._pitch(lows)

    def _bands(self, lows: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
        bands = quarter_tones(lows)
        unlike = angle(compressed(bands), self._loudness)
        gap = spectrum_gap(mean_levels(bands), self._mean_levels)
        return WEIGHTS["timbre"] * unlike + WEIGHTS["mean_spectrum"] * gap

    def _pitch(self, lows: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
        return WEIGHTS["detuning"] * out_of_tune(fine_spectrum(lows, _RATE // 2), self._fine)

    def shift(self, sounds: Float[Tensor, "B T"]) -> Shift:
        """Returns how far sounds are above the target in pitch, and how well they agree there."""
        return best_shift(fine_spectrum(halved(sounds), _RATE // 2), self._fine)
