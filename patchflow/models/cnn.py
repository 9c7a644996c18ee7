"""A convolutional network from the spectrogram to the preset."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..nn import xavier
from ..presets import ParamSpace
from ._convolutions import Convolutions, ConvolutionSizes
from ._feed_forward import FeedForward

__all__ = ["Cnn"]


class Cnn(FeedForward):
    """Five strided dilated convolutions of 128 channels and kernel 7, then three linear layers of 2048.

    At the paper's sizes it has 13 million weights. A small one: `channels=32, hidden=512, depth=2` (0.6 million).

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        channels: Of every convolution.
        layers: Number of convolutions.
        kernel: Width of their kernels, odd.
        hidden: Width of the linear layers.
        depth: Number of linear layers.
        dropout: Share of values dropped between linear layers in training; the paper does not tell it.
        gated: 1 for gates instead of ELU, which takes twice the weights.
        parameter_loss: `"mse"`, `"l1"`, `"cross_entropy"` or `"classification"`, see `ParameterHead`.
        hears: What it hears, see `features.inputs`.

    Example:
        >>> from patchflow.engines import engines
        >>> model = Cnn(engines["tone"].space, channels=4, hidden=8, gated=1).eval()
        >>> context = model.encode(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> model.decode(torch.zeros(1, 3), context).shape
        torch.Size([1, 3])
    """

    def __init__(
        self,
        space: ParamSpace,
        *,
        channels: int = 128,
        layers: int = 5,
        kernel: int = 7,
        hidden: int = 2048,
        depth: int = 3,
        dropout: float = 0.2,
        gated: int = 0,
        parameter_loss: str = "mse",
        hears: str = "paper",
    ) -> None:
        sizes = ConvolutionSizes(hidden, layers, dropout, gated, parameter_loss, hears, channels, kernel, depth)
        super().__init__(space, sizes, hidden)
        self.convolutions = Convolutions(sizes, residual=0)
        xavier(self)

    def features(self, x: Float[Tensor, "B F N"], generator: torch.Generator | None) -> Float[Tensor, "B H"]:
        """See `FeedForward.features`."""
        return self.convolutions(x, generator)
