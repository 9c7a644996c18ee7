"""The interface of auto-encoders with an invertible map from the latent to presets."""

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
from ._gaussian import draw, log_normal, split

__all__ = ["FlowRegression", "FlowRegressionSizes"]


@dataclass(frozen=True)
class FlowRegressionSizes(CoderSizes):
    """What all of them are made with.

    Args:
        flow: Name of the flows, see `flows`.
        steps: Number of steps of each.
        flow_hidden: Width of the networks inside.
    """

    flow: str
    steps: int
    flow_hidden: int


class FlowRegression(AutoEncoder, Density):
    """An auto-encoder with a flow in q(z|x), and a flow f from z to the preset: v = f(z).

    f acts on D = max(Z, P) coordinates and ends in the cube. Of latents that are longer than presets the last
    Z - P coordinates of f(z) are of no parameter; they are taken to be uniform. Where they are shorter, f acts on
    [z, e] with P - Z further coordinates e ~ N(0, I): `presets(z)` is f([z, 0]), which is a surface in the cube,
    on which `latent_of` is the exact inverse and beside which it projects. Draws have e, so the model is
    a `Density` whenever Z <= P: its noise is that of q(z|x), then e. For Z > P it is not, see `as_density`.

    What `encode` returns is mean and log-variance of the Gaussian, then what the regression flow is told of the
    sound, then what the posterior flow is told.

    Args:
        space: The parameters to infer.
        sizes: What it is made with.
        end: Name of the flow that leads to the cube.
        conditional: How many numbers the regression flow is told of the sound; its map is then one for each sound.
        told: How many numbers the posterior flow is told of the sound.
    """

    cells: Tensor

    def __init__(
        self, space: ParamSpace, sizes: FlowRegressionSizes, *, end: str, conditional: int = 0, told: int = 0
    ) -> None:
        super().__init__()
        for name, size in (("conditional", conditional), ("told", told)):
            if size < 0:
                raise ValueError(f"{name}={size}: not at least 0")
        self.space = space
        self.hears = sizes.hears
        self.sizes = sizes
        self.latent_size = sizes.latent or len(space)
        self.noise = max(self.latent_size, len(space))
        self.codes = [2 * self.latent_size, conditional, told]
        self.coder = Coder(sizes, self.latent_size, sum(self.codes))
        kind, steps, hidden = sizes.flow, sizes.steps, sizes.flow_hidden
        self.posterior = chain(kind, self.latent_size, steps, hidden=hidden, context=told)
        self.regression = chain(kind, self.noise, steps, hidden=hidden, context=conditional, seed=1000, end=end)
        self.register_buffer("cells", torch.from_numpy(space.cells).float(), persistent=False)

    def config(self) -> dict[str, Any]:
        """See `Model.config`."""
        return asdict(self.sizes)

    def encode(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """See `AutoEncoder`; what flows are told of the sound comes last."""
        return self.coder.encode(mel)

    def draw(self, context: Float[Tensor, "S C"], noise: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `AutoEncoder.draw`."""
        return draw(context, noise, self.posterior, self._told(context, 2)).z

    def presets(self, z: Float[Tensor, "S Z"], context: Float[Tensor, "S C"] | None = None) -> Float[Tensor, "S P"]:
        """See `AutoEncoder.presets`: f([z, 0]), in one pass of the flow if its forward direction takes one."""
        rest = z.new_zeros(len(z), self.noise - self.latent_size)
        return self.regression(torch.cat((z, rest), 1), self.told(z, context))[0][:, : len(self.space)]

    def latent_of(
        self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"] | None = None
    ) -> Float[Tensor, "S Z"]:
        """Returns the latents of presets: the inverse of `presets`.

        Args:
            points: Points of the cube; what f gives beyond them is taken to be 1/2.
            context: As for `presets`.
        """
        rest = points.new_full((len(points), self.noise - len(self.space)), 0.5)
        u, _ = self.regression.inverse(torch.cat((points, rest), 1), self.told(points, context))
        return u[:, : self.latent_size]

    @torch.no_grad()
    def decode(self, z: Float[Tensor, "S D"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Model.decode`."""
        latent = self.draw(context, z[:, : self.latent_size])
        u = torch.cat((latent, z[:, self.latent_size :]), 1)
        return self.regression(u, self.told(z, context))[0][:, : len(self.space)]

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

    def told(self, like: Tensor, context: Float[Tensor, "S C"] | None) -> Float[Tensor, "S K"] | None:
        """Returns what the regression flow hears of each sound: zeros for no sound in particular.

        Args:
            like: A row for each.
            context: What `encode` returned for each sound, if any.
        """
        if context is None:
            return like.new_zeros(len(like), self.codes[1]) if self.codes[1] else None
        return self._told(context, 1)

    def heard(
        self, z: Float[Tensor, "B Z"], context: Float[Tensor, "B C"]
    ) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B"]]:
        """Returns the noise that `draw` makes latents of, and the log-determinant of the way from them to it.

        Args:
            z: Latents.
            context: What `encode` returned for each sound.
        """
        start, logdet = self.posterior.inverse(z, self._told(context, 2))
        mean, log_variance = split(context, self.latent_size)
        return (start - mean) * (-log_variance / 2).exp(), logdet - log_variance.sum(1) / 2

    def _told(self, context: Tensor, part: int) -> Tensor | None:
        return torch.tanh(context.split(self.codes, 1)[part]) if self.codes[part] else None

    def _undo(self, points: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """The base noise of presets and the log-determinant of the way there."""
        if self.latent_size > len(self.space):
            raise ValueError(f"latent={self.latent_size}: more than {len(self.space)} parameters, so not a density")
        u, of_regression = self.regression.inverse(points, self.told(points, context))
        noise, of_posterior = self.heard(u[:, : self.latent_size], context)
        return torch.cat((noise, u[:, self.latent_size :]), 1), of_regression + of_posterior
