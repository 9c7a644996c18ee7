"""The regression flow, learned by likelihoods of presets, also given sounds, and of sounds."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..nn.gaussian import log_normal, log_tags
from ..nn.linear import dequantise
from ..presets import ParamSpace
from ._base import Batch, Macros
from ._flow_regression import FlowRegression, FlowRegressionSizes

__all__ = ["FlowJoint", "FlowJointSizes"]

_SLOPE = 2.0  # of the log-odds of a tag along its coordinate, before anything was learned


@dataclass(frozen=True)
class FlowJointSizes(FlowRegressionSizes):
    """The sizes of this model: those of `FlowRegressionSizes`, two with other defaults, and these.

    Args:
        flow: Name of the flows, see `flows`; a coupling.
        steps: Number of steps of each, at least 1.
        posterior_context: Length of the context of the flow of q(z|x), made of the sound, beside the mean and variance
            of where it begins.
        attributes: Number of attributes, at most that of latent dimensions; 0 for none, and then tags are ignored.
    """

    flow: str = "spline"
    steps: int = 8
    posterior_context: int = 256
    attributes: int = 0


class FlowJoint(FlowRegression, Macros):
    """An invertible map as that of `FlowReg`, learned another way: from latents of presets, not from draws of q(z|x).

    f goes both ways, so the latent of a preset is known: z = f^-1(v). Likelihoods are maximised, all proper, so
    none can be had by making z small, as it can in `FlowReg`:

    * of presets, log p(v) = log N(z; 0, I) + log|det df^-1/dv|: latents fill N(0, I), and draws from it are presets;
    * of presets given their sounds, log p(v|x) = log q(z|x) + log|det df^-1/dv|: the encoder says where z is;
    * of sounds given their presets, log p(x|z): the decoder draws the sound, so those that are alike lie together;
    * of tags given the presets they are of, log p(tags|z), see `log_tags`: the first coordinates of z are
      macro-controls, with no flow of their own, and as near to N(0, 1) as the weight of this term lets them be.

    Discrete values are dequantised, continuous ones are spread by 0.01 either way: to find the latent of a knob at its
    very end, move it 0.005 inside, where it was learned. f ends in the normal distribution function, so a latent of
    N(0, I) is an even draw before it learns, and one beyond 5 is at an end in float32. The best prediction is the
    middle of q(z|x), sent through f: one of the presets that may be, not their mean.

    Both directions of f are used in training, so it should be a coupling, `"spline"` or `"realnvp"`, which
    takes one pass either way. A small one:
    `channels=16, hidden=256, depth=2, steps=6, flow_hidden=64, posterior_context=64`.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971
        Durkan et al., Neural Spline Flows (2019), https://arxiv.org/abs/1906.04032

    Args:
        space: The parameters to infer.
        sizes: Fields of `FlowJointSizes`.

    Raises:
        ValueError: If there are more attributes than latent dimensions.

    Example:
        >>> from patchflow.engines import engines
        >>> small = {"channels": 4, "hidden": 8, "steps": 2, "flow_hidden": 8, "posterior_context": 4}
        >>> model = FlowJoint(engines["tone"].space, **small).eval()
        >>> z = model.latent(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> torch.allclose(model.latent_of(model.presets(z)), z, atol=1e-4)
        True
    """

    Sizes = FlowJointSizes

    def __init__(self, space: ParamSpace, **sizes: Any) -> None:
        made = FlowJointSizes(**sizes)
        super().__init__(space, made, end="normal_cdf", posterior_context=made.posterior_context)
        if not 0 <= made.attributes <= self.latent_size:
            raise ValueError(
                f"attributes={made.attributes}: not in [0, {self.latent_size}], the number of latent dimensions"
            )
        self.attributes = made.attributes
        self.log_slope = nn.Parameter(torch.full((made.attributes,), math.log(_SLOPE))) if made.attributes else None

    def macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `Macros.macro`: latents are such coordinates."""
        return z.clone()

    def from_macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `Macros.from_macro`."""
        return z.clone()

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns negative log-likelihoods in nats, divided by Z.

        `latent` is -log p(v), `regression` -log p(v|x), `reconstruction` -log p(x|z) and `disentangling`
        -log p(tags|z), 0 without attributes, of freshly spread presets. Their sum is no evidence bound: the preset
        counts twice. Coordinates beyond those of presets are drawn evenly, so for Z > P the first two are bounds.
        """
        # where the latent is longer than a preset, f^-1 needs values for the coordinates that are of no parameter
        points = dequantise(batch.points, self.cells, generator)
        beyond = torch.rand((len(points), self.noise - points.shape[1]), generator=generator, device=points.device)
        whole = torch.cat((points, beyond), 1)
        u, logdet = self.regression.inverse(whole)
        z = u[:, : self.latent_size]
        # what p(v) and p(v|x) have in common: coordinates beyond the latent, and the Jacobian of f^-1
        shared = log_normal(u[:, self.latent_size :]) + logdet
        context = self.coder.encode(batch.mel)
        noise, of_posterior = self.latent_noise(z, context)
        tags = z.new_zeros(len(z))
        if self.log_slope is not None:
            tags = log_tags(z, batch.tags, self.log_slope)
        terms = {
            "reconstruction": self.coder.nats(z, batch.mel).mean(),
            "latent": -(log_normal(z) + shared).mean(),
            "regression": -(log_normal(noise) + of_posterior + shared).mean(),
            "disentangling": -tags.mean(),
        }
        return {name: term / self.latent_size for name, term in terms.items()}
