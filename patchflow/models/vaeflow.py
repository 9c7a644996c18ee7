"""A variational auto-encoder whose posterior is a Gaussian sent through a flow."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..presets import ParamSpace
from ._chains import chain
from ._gaussian import Drawn, draw, log_normal
from ._latent_regression import LatentRegression, RegressionSizes

__all__ = ["VaeFlow"]


@dataclass(frozen=True)
class _Sizes(RegressionSizes):
    flow: str
    steps: int
    flow_hidden: int


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
        latent: Number of latent dimensions; 0 for as many as there are parameters.
        channels: Of every convolution, in the encoder and in the decoder.
        layers: Number of convolutions in either.
        kernel: Width of their kernels, odd.
        hidden: Width of the linear layers in either.
        depth: Number of linear layers in either.
        regressor: Width of the two layers from the latent to the preset.
        flow: Name of the posterior's flow, see `flows`.
        steps: How many of them.
        flow_hidden: Width of the networks inside.
        parameter_loss: `"mse"`, `"l1"`, `"cross_entropy"` or `"classification"`, see `ParameterHead`.
        hears: What it hears, see `features.inputs`.

    Example:
        >>> from patchflow.engines import engines
        >>> model = VaeFlow(engines["tone"].space, channels=4, hidden=8, regressor=8, steps=2, flow_hidden=8).eval()
        >>> z = model.latent(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> model.presets(z).shape, model.reconstruct(z).shape
        (torch.Size([1, 3]), torch.Size([1, 64, 80]))
    """

    def __init__(
        self,
        space: ParamSpace,
        *,
        latent: int = 0,
        channels: int = 64,
        layers: int = 5,
        kernel: int = 7,
        hidden: int = 1024,
        depth: int = 3,
        regressor: int = 1024,
        flow: str = "iaf",
        steps: int = 16,
        flow_hidden: int = 256,
        parameter_loss: str = "mse",
        hears: str = "paper",
    ) -> None:
        sizes = _Sizes(
            latent, channels, layers, kernel, hidden, depth, hears, regressor, parameter_loss, flow, steps, flow_hidden
        )
        super().__init__(space, sizes, gaussian=True)
        self.posterior = chain(flow, self.latent_size, steps, hidden=flow_hidden)

    def spread(self, context: Float[Tensor, "B C"], noise: Float[Tensor, "B Z"]) -> Drawn:
        """See `LatentRegression.spread`."""
        return draw(context, noise, self.posterior)

    def penalties(self, drawn: Drawn, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns the divergence of q from the normal distribution, estimated by the draws."""
        return {"latent": (drawn.log_density - log_normal(drawn.z)).mean()}
