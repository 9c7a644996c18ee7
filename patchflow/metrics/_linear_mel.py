"""The spectrograms that `spectral_convergence` and `mel_mse` compare."""

from jaxtyping import Float
from torch import Tensor

from ..features.mel import mel_spectrogram

__all__ = ["RATE", "linear_mel"]

RATE = 22_050


def linear_mel(x: Float[Tensor, "B T"]) -> Float[Tensor, "B F N"]:
    """Returns linear mel power spectrograms: 64 bands, 30 to 11,000 Hz, 93 ms windows, 46 ms apart.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019)
        https://arxiv.org/abs/1907.00971

    Args:
        x: Sounds at 22,050 Hz, shape `(B, T)`.

    Returns:
        Powers, not logarithmic, shape `(B, F, N)`.
    """
    return mel_spectrogram(x, RATE, n_fft=2048, hop=1024, bands=64, low=30.0, high=11_000.0)
