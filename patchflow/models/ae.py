"""An auto-encoder of spectrograms with a regression on its latent."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..nn.gaussian import LatentSample, certain
from ..presets import ParamSpace
from ._regression import LatentRegression, RegressionSizes

__all__ = ["Ae"]


class Ae(LatentRegression):
    """A convolutional auto-encoder, and an MLP from its latent to the preset.

    Nothing shapes the latent but what has to go through it. q(z|x) is a point, so all noise is that of the
    regression's residuals.

    At the paper's sizes it has 8 million weights. A small one: `channels=32, hidden=256, depth=2, regressor=256`
    (0.7 million), which goes for `vae`, `wae` and `vaeflow` too.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        sizes: Fields of `RegressionSizes`.

    Example:
        >>> from patchflow.engines import engines
        >>> model = Ae(engines["tone"].space, channels=4, hidden=8, regressor=8).eval()
        >>> z = model.latent(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> model.presets(z).shape, model.reconstruct(z).shape
        (torch.Size([1, 3]), torch.Size([1, 64, 80]))
    """

    def __init__(self, space: ParamSpace, **sizes: Any) -> None:
        super().__init__(space, RegressionSizes(**sizes), gaussian=False)

    def sample_latent(self, context: Float[Tensor, "B C"], noise: Float[Tensor, "B Z"]) -> LatentSample:
        """See `LatentRegression.sample_latent`."""
        return certain(context)

    def penalties(self, drawn: LatentSample, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """See `LatentRegression.penalties`: there are none."""
        return {}
