"""The interface of every model: which presets may have made a sound, and how likely each is."""

import abc
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..presets import ParamSpace

__all__ = ["Model"]


class Model(nn.Module, abc.ABC):
    """A density over the presets of one synth, given a sound and the note it is to be played on.

    A preset is a point of the unit cube, see `ParamSpace`; a model is given the space, never an engine.
    A sound is its levels from 0 to 1, see `features.input.model_input`. A note is a MIDI pitch, a MIDI
    velocity and the seconds it is held. Training is `model.loss(points, mel, note, generator).backward()`; a search
    draws `model.decode(z, model.encode(mel, note).expand(len(z), -1))` for normal noise `z`.
    `tests/contracts/test_models.py` holds every model to its promises.

    Attributes:
        space: The parameters it infers.
    """

    space: ParamSpace

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
    def log_prob(
        self, points: Float[Tensor, "B P"], mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]
    ) -> Float[Tensor, "B"]:
        """Returns the log-density of (dequantised) presets on the unit cube, in nats.

        Args:
            points: Encoded presets; discrete coordinates anywhere inside their cells.
            mel: The sound each should make.
            note: The note each is played on.
        """

    @abc.abstractmethod
    def log_density(self, points: Float[Tensor, "B P"], context: Float[Tensor, "B C"]) -> Float[Tensor, "B"]:
        """Returns `log_prob` for sounds that are encoded already.

        Args:
            points: Encoded presets.
            context: What `encode` returned for the sound each should make.
        """

    @abc.abstractmethod
    def decode(self, z: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """Returns the presets of base noise: points of the unit cube, not yet snapped.

        Args:
            z: Normal noise; scaled down it gives presets nearer the mode.
            context: What `encode` returned for the sound each should make.
        """

    @abc.abstractmethod
    def infer(self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """Returns the base noise of presets: the inverse of `decode`.

        Args:
            points: Points inside the unit cube.
            context: What `encode` returned for the sound each should make.
        """

    @abc.abstractmethod
    def loss(
        self,
        points: Float[Tensor, "B P"],
        mel: Float[Tensor, "B F N"],
        note: Float[Tensor, "B 3"],
        generator: torch.Generator,
    ) -> Float[Tensor, ""]:
        """Returns the mean negative log-density per parameter of freshly dequantised presets, in nats.

        Args:
            points: Encoded presets.
            mel: The sound of each.
            note: The note it was played on.
            generator: Source of chance, on the device of the points.
        """

    @abc.abstractmethod
    def sample(
        self,
        mel: Float[Tensor, "1 F N"],
        note: Float[Tensor, "1 3"],
        count: int,
        generator: torch.Generator,
        *,
        temperature: float = 1.0,
    ) -> Float[Tensor, "S P"]:
        """Draws presets for one sound: points of the unit cube, not yet snapped, shape `(count, P)`.

        Args:
            mel: The sound.
            note: The note the presets will be played on.
            count: Number of draws.
            generator: Source of chance, on the CPU.
            temperature: Scale of the base noise; below 1 draws nearer the mode.
        """
