"""The interface of regression flows that learn as the paper's do: by the evidence of latents drawn from q(z|x)."""

import abc
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..presets import ParamSpace
from ._flow_regression import FlowRegression, FlowRegressionSizes
from ._gaussian import Drawn, draw, log_normal
from ._model import Batch
from ._noise_scale import NoiseScale
from ._spread import spread

__all__ = ["Evidence", "EvidenceSizes"]

_UNTOLD = 0.1  # share of sounds in training of which the regression flow is told nothing


@dataclass(frozen=True)
class EvidenceSizes(FlowRegressionSizes):
    """What all of them are made with.

    Args:
        conditional: How many numbers the regression flow is told of the sound.
    """

    conditional: int


class Evidence(FlowRegression):
    """A regression flow that ends in a sigmoid and is fitted to draws from q(z|x).

    Args:
        space: The parameters to infer.
        sizes: What it is made with.
    """

    def __init__(self, space: ParamSpace, sizes: EvidenceSizes) -> None:
        super().__init__(space, sizes, end="sigmoid", conditional=sizes.conditional)
        self.scale = NoiseScale(len(space))

    @abc.abstractmethod
    def further_terms(self, drawn: Drawn, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Returns terms of the loss that are not here, in nats a sound.

        Args:
            drawn: Latents of the batch.
            batch: What is learned from.
        """

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns `reconstruction`, `latent`, `regression` and further terms; see `AutoEncoder`.

        `regression` is -E[log N(f(z); v, sigma^2)] - log|det df/dz| + KL[q(sigma) || p(sigma)] for dequantised
        presets v, the negative log-density of z where the preset is known. See `NoiseScale` for sigma. Weigh it as
        `latent` at all times, warm-up included: the log-density of z grows as z shrinks, and only the entropy of
        q in `latent` pays that back.
        """
        context, device = self.coder.encode(batch.mel), batch.points.device
        normal = torch.randn((len(batch), self.noise), generator=generator, device=device).to(context)
        points = spread(batch.points, self.cells, generator, knobs=0.0)
        untold = torch.rand((len(batch), 1), generator=generator, device=device) < _UNTOLD
        drawn = draw(context, normal[:, : self.latent_size], self.posterior)
        u = torch.cat((drawn.z, normal[:, self.latent_size :]), 1)
        told = self.told(u, context)
        likely = self._likelihood(u, None if told is None else told.masked_fill(untold, 0), points)
        terms = {
            "reconstruction": self.coder.nats(drawn.z, batch.mel).mean(),
            "latent": (drawn.log_density - log_normal(drawn.z)).mean(),
            "regression": self.scale.divergence() - likely.mean(),
            **self.further_terms(drawn, batch),
        }
        return {name: term / self.latent_size for name, term in terms.items()}

    def _likelihood(self, u: Tensor, told: Tensor | None, points: Tensor) -> Tensor:
        """E_q[log N(f(u); v, sigma^2)] + log|det df/du|, shape (B,)."""
        v, logdet = self.regression(u, told)
        return self.scale.log_likelihood(v[:, : points.shape[1]] - points) + logdet
