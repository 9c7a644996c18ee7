"""The interface of auto-encoders with an invertible map from the latent to presets."""

import abc
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..presets import ParamSpace
from ._autoencoder import AutoEncoder
from ._chains import chain
from ._coder import Coder, CoderSizes
from ._density import Density
from ._gaussian import Drawn, draw, log_normal, split
from ._model import Batch
from ._noise_scale import NoiseScale

__all__ = ["FlowRegression", "FlowRegressionSizes"]

_UNTOLD = 0.1  # share of sounds in training of which the regression flow is told nothing


@dataclass(frozen=True)
class FlowRegressionSizes(CoderSizes):
    """What all of them are made with.

    Args:
        flow: Name of the flows, see `flows`.
        steps: Number of steps of each.
        flow_hidden: Width of the networks inside.
        conditional: How many numbers the regression flow is told of the sound.
    """

    flow: str
    steps: int
    flow_hidden: int
    conditional: int


class FlowRegression(AutoEncoder, Density):
    """A variational auto-encoder with a posterior flow, and a flow f from z to the preset: v = f(z).

    f acts on D = max(Z, P) coordinates and ends in a sigmoid. Of latents that are longer than presets the last
    Z - P coordinates of f(z) are of no parameter; they are taken to be uniform. Where they are shorter, f acts on
    [z, e] with P - Z further coordinates e ~ N(0, I): `presets(z)` is f([z, 0]), which is a surface in the cube,
    on which `latent_of` is the exact inverse and beside which it projects. Draws have e, so the model is
    a `Density` whenever Z <= P: its noise is that of q(z|x), then e. For Z > P it is not, see `as_density`.

    Args:
        space: The parameters to infer.
        sizes: What it is made with.
    """

    cells: Tensor

    def __init__(self, space: ParamSpace, sizes: FlowRegressionSizes) -> None:
        super().__init__()
        self.space = space
        self.hears = sizes.hears
        self.sizes = sizes
        self.latent_size = sizes.latent or len(space)
        self.noise = max(self.latent_size, len(space))
        if sizes.conditional < 0:
            raise ValueError(f"conditional={sizes.conditional}: not at least 0")
        self.coder = Coder(sizes, self.latent_size, 2 * self.latent_size + sizes.conditional)
        kind, steps, hidden = sizes.flow, sizes.steps, sizes.flow_hidden
        self.posterior = chain(kind, self.latent_size, steps, hidden=hidden)
        self.regression = chain(
            kind, self.noise, steps, hidden=hidden, context=sizes.conditional, seed=1000, to_cube=True
        )
        self.scale = NoiseScale(len(space))
        self.register_buffer("cells", torch.from_numpy(space.cells).float(), persistent=False)

    @abc.abstractmethod
    def further_terms(self, drawn: Drawn, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Returns terms of the loss that are not here, in nats a sound.

        Args:
            drawn: Latents of the batch.
            batch: What is learned from.
        """

    def config(self) -> dict[str, Any]:
        """See `Model.config`."""
        return asdict(self.sizes)

    def encode(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """See `AutoEncoder`; what the regression flow is told of the sound comes last."""
        return self.coder.encode(mel)

    def draw(self, context: Float[Tensor, "S C"], noise: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `AutoEncoder.draw`."""
        return draw(context, noise, self.posterior).z

    def presets(self, z: Float[Tensor, "S Z"], context: Float[Tensor, "S C"] | None = None) -> Float[Tensor, "S P"]:
        """See `AutoEncoder.presets`: f([z, 0]), in one pass of the flow if its forward direction takes one."""
        rest = z.new_zeros(len(z), self.noise - self.latent_size)
        return self.regression(torch.cat((z, rest), 1), self._told(z, context))[0][:, : len(self.space)]

    def latent_of(
        self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"] | None = None
    ) -> Float[Tensor, "S Z"]:
        """Returns the latents of presets: the inverse of `presets`.

        Args:
            points: Points of the cube; what f gives beyond them is taken to be 1/2.
            context: As for `presets`.
        """
        rest = points.new_full((len(points), self.noise - len(self.space)), 0.5)
        u, _ = self.regression.inverse(torch.cat((points, rest), 1), self._told(points, context))
        return u[:, : self.latent_size]

    @torch.no_grad()
    def decode(self, z: Float[Tensor, "S D"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Model.decode`."""
        latent = self.draw(context, z[:, : self.latent_size])
        u = torch.cat((latent, z[:, self.latent_size :]), 1)
        return self.regression(u, self._told(z, context))[0][:, : len(self.space)]

    @torch.no_grad()
    def infer(self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Density.infer`.

        Raises:
            ValueError: If the latent is longer than presets are.
        """
        return self._undo(points, context)[0]

    def log_density(self, points: Float[Tensor, "B P"], context: Float[Tensor, "B C"]) -> Float[Tensor, "B"]:
        """See `Density.log_density`.

        Raises:
            ValueError: If the latent is longer than presets are.
        """
        noise, logdet = self._undo(points, context)
        return log_normal(noise) + logdet

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns `reconstruction`, `latent`, `regression` and further terms; see `AutoEncoder`.

        `regression` is -E[log N(f(z); v, sigma^2)] - log|det df/dz| + KL[q(sigma) || p(sigma)] for dequantised
        presets v, the negative log-density of z where the preset is known. See `NoiseScale` for sigma. Weigh it as
        `latent` at all times, warm-up included: the log-density of z grows as z shrinks, and only the entropy of
        q in `latent` pays that back.
        """
        context, device = self.coder.encode(batch.mel), batch.points.device
        normal = torch.randn((len(batch), self.noise), generator=generator, device=device).to(context)
        uniform = torch.rand(batch.points.shape, generator=generator, device=device)
        untold = torch.rand((len(batch), 1), generator=generator, device=device) < _UNTOLD
        drawn = draw(context, normal[:, : self.latent_size], self.posterior)
        u = torch.cat((drawn.z, normal[:, self.latent_size :]), 1)
        told = self._told(u, context)
        likely = self._likelihood(
            u, None if told is None else told.masked_fill(untold, 0), self._spread(batch, uniform)
        )
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

    def _told(self, like: Tensor, context: Tensor | None) -> Tensor | None:
        """What the regression flow hears of the sound: zeros for no sound in particular."""
        if not self.sizes.conditional:
            return None
        if context is None:
            return like.new_zeros(len(like), self.sizes.conditional)
        return torch.tanh(context[:, 2 * self.latent_size :])

    def _undo(self, points: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """The base noise of presets and the log-determinant of the way there."""
        if self.latent_size > len(self.space):
            raise ValueError(f"latent={self.latent_size}: more than {len(self.space)} parameters, so not a density")
        u, of_regression = self.regression.inverse(points, self._told(points, context))
        start, of_posterior = self.posterior.inverse(u[:, : self.latent_size])
        mean, log_variance = split(context, self.latent_size)
        z = (start - mean) * (-log_variance / 2).exp()
        logdet = of_regression + of_posterior - log_variance.sum(1) / 2
        return torch.cat((z, u[:, self.latent_size :]), 1), logdet

    def _spread(self, batch: Batch, uniform: Tensor) -> Tensor:
        """Presets whose discrete values are anywhere in their cells."""
        width = torch.where(self.cells > 0, 1 / self.cells.clamp_min(1), 0)
        return batch.points + (uniform - 0.5) * width
