"""The regression flow, learned by likelihoods alone: of presets, of presets given sounds, of sounds given presets."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..presets import ParamSpace
from ._flow_regression import FlowRegression, FlowRegressionSizes
from ._gaussian import log_normal
from ._macros import Macros
from ._model import Batch
from ._spread import spread
from ._words import log_tags

__all__ = ["FlowJoint"]

_SLOPE = 2.0  # of the chance of a word along its coordinate, before anything was learned


@dataclass(frozen=True)
class _Sizes(FlowRegressionSizes):
    told: int
    pairs: int


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
    N(0, I) is an even draw before it learns, and one beyond 5 is at an end in float32. The best guess is the middle of
    q(z|x), sent through f: one of the presets that may be, not their mean.

    Both directions of f are used in training, so it should be a coupling, `"spline"` or `"realnvp"`, which
    takes one pass either way. A small one: `channels=16, hidden=256, depth=2, steps=6, flow_hidden=64, told=64`.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971
        Durkan et al., Neural Spline Flows (2019), https://arxiv.org/abs/1906.04032

    Args:
        space: The parameters to infer.
        pairs: Number of pairs of opposite words; 0 for none, and then tags are ignored.
        latent: Number of latent dimensions; 0 for as many as there are parameters. See `FlowRegression` for others.
        channels: Of every convolution, in the encoder and in the decoder.
        layers: Number of convolutions in either.
        kernel: Width of their kernels, odd.
        hidden: Width of the linear layers in either.
        depth: Number of linear layers in either.
        flow: Name of the flows, see `flows`.
        steps: Number of steps of each.
        flow_hidden: Width of the networks inside.
        told: How many numbers the flow of q(z|x) is told of the sound, beside mean and variance of where it begins.
        hears: What it hears, see `features.inputs`.

    Raises:
        ValueError: If there are more pairs than latent dimensions.

    Example:
        >>> from patchflow.engines import engines
        >>> model = FlowJoint(engines["tone"].space, channels=4, hidden=8, steps=2, flow_hidden=8, told=4).eval()
        >>> z = model.latent(torch.rand(1, 64, 80), torch.tensor([[60.0, 100.0, 3.0]]))
        >>> torch.allclose(model.latent_of(model.presets(z)), z, atol=1e-4)
        True
    """

    def __init__(
        self,
        space: ParamSpace,
        *,
        pairs: int = 0,
        latent: int = 0,
        channels: int = 64,
        layers: int = 5,
        kernel: int = 7,
        hidden: int = 1024,
        depth: int = 3,
        flow: str = "spline",
        steps: int = 8,
        flow_hidden: int = 256,
        told: int = 256,
        hears: str = "paper",
    ) -> None:
        sizes = _Sizes(
            latent, channels, layers, kernel, hidden, depth, hears, flow, steps, flow_hidden, told, pairs
        )  # fmt: skip
        super().__init__(space, sizes, end="normal_cdf", told=told)
        if not 0 <= pairs <= self.latent_size:
            raise ValueError(f"pairs={pairs}: not in [0, {self.latent_size}], the number of latent dimensions")
        self.pairs = pairs
        self.log_slope = nn.Parameter(torch.full((pairs,), math.log(_SLOPE))) if pairs else None

    def macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `Macros.macro`: latents are such coordinates."""
        return z

    def from_macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `Macros.from_macro`."""
        return z

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns negative log-likelihoods in nats, divided by Z.

        `latent` is -log p(v), `regression` -log p(v|x), `reconstruction` -log p(x|z) and `disentangling`
        -log p(tags|z), 0 without pairs of words, of freshly spread presets. Their sum is no evidence bound: the preset
        counts twice. Coordinates beyond those of presets are drawn evenly, so for Z > P the first two are bounds.
        """
        points = spread(batch.points, self.cells, generator)
        beyond = torch.rand((len(points), self.noise - points.shape[1]), generator=generator, device=points.device)
        u, logdet = self.regression.inverse(torch.cat((points, beyond), 1))
        z, rest = u[:, : self.latent_size], log_normal(u[:, self.latent_size :]) + logdet
        noise, of_posterior = self.heard(z, self.coder.encode(batch.mel))
        words = z.new_zeros(len(z)) if self.log_slope is None else log_tags(z, batch.tags, self.log_slope)
        terms = {
            "reconstruction": self.coder.nats(z, batch.mel).mean(),
            "latent": -(log_normal(z) + rest).mean(),
            "regression": -(log_normal(noise) + of_posterior + rest).mean(),
            "disentangling": -words.mean(),
        }
        return {name: term / self.latent_size for name, term in terms.items()}
