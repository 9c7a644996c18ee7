"""What models share that regress presets: on features of the spectrogram, or on the latent of an auto-encoder."""

import abc
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..features.inputs import inputs
from ..nn import MLP, ConvEncoder, Standard, xavier
from ..nn.conv import Coder, CoderSizes
from ..nn.gaussian import LatentSample
from ..nn.linear import ParameterHead
from ..presets import ParamSpace
from ._base import AutoEncoder, Batch, Model

__all__ = ["ConvolutionSizes", "Convolutions", "FeedForward", "FeedForwardSizes", "LatentRegression", "RegressionSizes"]


@dataclass(frozen=True)
class FeedForwardSizes:
    """The sizes of all feed-forward models. The defaults are the paper's.

    Args:
        hidden: Width of the linear layers, at least 1.
        layers: Number of layers of the kind that the architecture is named after, at least 1.
        dropout: Share of values dropped between linear layers in training, in [0, 1); the paper does not give it.
        gated: 1 for gates instead of ELU, which takes twice the weights; else 0.
        parameter_loss: `"mse"`, `"l1"`, `"cross_entropy"` or `"classification"`, see `ParameterHead`.
        input: The input, see `features.inputs`.
    """

    hidden: int = 2048
    layers: int = 5
    dropout: float = 0.2
    gated: int = 0
    parameter_loss: str = "mse"
    input: str = "paper"


class FeedForward(Model):
    """A regression: features of the sound, a linear layer, a preset.

    The one best prediction is what it learned; draws add noise as large as its residuals in training, see
    `ParameterHead`. The note is no input. Its loss is `regression`, in nats a parameter.

    Args:
        space: The parameters to infer.
        sizes: What it is made with; `features` returns as many numbers as the linear layers are wide.
    """

    Sizes = FeedForwardSizes
    uses_note = False

    def __init__(self, space: ParamSpace, sizes: FeedForwardSizes) -> None:
        super().__init__()
        self.space = space
        self.input = sizes.input
        self.noise = len(space)
        self.sizes = sizes
        self.standard = Standard(inputs[sizes.input].shape[0])
        self.head = ParameterHead(space, sizes.hidden, sizes.parameter_loss)

    @abc.abstractmethod
    def features(self, x: Float[Tensor, "B F N"], generator: torch.Generator | None) -> Float[Tensor, "B H"]:
        """Returns what the linear layer sees.

        Args:
            x: Standardised spectrograms.
            generator: Random generator of the dropout in training.
        """

    def config(self) -> dict[str, Any]:
        """See `Model.config`."""
        return asdict(self.sizes)

    def normalise(self, mean: Tensor, std: Tensor) -> None:
        """Sets mean and deviation of the training data's spectrograms, shape `(F, 1)` or scalars."""
        self.standard.set(mean, std)

    def encode(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """See `Model.encode`; the encoding is the output of the last layer."""
        return self.head(self.features(self.standard(mel), None))

    @torch.no_grad()
    def decode(self, z: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Model.decode`."""
        return self.head.points(context, z)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns the mean loss of a parameter."""
        raw = self.head(self.features(self.standard(batch.mel), generator))
        return {"regression": self.head.loss(raw, batch.points).mean()}


@dataclass(frozen=True)
class ConvolutionSizes(FeedForwardSizes):
    """The sizes of `cnn` and `resnet`: those of `FeedForwardSizes`, where `layers` counts convolutions, and these.

    Args:
        channels: Of every convolution, at least 1.
        kernel: Width of their kernels, odd.
        depth: Number of linear layers after them, at least 1.
    """

    channels: int = 128
    kernel: int = 7
    depth: int = 3


class Convolutions(nn.Module):
    """Strided dilated convolutions, then linear layers; see `nn.ConvEncoder` and `nn.MLP`.

    Args:
        sizes: What it is made with.
        residual: 1 for 1x1 paths around every convolution.
    """

    def __init__(self, sizes: ConvolutionSizes, residual: int) -> None:
        super().__init__()
        self.encoder = ConvEncoder(
            inputs[sizes.input].shape,
            sizes.channels,
            sizes.layers,
            sizes.kernel,
            gated=sizes.gated,
            residual=residual,
        )
        self.stack = MLP(self.encoder.size, sizes.hidden, sizes.depth, dropout=sizes.dropout, gated=sizes.gated)

    def forward(self, x: Float[Tensor, "B F N"], generator: torch.Generator | None) -> Float[Tensor, "B H"]:
        """Returns the features of standardised spectrograms."""
        return self.stack(self.encoder(x), generator)


@dataclass(frozen=True)
class RegressionSizes(CoderSizes):
    """The sizes of all auto-encoders with an MLP from the latent to the preset: those of `CoderSizes`, and these.

    Args:
        regressor: Width of the two layers from the latent to the preset, at least 1.
        parameter_loss: `"mse"`, `"l1"`, `"cross_entropy"` or `"classification"`, see `ParameterHead`.
    """

    regressor: int = 1024
    parameter_loss: str = "mse"


class LatentRegression(AutoEncoder):
    """An auto-encoder, and two layers with batch norm from z to the preset.

    The base noise is that of q(z|x), Z numbers, if there is any, then that of the regression's residuals, P numbers,
    see `ParameterHead`.

    Args:
        space: The parameters to infer.
        sizes: What it is made with.
        gaussian: Whether q has a log-variance; else z is a function of the sound.
    """

    Sizes = RegressionSizes

    def __init__(self, space: ParamSpace, sizes: RegressionSizes, *, gaussian: bool) -> None:
        super().__init__()
        self.space = space
        self.input = sizes.input
        self.sizes = sizes
        self.latent_size = sizes.latent or len(space)
        self.noise = len(space) + (self.latent_size if gaussian else 0)
        self.coder = Coder(sizes, self.latent_size, self.latent_size * (2 if gaussian else 1))
        self.regressor = MLP(self.latent_size, sizes.regressor, 2)
        self.head = ParameterHead(space, sizes.regressor, sizes.parameter_loss)
        xavier(nn.ModuleList([self.regressor, self.head]))

    @abc.abstractmethod
    def sample_latent(self, context: Float[Tensor, "B C"], noise: Float[Tensor, "B Z"]) -> LatentSample:
        """Returns latents drawn from q(z|x).

        Args:
            context: What `encode` returned.
            noise: Normal noise.
        """

    @abc.abstractmethod
    def penalties(self, drawn: LatentSample, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns what q costs, in nats a sound, as the term `latent`; or nothing.

        Args:
            drawn: Latents of a batch.
            generator: Random generator.
        """

    def config(self) -> dict[str, Any]:
        """See `Model.config`."""
        return asdict(self.sizes)

    def encode(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """See `AutoEncoder`."""
        return self.coder.encode(mel)

    def draw(self, context: Float[Tensor, "S C"], noise: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """See `AutoEncoder.draw`."""
        return self.sample_latent(context, noise).z

    def presets(self, z: Float[Tensor, "S Z"], context: Float[Tensor, "S C"] | None = None) -> Float[Tensor, "S P"]:
        """See `AutoEncoder.presets`."""
        return self.head.points(self._raw(z), z.new_zeros(len(z), len(self.space)))

    @torch.no_grad()
    def decode(self, z: Float[Tensor, "S D"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Model.decode`."""
        # the noise of q comes first, if q has any, then that of the residuals
        of_latent, of_residual = z.split([self.noise - len(self.space), len(self.space)], 1)
        if not of_latent.shape[1]:
            of_latent = z.new_zeros(len(z), self.latent_size)  # q is a point and ignores it
        latent = self.draw(context, of_latent)
        return self.head.points(self._raw(latent), of_residual)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns `reconstruction`, `regression` and, unless q costs nothing, `latent`; see `AutoEncoder`."""
        context = self.coder.encode(batch.mel)
        noise = torch.randn((len(batch), self.latent_size), generator=generator, device=context.device)
        drawn = self.sample_latent(context, noise)
        terms = {
            "reconstruction": self.coder.nats(drawn.z, batch.mel).mean(),
            **self.penalties(drawn, generator),
            "regression": self.head.loss(self._raw(drawn.z), batch.points).sum(1).mean(),
        }
        return {name: term / self.latent_size for name, term in terms.items()}

    def _raw(self, z: Tensor) -> Tensor:
        return self.head(self.regressor(z))
