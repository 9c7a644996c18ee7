"""A convolutional network from the spectrogram to the preset."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..nn import xavier
from ..presets import ParamSpace
from ._regression import Convolutions, ConvolutionSizes, FeedForward

__all__ = ["Cnn"]


class Cnn(FeedForward):
    """Five strided dilated convolutions of 128 channels and kernel 7, then three linear layers of 2048.

    At the paper's sizes it has 13 million weights. A small one: `channels=32, hidden=512, depth=2` (0.6 million).

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        sizes: Fields of `ConvolutionSizes`.

    Example:
        >>> from patchflow.engines import engines
        >>> model = Cnn(engines["tone"].space, channels=4, hidden=8, gated=1).eval()
        >>> context = model.encode(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> model.decode(torch.zeros(1, 3), context).shape
        torch.Size([1, 3])
    """

    Sizes = ConvolutionSizes

    def __init__(self, space: ParamSpace, **sizes: Any) -> None:
        made = ConvolutionSizes(**sizes)
        super().__init__(space, made)
        self.convolutions = Convolutions(made, residual=0)
        xavier(self)

    def features(self, x: Float[Tensor, "B F N"], generator: torch.Generator | None) -> Float[Tensor, "B H"]:
        """See `FeedForward.features`."""
        return self.convolutions(x, generator)
