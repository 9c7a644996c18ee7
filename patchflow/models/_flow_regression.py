"""What regression flows share: an invertible map from latent to preset, sizes, the paper's loss."""

import abc
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..flows import chain
from ..nn.conv import Coder, CoderSizes
from ..nn.gaussian import LatentSample, NoiseScale, log_normal, sample_gaussian, split
from ..nn.linear import dequantise
from ..presets import ParamSpace
from ._base import AutoEncoder, Batch, Density

__all__ = ["Evidence", "EvidenceSizes", "FlowRegression", "FlowRegressionSizes"]

# parts of what `encode` returns; part 0 is mean and log-variance
_REGRESSION = 1  # the context of the regression flow
_POSTERIOR = 2  # the context of the posterior flow
_HIDDEN = 0.1  # share of sounds in training whose context the regression flow does not get


@dataclass(frozen=True)
class FlowRegressionSizes(CoderSizes):
    """The sizes of all of them: those of `CoderSizes`, and these. See `FlowRegression` for `latent`.

    Args:
        flow: Name of the flows, see `flows`.
        steps: Number of steps of each, at least 1.
        flow_hidden: Width of the networks inside, at least 1.
    """

    flow: str = "iaf"
    steps: int = 16
    flow_hidden: int = 256


class FlowRegression(AutoEncoder, Density):
    """An auto-encoder with a flow in q(z|x), and a flow f from z to the preset: v = f(z).

    f acts on D = max(Z, P) coordinates and ends in the cube. Of latents that are longer than presets the last
    Z - P coordinates of f(z) are of no parameter; they are taken to be uniform. Where they are shorter, f acts on
    [z, e] with P - Z further coordinates e ~ N(0, I): `presets(z)` is f([z, 0]), which is a surface in the cube,
    on which `latent_of` is the exact inverse and beside which it projects. Draws have e, so the model is
    a `Density` whenever Z <= P: its noise is that of q(z|x), then e. For Z > P it is not, see `as_density`.

    What `encode` returns is mean and log-variance of the Gaussian, then the context of the regression flow, then that
    of the posterior flow.

    Args:
        space: The parameters to infer.
        sizes: What it is made with.
        end: Name of the flow that leads to the cube.
        regression_context: Length of the context of the regression flow, made of the sound; its map is then one for
            each sound.
        posterior_context: Length of the context of the posterior flow.
    """

    cells: Tensor

    def __init__(
        self,
        space: ParamSpace,
        sizes: FlowRegressionSizes,
        *,
        end: str,
        regression_context: int = 0,
        posterior_context: int = 0,
    ) -> None:
        super().__init__()
        if regression_context < 0:
            raise ValueError(f"regression_context={regression_context}: not at least 0")
        if posterior_context < 0:
            raise ValueError(f"posterior_context={posterior_context}: not at least 0")
        self.space = space
        self.input = sizes.input
        self.sizes = sizes
        self.latent_size = sizes.latent or len(space)
        self.noise = max(self.latent_size, len(space))
        # lengths of the parts of what `encode` returns
        self.codes = [2 * self.latent_size, regression_context, posterior_context]
        self.coder = Coder(sizes, self.latent_size, sum(self.codes))
        self.posterior = chain(
            sizes.flow, self.latent_size, sizes.steps, hidden=sizes.flow_hidden, context=posterior_context
        )
        self.regression = chain(
            sizes.flow,
            self.noise,
            sizes.steps,
            hidden=sizes.flow_hidden,
            context=regression_context,
            seed=1000,
            end=end,
        )
        self.register_buffer("cells", torch.from_numpy(space.cells).float(), persistent=False)

    def config(self) -> dict[str, Any]:
        """See `Model.config`."""
        return asdict(self.sizes)

    def encode(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """See `AutoEncoder`; the contexts of the flows come last."""
        return self.coder.encode(mel)

    def draw(self, context: Float[Tensor, "S C"], noise: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `AutoEncoder.draw`."""
        return sample_gaussian(context, noise, self.posterior, self._code(context, _POSTERIOR)).z

    def presets(self, z: Float[Tensor, "S Z"], context: Float[Tensor, "S C"] | None = None) -> Float[Tensor, "S P"]:
        """See `AutoEncoder.presets`: f([z, 0]), in one pass of the flow if its forward direction takes one."""
        beyond = z.new_zeros(len(z), self.noise - self.latent_size)
        noise = torch.cat((z, beyond), 1)
        v, _ = self.regression(noise, self.regression_code(z, context))
        return v[:, : len(self.space)]

    def latent_of(
        self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"] | None = None
    ) -> Float[Tensor, "S Z"]:
        """Returns the latents of presets: the inverse of `presets`.

        Args:
            points: Points of the cube; what f gives beyond them is taken to be 1/2.
            context: As for `presets`.
        """
        beyond = points.new_full((len(points), self.noise - len(self.space)), 0.5)
        whole = torch.cat((points, beyond), 1)
        u, _ = self.regression.inverse(whole, self.regression_code(points, context))
        return u[:, : self.latent_size]

    @torch.no_grad()
    def decode(self, z: Float[Tensor, "S D"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Model.decode`."""
        latent = self.draw(context, z[:, : self.latent_size])
        u = torch.cat((latent, z[:, self.latent_size :]), 1)
        v, _ = self.regression(u, self.regression_code(z, context))
        return v[:, : len(self.space)]

    @torch.no_grad()
    def noise_of(self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Density.noise_of`.

        Raises:
            ValueError: If the latent is longer than presets are.
        """
        return self._undo(points, context)[0]

    def log_prob(self, points: Float[Tensor, "B P"], context: Float[Tensor, "B C"]) -> Float[Tensor, "B"]:
        """See `Density.log_prob`.

        Raises:
            ValueError: If the latent is longer than presets are.
        """
        noise, logdet = self._undo(points, context)
        return log_normal(noise) + logdet

    def regression_code(self, like: Tensor, context: Float[Tensor, "S C"] | None) -> Float[Tensor, "S K"] | None:
        """Returns the context of the regression flow for each sound: zeros for no sound in particular.

        Args:
            like: A row for each.
            context: What `encode` returned for each sound, if any.
        """
        if context is None:
            size = self.codes[_REGRESSION]
            return like.new_zeros(len(like), size) if size else None
        return self._code(context, _REGRESSION)

    def latent_noise(
        self, z: Float[Tensor, "B Z"], context: Float[Tensor, "B C"]
    ) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B"]]:
        """Returns the noise of latents, which `sample_gaussian` undoes, and the log-determinant of the way to it.

        Args:
            z: Latents.
            context: What `encode` returned for each sound.
        """
        start, logdet = self.posterior.inverse(z, self._code(context, _POSTERIOR))
        mean, log_variance = split(context, self.latent_size)
        # noise = (start - mean) / sigma, whose log-determinant is -sum log sigma = -sum log_variance / 2
        noise = (start - mean) * (-log_variance / 2).exp()
        return noise, logdet - log_variance.sum(1) / 2

    def _code(self, context: Tensor, part: int) -> Tensor | None:
        if not self.codes[part]:
            return None
        return torch.tanh(context.split(self.codes, 1)[part])

    def _undo(self, points: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """The base noise of presets and the log-determinant of the way there."""
        if self.latent_size > len(self.space):
            raise ValueError(f"latent={self.latent_size}: more than {len(self.space)} parameters, so not a density")
        # preset -> [latent, e] -> [noise of the latent, e]: two maps, whose log-determinants add up
        u, of_regression = self.regression.inverse(points, self.regression_code(points, context))
        noise, of_posterior = self.latent_noise(u[:, : self.latent_size], context)
        return torch.cat((noise, u[:, self.latent_size :]), 1), of_regression + of_posterior


@dataclass(frozen=True)
class EvidenceSizes(FlowRegressionSizes):
    """The sizes of all of them: those of `FlowRegressionSizes`, and this.

    Args:
        regression_context: Length of the context of the regression flow, 0 for none; see `FlowReg`.
    """

    regression_context: int = 0


class Evidence(FlowRegression):
    """A regression flow that ends in a sigmoid and learns as the paper's do: by the evidence of draws from q(z|x).

    Args:
        space: The parameters to infer.
        sizes: What it is made with.
    """

    Sizes = EvidenceSizes

    def __init__(self, space: ParamSpace, sizes: EvidenceSizes) -> None:
        super().__init__(space, sizes, end="sigmoid", regression_context=sizes.regression_context)
        self.scale = NoiseScale(len(space))

    @abc.abstractmethod
    def further_terms(self, drawn: LatentSample, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Returns terms of the loss that are not here, in nats a sound.

        Args:
            drawn: Latents of the batch.
            batch: What is learned from.
        """

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns `reconstruction`, `latent`, `regression` and further terms; see `AutoEncoder`.

        Each is divided by the number Z of latent dimensions.

        `regression` is -E[log N(f(z); v, sigma^2)] - log|det df/dz| + KL[q(sigma) || p(sigma)] for dequantised
        presets v, the negative log-density of z where the preset is known. See `NoiseScale` for sigma. Weigh it as
        `latent` at all times, warm-up included: the log-density of z grows as z shrinks, and only the entropy of
        q in `latent` balances that.
        """
        # a run that goes on after a stop repeats these draws: their number and order are part of what a seed means
        device = batch.points.device
        context = self.coder.encode(batch.mel)
        normal = torch.randn((len(batch), self.noise), generator=generator, device=device).to(context)
        points = dequantise(batch.points, self.cells, generator, knobs=0.0)
        hidden = torch.rand((len(batch), 1), generator=generator, device=device) < _HIDDEN
        drawn = sample_gaussian(context, normal[:, : self.latent_size], self.posterior)
        u = torch.cat((drawn.z, normal[:, self.latent_size :]), 1)
        code = self.regression_code(u, context)
        if code is not None:
            code = code.masked_fill(hidden, 0)  # as for latents without a sound, so that there is a map for those too
        likely = self._likelihood(u, code, points)
        terms = {
            "reconstruction": self.coder.nats(drawn.z, batch.mel).mean(),
            "latent": (drawn.log_prob - log_normal(drawn.z)).mean(),
            "regression": self.scale.divergence() - likely.mean(),
            **self.further_terms(drawn, batch),
        }
        return {name: term / self.latent_size for name, term in terms.items()}

    def _likelihood(self, u: Tensor, code: Tensor | None, points: Tensor) -> Tensor:
        """E_q[log N(f(u); v, sigma^2)] + log|det df/du|, shape (B,)."""
        v, logdet = self.regression(u, code)
        return self.scale.log_likelihood(v[:, : points.shape[1]] - points) + logdet
