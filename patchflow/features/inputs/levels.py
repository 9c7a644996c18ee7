"""The posterior's input: a level-normalised log-mel spectrogram of fixed size."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..mel import mel_spectrogram, power_to_db
from ._input import Input

__all__ = ["INPUT_LENGTH", "INPUT_RATE", "input_of_levels", "input_shape", "levels", "model_input"]

INPUT_RATE = 22_050
"""Sample rate of the models' input, in Hz."""

INPUT_LENGTH = 4.0
"""Duration of the models' input, in seconds; longer sounds are cut, shorter ones padded."""

_BANDS = 80
_HOP = 512
_FLOOR_DB = 80.0


def input_shape() -> tuple[int, int]:
    """Returns `(F, N)` of the input."""
    return _BANDS, 1 + round(INPUT_LENGTH * INPUT_RATE) // _HOP


def model_input(x: Float[Tensor, "B T"], rate: int) -> Float[Tensor, "B F N"]:
    """Returns levels from 0 (80 dB below the sound's maximum) to 1 (the maximum).

    Args:
        x: Sounds at `INPUT_RATE`, shape `(B, T)`.
        rate: Sample rate of `x`, in Hz.

    Returns:
        Shape `(B, F, N)` as `input_shape` says.

    Raises:
        ValueError: If `rate` is not `INPUT_RATE`.
    """
    if rate != INPUT_RATE:
        raise ValueError(f"rate={rate}: not {INPUT_RATE} Hz; resample first")
    samples = round(INPUT_LENGTH * INPUT_RATE)
    x = torch.nn.functional.pad(x[:, :samples], (0, max(0, samples - x.shape[1])))
    power = mel_spectrogram(x, rate, hop=_HOP, bands=_BANDS)
    return input_of_levels(power_to_db(power, _FLOOR_DB))


def input_of_levels(level_db: Float[Tensor, "B F L"]) -> Float[Tensor, "B F N"]:
    """Returns the input for spectrograms that are known already, cut or padded with silence to its length.

    Args:
        level_db: Levels below each sound's own maximum, in dB, from -80 to 0, as `power_to_db` gives them.
    """
    frames = input_shape()[1]
    share = 1 + level_db[:, :, :frames] / _FLOOR_DB
    return torch.nn.functional.pad(share, (0, frames - share.shape[2]))


levels = Input(INPUT_RATE, INPUT_LENGTH, input_shape(), model_input, bounded=True)
