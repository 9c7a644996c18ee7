"""A variational auto-encoder of spectrograms with a regression on its latent."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..nn.gaussian import LatentSample, sample_gaussian
from ..presets import ParamSpace
from ._regression import LatentRegression, RegressionSizes

__all__ = ["Vae"]


class Vae(LatentRegression):
    """The auto-encoder with q(z|x) a Gaussian of independent coordinates, held near N(0, I).

    Its term `latent` is KL[q(z|x) || N(0, I)], in closed form, divided by Z; see `AutoEncoder`.

    References:
        Kingma & Welling, Auto-Encoding Variational Bayes (2014), https://arxiv.org/abs/1312.6114
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        sizes: Fields of `RegressionSizes`.

    Example:
        >>> from patchflow.engines import engines
        >>> model = Vae(engines["tone"].space, channels=4, hidden=8, regressor=8).eval()
        >>> z = model.latent(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> model.presets(z).shape, model.reconstruct(z).shape
        (torch.Size([1, 3]), torch.Size([1, 64, 80]))
    """

    def __init__(self, space: ParamSpace, **sizes: Any) -> None:
        super().__init__(space, RegressionSizes(**sizes), gaussian=True)

    def sample_latent(self, context: Float[Tensor, "B C"], noise: Float[Tensor, "B Z"]) -> LatentSample:
        """See `LatentRegression.sample_latent`."""
        return sample_gaussian(context, noise)

    def penalties(self, drawn: LatentSample, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns the divergence of q from the normal distribution."""
        excess = drawn.mean.square() + drawn.log_variance.exp() - 1 - drawn.log_variance
        return {"latent": excess.sum(1).mean() / 2}
