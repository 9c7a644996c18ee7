"""The convolutional encoder and the linear layers that `cnn` and `resnet` share."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..features.inputs import inputs
from ..nn import MLP, ConvEncoder
from ._feed_forward import FeedForwardSizes

__all__ = ["ConvolutionSizes", "Convolutions"]


@dataclass(frozen=True)
class ConvolutionSizes(FeedForwardSizes):
    """What they are made with.

    Args:
        channels: Of every convolution.
        kernel: Width of their kernels, odd.
        depth: Number of linear layers after them.
    """

    channels: int
    kernel: int
    depth: int


class Convolutions(nn.Module):
    """Strided dilated convolutions, then linear layers; see `nn.ConvEncoder` and `nn.MLP`.

    Args:
        sizes: What it is made with.
        residual: 1 for 1x1 paths around every convolution.
    """

    def __init__(self, sizes: ConvolutionSizes, residual: int) -> None:
        super().__init__()
        shape, gated = inputs[sizes.hears].shape, sizes.gated
        self.encoder = ConvEncoder(shape, sizes.channels, sizes.layers, sizes.kernel, gated=gated, residual=residual)
        self.stack = MLP(self.encoder.size, sizes.hidden, sizes.depth, dropout=sizes.dropout, gated=gated)

    def forward(self, x: Float[Tensor, "B F N"], generator: torch.Generator | None) -> Float[Tensor, "B H"]:
        """Returns the features of standardised spectrograms."""
        return self.stack(self.encoder(x), generator)
