"""The input of the paper's models: a log-mel spectrogram of 64 bands and 80 frames."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..mel import mel_spectrogram
from ._input import Input

__all__ = ["paper", "paper_mel"]

_RATE = 22_050
_LENGTH = 4.0
_BANDS = 64
_FRAMES = 80
_LEAST = 1e-3  # added to the powers, so that silence has a logarithm


def paper_mel(x: Float[Tensor, "B T"], rate: int) -> Float[Tensor, "B F N"]:
    """Returns the logarithm of mel powers, not normalised: level matters.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        x: Sounds at 22,050 Hz, shape `(B, T)`; cut or padded to 4 s.
        rate: Sample rate of `x`, in Hz.

    Returns:
        Shape `(B, 64, 80)`, at least log(0.001).

    Raises:
        ValueError: If `rate` is another.
    """
    if rate != _RATE:
        raise ValueError(f"rate={rate}: not {_RATE} Hz; resample first")
    samples = round(_LENGTH * _RATE)
    x = torch.nn.functional.pad(x[:, :samples], (0, max(0, samples - x.shape[1])))
    power = mel_spectrogram(x, rate, n_fft=2048, hop=1024, bands=_BANDS)  # 87 frames, of which the paper has 80
    return torch.log(power[:, :, :_FRAMES] + _LEAST)


paper = Input(_RATE, _LENGTH, (_BANDS, _FRAMES), paper_mel, bounded=False)
