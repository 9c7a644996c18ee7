"""Spectrograms of mean 0 and deviation 1, and back."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Standard"]

_LEAST = 1e-3  # a band that never sounds has no deviation


class Standard(nn.Module):
    """Takes the mean away and divides by the deviation; nothing until these are set.

    Args:
        bands: Number F of bands, each of which has its own mean and deviation.

    Example:
        >>> standard = Standard(2)
        >>> standard.set(torch.tensor([[1.0], [2.0]]), torch.tensor(2.0))
        >>> standard(torch.tensor([[[3.0], [4.0]]])).flatten()
        tensor([1., 1.])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(bands, 1))
        self.register_buffer("std", torch.ones(bands, 1))

    def set(self, mean: Tensor, std: Tensor) -> None:
        """Sets mean and deviation, of the training data and of nothing else.

        Args:
            mean: Shape `(F, 1)`, or a scalar for all bands.
            std: The same.

        Raises:
            ValueError: If either is not finite, or a deviation is negative.
        """
        if not (torch.isfinite(mean).all() and torch.isfinite(std).all() and (std >= 0).all()):
            raise ValueError("mean, std: not finite numbers with std >= 0")
        self.mean.copy_(mean.expand_as(self.mean))
        self.std.copy_(std.clamp_min(_LEAST).expand_as(self.std))

    def forward(self, mel: Float[Tensor, "B F N"]) -> Float[Tensor, "B F N"]:
        """Returns the standardised spectrograms."""
        return (mel - self.mean) / self.std

    def inverse(self, x: Float[Tensor, "B F N"]) -> Float[Tensor, "B F N"]:
        """Returns spectrograms in the units they had."""
        return x * self.std + self.mean
