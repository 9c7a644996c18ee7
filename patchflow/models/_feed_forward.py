"""What feed-forward models share: an interface, its sizes, and convolutions."""

import abc
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..features.inputs import inputs
from ..nn import MLP, ConvEncoder, Standard
from ..nn.heads import ParameterHead
from ..presets import ParamSpace
from ._base import Batch, Model

__all__ = ["ConvolutionSizes", "Convolutions", "FeedForward", "FeedForwardSizes"]


@dataclass(frozen=True)
class FeedForwardSizes:
    """The sizes of all of them. The defaults are the paper's.

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
