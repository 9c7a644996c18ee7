"""A Wasserstein auto-encoder of spectrograms with a regression on its latent."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.inputs import inputs
from ..nn.gaussian import LatentSample, certain, discrepancy
from ..presets import ParamSpace
from ._regression import LatentRegression, RegressionSizes

__all__ = ["Wae"]

_VALUES = 100  # of the spectrogram to one unit of discrepancy


class Wae(LatentRegression):
    """The auto-encoder whose latents, of all sounds together, are to look like draws from N(0, I).

    q(z|x) is a point, as in the experiments of Tolstikhin et al.: a Gaussian would lose its width, because nothing
    in the objective keeps it. So all noise is that of the regression's residuals.

    Its term `latent` is the maximum mean discrepancy of a batch from as many normal draws, times F N / 100 for
    F x N spectrograms, divided by Z as all terms are. That is the weight of the original, who have 10 for
    images of 784 values and 100 for 12,288, on summed squared errors. An estimate without bias, it is below 0 at times.

    References:
        Tolstikhin et al., Wasserstein Auto-Encoders (2018), https://arxiv.org/abs/1711.01558
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        sizes: Fields of `RegressionSizes`.

    Example:
        >>> from patchflow.engines import engines
        >>> model = Wae(engines["tone"].space, channels=4, hidden=8, regressor=8).eval()
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
        """Returns the weighted discrepancy of the latents from as many normal draws."""
        z = drawn.z
        normal = torch.randn(z.shape, generator=generator, device=z.device, dtype=z.dtype)
        bands, frames = inputs[self.input].shape
        return {"latent": discrepancy(z, normal) * (bands * frames / _VALUES)}
