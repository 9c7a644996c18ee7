"""The interface of models that go straight from a spectrogram to a preset."""

import abc
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..features.inputs import inputs
from ..nn import Standard
from ..presets import ParamSpace
from ._model import Batch, Model
from ._parameters import ParameterHead

__all__ = ["FeedForward", "FeedForwardSizes"]


@dataclass(frozen=True)
class FeedForwardSizes:
    """What all of them are made with.

    Args:
        hidden: Width of the linear layers.
        layers: Number of layers, those that tell an architecture from another.
        dropout: Share of values dropped in training.
        gated: 1 for gates instead of ELU.
        parameter_loss: See `ParameterHead`.
        hears: See `features.inputs`.
    """

    hidden: int
    layers: int
    dropout: float
    gated: int
    parameter_loss: str
    hears: str


class FeedForward(Model):
    """A regression: features of the sound, a linear layer, a preset.

    The one best guess is what it learned; draws add noise as large as its residuals in training, see
    `ParameterHead`. It does not hear the note. Its loss is `regression`, in nats a parameter.

    Args:
        space: The parameters to infer.
        sizes: What it is made with.
        features: Length of what `features` returns.
    """

    told_note = False

    def __init__(self, space: ParamSpace, sizes: FeedForwardSizes, features: int) -> None:
        super().__init__()
        self.space = space
        self.hears = sizes.hears
        self.noise = len(space)
        self.sizes = sizes
        self.standard = Standard(inputs[sizes.hears].shape[0])
        self.head = ParameterHead(space, features, sizes.parameter_loss)

    @abc.abstractmethod
    def features(self, x: Float[Tensor, "B F N"], generator: torch.Generator | None) -> Float[Tensor, "B H"]:
        """Returns what the linear layer sees.

        Args:
            x: Standardised spectrograms.
            generator: Source of chance for dropout in training.
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
