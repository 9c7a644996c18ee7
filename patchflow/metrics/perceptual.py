"""What the search minimises: how unlike two sounds are to people, in level, in timbre and in pitch."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from ..features.log_spectrum import Shift, best_shift, compressed, fine_spectrum, halved
from ..features.mel import power_to_db
from ._metric import metric
from .detuning import out_of_tune
from .log_mel_l1 import level_gap, log_mel
from .mean_spectrum import mean_levels, spectrum_gap
from .modulation import movement
from .timbre import angle, quarter_tones

__all__ = ["ASPECTS", "WEIGHTS", "Reference", "aspect_weights", "perceptual"]

_RATE = 22_050
WEIGHTS = {"log_mel_l1": 0.5, "modulation": 100.0, "timbre": 20.0, "mean_spectrum": 0.25, "detuning": 5.0}
"""What each metric counts in the sum, in dB: chosen by hand among sums that agree with people, see
`benchmarks/listening_weights.py`. Pitch is the same within most of those studies, so they say nothing of the weight of
detuning; `benchmarks/tuning.py` has what the sum hears of it."""

ASPECTS: Mapping[str, float] = {"spectrum": 0.7, "timbre": 35.0, "pitch": 20.0, "envelope": 1.2}
"""What a distance of sounds can be asked for by itself, and what its measure counts, in dB.

Spectrum is the gap between the mean levels of mel bands, timbre the angle between the mean loudness of quarter tones,
pitch `detuning`, and envelope the gap between the levels of frames. Two DX7 voices drawn by chance are about 10 dB
apart in each, but for pitch, of which 20 cents are 4 dB."""

_MOST = 100.0  # that an aspect may count
_FLOOR_DB = 60.0


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


def aspect_weights(like: Mapping[str, float]) -> dict[str, float]:
    """Returns how much each aspect counts, 1 where nothing is asked.

    Args:
        like: Some of `ASPECTS` with their weights, 0 to 100.

    Raises:
        OptionError: If a name or a weight is none, or no weight is left.

    Example:
        >>> aspect_weights({"envelope": 0})
        {'spectrum': 1.0, 'timbre': 1.0, 'pitch': 1.0, 'envelope': 0.0}
    """
    weights = dict.fromkeys(ASPECTS, 1.0)
    for name, weight in like.items():
        if name not in ASPECTS:
            raise OptionError(f"like={name}: not one of {', '.join(ASPECTS)}")
        if not (math.isfinite(weight) and 0 <= weight <= _MOST):
            raise OptionError(f"like={name}={weight:g}: not in [0, {_MOST:g}]")
        weights[name] = float(weight)
    if not any(weights.values()):
        raise OptionError(f"like: all of {', '.join(ASPECTS)} are 0, so nothing is left to compare")
    return weights


class Reference:
    """A target, analysed once for many comparisons.

    With other weights than 1 of `ASPECTS` the distance is the whole one times the smallest weight, and of each aspect
    its own measure as often as its weight is above that. So with `{"envelope": 0}` only the measures of the three other
    aspects are left, which another envelope does not change; with `{"timbre": 2}` timbre is added to the whole.

    Args:
        target: A sound at 22,050 Hz, shape `(T,)`.
        like: Weights of aspects, see `aspect_weights`.

    Raises:
        OptionError: If a name or a weight is none.
    """

    def __init__(self, target: Float[Tensor, "T"], like: Mapping[str, float] | None = None) -> None:
        weights = aspect_weights(like or {})
        self._whole = min(weights.values())
        self._more = {name: ASPECTS[name] * (weight - self._whole) for name, weight in weights.items()}
        self._mel = log_mel(target[None])
        self._movement = movement(self._mel)
        lows = halved(target[None])
        bands = quarter_tones(lows)
        self._loudness = compressed(bands)
        self._mean_levels = mean_levels(bands)
        self._fine = fine_spectrum(lows, _RATE // 2)
        self._partials = _mean_loudness(bands)
        self._spectrum = _band_levels(self._mel)
        self._envelope = _frame_levels(self._mel)

    def level(self, mels: Float[Tensor, "B F N"]) -> Float[Tensor, "B"]:
        """Returns `log_mel_l1`, in dB, shape `(B,)`.

        Args:
            mels: Sounds as `log_mel` sees them.
        """
        return level_gap(mels, self._mel)

    def least(self, mels: Float[Tensor, "B F N"]) -> Float[Tensor, "B"]:
        """Returns the part of the distance that is cheap, so never above all of it; in dB, shape `(B,)`.

        Args:
            mels: Sounds as `log_mel` sees them.
        """
        least = WEIGHTS["log_mel_l1"] * self.level(mels) + WEIGHTS["modulation"] * angle(movement(mels), self._movement)
        least = self._whole * least
        if self._more["spectrum"]:
            least = least + self._more["spectrum"] * spectrum_gap(_band_levels(mels), self._spectrum)
        if self._more["envelope"]:
            least = least + self._more["envelope"] * spectrum_gap(_frame_levels(mels), self._envelope)
        return least

    def distance(self, sounds: Float[Tensor, "B T"], mels: Float[Tensor, "B F N"] | None = None) -> Float[Tensor, "B"]:
        """Returns the whole distance, see `perceptual`, or the one with other weights; in dB, shape `(B,)`.

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
        found = self._whole * (WEIGHTS["timbre"] * unlike + WEIGHTS["mean_spectrum"] * gap)
        if self._more["timbre"]:
            found = found + self._more["timbre"] * angle(_mean_loudness(bands), self._partials)
        return found

    def _pitch(self, lows: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
        weight = self._whole * WEIGHTS["detuning"] + self._more["pitch"]
        return weight * out_of_tune(fine_spectrum(lows, _RATE // 2), self._fine)

    def shift(self, sounds: Float[Tensor, "B T"]) -> Shift:
        """Returns how far sounds are above the target in pitch, and how well they agree there."""
        return best_shift(fine_spectrum(halved(sounds), _RATE // 2), self._fine)


def _mean_loudness(bands: Float[Tensor, "B F N"]) -> Float[Tensor, "B F 1"]:
    """The mean over time of loudness; where only the level moves it keeps its direction."""
    return compressed(bands).mean(2, keepdim=True)


def _band_levels(mels: Float[Tensor, "B F N"]) -> Float[Tensor, "B F"]:
    """Mean levels of mel bands, relative to the strongest, in dB from -60 to 0; silence is at -60."""
    return power_to_db(_powers(mels).mean(2), _FLOOR_DB)


def _frame_levels(mels: Float[Tensor, "B F N"]) -> Float[Tensor, "B N"]:
    """Levels of frames, relative to the strongest, in dB from -60 to 0; silence is at -60."""
    return power_to_db(_powers(mels).sum(1), _FLOOR_DB)


def _powers(mels: Float[Tensor, "B F N"]) -> Float[Tensor, "B F N"]:
    """Powers of what `log_mel` returns; it has sounds' peaks at 0 dB, and silence at the floor everywhere."""
    return 10 ** (mels / 10) * (mels.amax((1, 2), keepdim=True) >= 0)
