"""A variational auto-encoder whose posterior is a Gaussian sent through a flow."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..flows import chain
from ..nn.gaussian import LatentSample, log_normal, sample_gaussian
from ..presets import ParamSpace
from ._regression import LatentRegression, RegressionSizes

__all__ = ["VaeFlow", "VaeFlowSizes"]


@dataclass(frozen=True)
class VaeFlowSizes(RegressionSizes):
    """The sizes of this model: those of `RegressionSizes`, and these.

    Args:
        flow: Name of the posterior's flow, see `flows`.
        steps: How many of them, at least 1.
        flow_hidden: Width of the networks inside, at least 1.
    """

    flow: str = "iaf"
    steps: int = 16
    flow_hidden: int = 256


class VaeFlow(LatentRegression):
    """The variational auto-encoder with 16 inverse autoregressive steps from q's Gaussian to z.

    z_0 ~ N(mu(x), sigma(x)) and z = f_16(... f_1(z_0)), with permutations between the steps. The flow is the same for
    all sounds, and only its forward direction is needed, which an IAF takes in one pass.

    Its term `latent` is the divergence of q from N(0, I), of one draw a sound, divided by Z:
    log N(z_0; mu, sigma) - sum log|det df_k| - log N(z; 0, I). See `AutoEncoder`.

    References:
        Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow (2016),
        https://arxiv.org/abs/1606.04934
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        sizes: Fields of `VaeFlowSizes`.

    Example:
        >>> from patchflow.engines import engines
        >>> model = VaeFlow(engines["tone"].space, channels=4, hidden=8, regressor=8, steps=2, flow_hidden=8).eval()
        >>> z = model.latent(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> model.presets(z).shape, model.reconstruct(z).shape
        (torch.Size([1, 3]), torch.Size([1, 64, 80]))
    """

    Sizes = VaeFlowSizes

    def __init__(self, space: ParamSpace, **sizes: Any) -> None:
        made = VaeFlowSizes(**sizes)
        super().__init__(space, made, gaussian=True)
        self.posterior = chain(made.flow, self.latent_size, made.steps, hidden=made.flow_hidden)

    def sample_latent(self, context: Float[Tensor, "B C"], noise: Float[Tensor, "B Z"]) -> LatentSample:
        """See `LatentRegression.sample_latent`."""
        return sample_gaussian(context, noise, self.posterior)

    def penalties(self, drawn: LatentSample, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns the divergence of q from the normal distribution, estimated by the draws."""
        return {"latent": (drawn.log_prob - log_normal(drawn.z)).mean()}
