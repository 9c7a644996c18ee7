"""The interface of every model: sounds to presets."""

import abc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..presets import ParamSpace

__all__ = ["Batch", "Model", "sample"]


@dataclass(frozen=True)
class Batch:
    """Sounds to learn from, and what made them.

    Args:
        points: Encoded presets, shape `(B, P)`.
        mel: The sound of each, as `Model.hears` says, shape `(B, F, N)`.
        note: The note it was played on: MIDI pitch, MIDI velocity, seconds it is held; shape `(B, 3)`.
        tags: For each pair of opposite words -1, +1, or 0 where neither is known, shape `(B, M)`; M may be 0.
    """

    points: Tensor
    mel: Tensor
    note: Tensor
    tags: Tensor

    def __len__(self) -> int:
        return len(self.points)

    def chunk(self, count: int) -> Iterator["Batch"]:
        """Yields at most `count` shares of about the same size."""
        parts = (x.chunk(count) for x in (self.points, self.mel, self.note, self.tags))
        return (Batch(*share) for share in zip(*parts, strict=True))

    def to(self, device: str | torch.device) -> "Batch":
        """Returns the batch on a device."""
        return Batch(*(x.to(device) for x in (self.points, self.mel, self.note, self.tags)))


class Model(nn.Module, abc.ABC):
    """A way from a sound to presets of one synth.

    A preset is a point of the unit cube, see `ParamSpace`; a model is given the space, never an engine.
    Training sums `model.loss(batch, generator).values()`; a search draws
    `model.decode(z, model.encode(mel, note).expand(len(z), -1))` for normal noise `z` of shape `(S, model.noise)`.
    A model that knows how likely a preset is, is a `Density` too; one that draws spectrograms an `AutoEncoder`.
    `tests/contracts/test_models.py` holds every model to its promises.

    Attributes:
        space: The parameters it infers.
        hears: What it hears, see `features.inputs`.
        noise: Size of the base noise.
        told_note: Whether it is told the note a preset is played on; else it was trained for one note.
    """

    space: ParamSpace
    hears: str
    noise: int
    told_note: bool

    @abc.abstractmethod
    def config(self) -> dict[str, Any]:
        """Returns the keyword arguments, numbers and texts, that make an equal model for an equal space."""

    @abc.abstractmethod
    def encode(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """Returns what the other methods need to know of sounds and notes.

        Args:
            mel: The sounds.
            note: The notes.
        """

    @abc.abstractmethod
    def decode(self, z: Float[Tensor, "S Z"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """Returns the presets of base noise: points of the unit cube, not yet snapped, without gradients.

        Args:
            z: Normal noise; scaled down it gives presets nearer the mode, and 0 gives the single best guess.
            context: What `encode` returned for the sound each should make.
        """

    @abc.abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns the terms of the loss by name, each a mean over the batch that is to be made smaller.

        Args:
            batch: What to learn from.
            generator: Source of chance, on the device of the batch.
        """


@torch.no_grad()
def sample(
    model: Model,
    mel: Float[Tensor, "1 F N"],
    note: Float[Tensor, "1 3"],
    count: int,
    generator: torch.Generator,
    *,
    temperature: float = 1.0,
) -> Float[Tensor, "S P"]:
    """Draws presets for one sound: points of the unit cube, not yet snapped, shape `(count, P)`.

    Args:
        model: Any.
        mel: The sound.
        note: The note the presets will be played on.
        count: Number of draws.
        generator: Source of chance, on the CPU.
        temperature: Scale of the base noise; below 1 draws nearer the mode.
    """
    z = torch.randn(count, model.noise, generator=generator) * temperature
    return model.decode(z.to(mel), model.encode(mel, note).expand(count, -1))
