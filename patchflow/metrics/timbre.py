"""Distance of two timbres: angle between loudness-compressed spectrograms whose bands are a quarter tone wide."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.log_spectrum import compressed, halved, log_bands
from ._metric import metric

__all__ = ["angle", "quarter_tones", "timbre"]

_RATE = 22_050
_N_FFT = 2_048
_HOP = 1_536
_LOW = 40.0
_HIGH = 5_000.0
_CENTS = 50.0


@metric(unit="", better="lower", best=0.0, rate=_RATE)
def timbre(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """One minus the cosine of two spectrograms of loudness, in bands of 50 cents from 40 to 5,000 Hz.

    Loudness is the cube root of the magnitude, so soft parts count as people hear them, between the power, which
    hears the loudest partials alone, and the logarithm, which hears the noise floor as much as the tone. Windows are
    186 ms, 139 ms apart. Gain does not matter. Against silence every sound scores 1, silence against silence 0.

    It agrees with what people hear as alike better than levels in dB do; `benchmarks/listening.py` measures it.

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
    return angle(compressed(quarter_tones(halved(estimate))), compressed(quarter_tones(halved(target))))


def quarter_tones(x: Float[Tensor, "B T"]) -> Float[Tensor, "B F N"]:
    """Returns the power in bands of 50 cents from 40 to 5,000 Hz, of sounds at 11,025 Hz."""
    return log_bands(x, _RATE // 2, n_fft=_N_FFT, hop=_HOP, low=_LOW, high=_HIGH, cents=_CENTS)


def angle(estimate: Float[Tensor, "B F N"], target: Float[Tensor, "#B F N"]) -> Float[Tensor, "B"]:
    """Returns one minus the cosine of two outputs of `compressed`; there may be one target for all."""
    first = estimate.flatten(1)
    second = target.flatten(1)
    # Half the square of the chord is 1 - cosine, and exact where the two are nearly the same.
    chord = first / first.norm(dim=1, keepdim=True).clamp_min(1e-9)
    chord = chord - second / second.norm(dim=1, keepdim=True).clamp_min(1e-9)
    # Silence has no direction: two silences are alike, and nothing else is like silence.
    silent = first.amax(1) == 0
    silence_wanted = second.amax(1) == 0
    wrong = (silent ^ silence_wanted).to(chord)
    return torch.where(silent | silence_wanted, wrong, chord.square().sum(1) / 2)
