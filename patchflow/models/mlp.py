"""A multi-layer perceptron on the flattened spectrogram: the paper's plainest model."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.inputs import inputs
from ..nn import MLP, xavier
from ..presets import ParamSpace
from ._regression import FeedForward, FeedForwardSizes

__all__ = ["Mlp"]


class Mlp(FeedForward):
    """Five layers of 2048 with batch norm, ELU and dropout, and one sigmoid a parameter.

    At the paper's sizes it has 27 million weights. A small one: `hidden=128, layers=3` (0.7 million).

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        sizes: Fields of `FeedForwardSizes`; `layers` counts linear ones.

    Example:
        >>> from patchflow.engines import engines
        >>> model = Mlp(engines["tone"].space, hidden=8, layers=2).eval()
        >>> context = model.encode(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> model.decode(torch.zeros(1, 3), context).shape
        torch.Size([1, 3])
    """

    def __init__(self, space: ParamSpace, **sizes: Any) -> None:
        made = FeedForwardSizes(**sizes)
        super().__init__(space, made)
        bands, frames = inputs[made.input].shape
        self.stack = MLP(bands * frames, made.hidden, made.layers, dropout=made.dropout, gated=made.gated)
        xavier(self)

    def features(self, x: Float[Tensor, "B F N"], generator: torch.Generator | None) -> Float[Tensor, "B H"]:
        """See `FeedForward.features`."""
        return self.stack(x.flatten(1), generator)
