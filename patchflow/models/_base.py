"""The interfaces of models: to propose presets, weigh them, draw spectrograms, and have macros."""

import abc
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..nn.conv import Coder
from ..presets import ParamSpace

__all__ = ["AutoEncoder", "Batch", "Density", "Macros", "Model", "Network", "as_density", "default_sizes", "sample"]


@dataclass(frozen=True)
class Batch:
    """Sounds to learn from, and what made them.

    Args:
        points: Encoded presets, shape `(B, P)`.
        mel: The sound of each, as `Model.input` says, shape `(B, F, N)`.
        note: The note it was played on: MIDI pitch, MIDI velocity, seconds it is held; shape `(B, 3)`.
        tags: For each attribute -1 where its low end fits, +1 where its high end does, 0 if not known, shape
            `(B, M)`; M may be 0.
    """

    points: Tensor
    mel: Tensor
    note: Tensor
    tags: Tensor

    def __len__(self) -> int:
        return len(self.points)

    def chunk(self, count: int) -> Iterator["Batch"]:
        """Yields at most `count` shares of about the same size."""
        shares = zip(
            self.points.chunk(count),
            self.mel.chunk(count),
            self.note.chunk(count),
            self.tags.chunk(count),
            strict=True,
        )
        for points, mel, note, tags in shares:
            yield Batch(points, mel, note, tags)

    def to(self, device: str | torch.device) -> "Batch":
        """Returns the batch on a device."""
        return Batch(self.points.to(device), self.mel.to(device), self.note.to(device), self.tags.to(device))


class Network(nn.Module, abc.ABC):
    """A network of one synth whose weights can be written to a file: it is made with `(space, **sizes)`.

    Attributes:
        space: The parameters it is of.
    """

    space: ParamSpace

    @abc.abstractmethod
    def config(self) -> dict[str, Any]:
        """Returns the keyword arguments, numbers and texts, that make an equal network for an equal space."""


class Model(Network):
    """A way from a sound to presets of one synth.

    A preset is a point of the unit cube, see `ParamSpace`; a model is given the space, never an engine.
    Training sums `model.loss(batch, generator).values()`; a search draws
    `model.decode(z, model.encode(mel, note).expand(len(z), -1))` for normal noise `z` of shape `(S, model.noise)`.
    A model that knows how likely a preset is, is a `Density` too; one that draws spectrograms an `AutoEncoder`.
    `tests/contracts/test_models.py` holds every model to its promises.

    Attributes:
        Sizes: What it is made with: a frozen dataclass, each field of which is a keyword argument of the model.
        space: The parameters it infers.
        input: The input it takes, see `features.inputs`.
        noise: Size of the base noise.
        uses_note: Whether the note a preset is played on is an input too; else it was trained for one note.
    """

    Sizes: ClassVar[type[Any]]
    space: ParamSpace
    input: str
    noise: int
    uses_note: bool

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
            z: Normal noise; scaled down it gives presets nearer the mode, and 0 gives the single best prediction.
            context: What `encode` returned for the sound each should make.
        """

    @abc.abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns the terms of the loss by name, each a mean over the batch that is to be made smaller.

        Args:
            batch: What to learn from.
            generator: Random generator, on the device of the batch.
        """


class Density(Model):
    """A density over the presets of one synth, given a sound.

    `noise_of` is the inverse of `decode`, and `log_prob` follows from it by the change of variables, so a search
    may move in the base noise. It is one only at sizes at which its noise has as many coordinates as its space, see
    `as_density`.
    """

    @abc.abstractmethod
    def noise_of(self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """Returns the base noise of presets: the inverse of `decode`, without gradients.

        Args:
            points: Points inside the unit cube.
            context: What `encode` returned for the sound each should make.
        """

    @abc.abstractmethod
    def log_prob(self, points: Float[Tensor, "B P"], context: Float[Tensor, "B C"]) -> Float[Tensor, "B"]:
        """Returns the log-density of (dequantised) presets on the unit cube, in nats.

        Args:
            points: Encoded presets; discrete coordinates anywhere inside their cells.
            context: What `encode` returned for the sound each should make.
        """


class AutoEncoder(Model):
    """A model with a latent z of `latent_size` numbers between a sound and its preset.

    Sounds have `latent(mel, note)`, and a latent has a sound, `reconstruct(z)`, and a preset, `presets(z)`. What
    `encode` returns begins with the mean of q(z|x), followed, if q is a Gaussian or a flow of one, by its
    log-variance, and then by the contexts of flows, if there are any. The first `latent_size` numbers of the base noise
    are that of q, if it has any.
    `tests/contracts/test_autoencoders.py` holds every auto-encoder to its promises.

    The terms of the loss are in nats a sound, divided by the number Z of latent dimensions, all of them, so
    that with weights of 1 their sum is the negative evidence bound over Z (but for `FlowJoint`): `reconstruction` is
    the negative log-likelihood of the standardised spectrogram under a Gaussian of variance 1, up to a constant
    (half its summed squared error), `latent` what q costs, `regression` that of the preset. With one divisor for all,
    how much a nat of q costs does not depend on the sizes of spectrogram and latent.

    Attributes:
        latent_size: Number Z of latent dimensions.
        coder: The way from spectrograms to latents and back.
    """

    uses_note = False
    latent_size: int
    coder: Coder

    @abc.abstractmethod
    def draw(self, context: Float[Tensor, "S C"], noise: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """Returns latents drawn from q(z|x).

        Args:
            context: What `encode` returned for each sound.
            noise: Normal noise; 0 gives the best prediction.
        """

    @abc.abstractmethod
    def presets(self, z: Float[Tensor, "S Z"], context: Float[Tensor, "S C"] | None = None) -> Float[Tensor, "S P"]:
        """Returns the presets of latents: points of the unit cube, not yet snapped.

        Args:
            z: Latents.
            context: What `encode` returned for the sound of each; only a model whose map depends on the sound
                uses it, and without it takes a map that suits sounds in general.
        """

    def latent(
        self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"], noise: Float[Tensor, "B Z"] | None = None
    ) -> Float[Tensor, "B Z"]:
        """Returns the latents of sounds.

        Args:
            mel: The sounds.
            note: The notes.
            noise: Normal noise for draws from q(z|x); the best predictions if None.
        """
        context = self.encode(mel, note)
        if noise is None:
            noise = context.new_zeros(len(mel), self.latent_size)
        return self.draw(context, noise)

    def reconstruct(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S F N"]:
        """Returns the spectrograms of latents, in the units of the input."""
        return self.coder.reconstruct(z)

    def normalise(self, mean: Tensor, std: Tensor) -> None:
        """Sets mean and deviation of the training data's spectrograms, shape `(F, 1)` or scalars."""
        self.coder.standard.set(mean, std)


class Macros(abc.ABC):
    """Macro-controls that mean something: a way from latents to coordinates of which the first stand for attributes.

    Coordinate m is below 0 for sounds that the low end of attribute m fits, and above for those that the high end
    fits, by about 1: how far differs from model to model.

    Attributes:
        attributes: Number of attributes; 0 for a model that learned none.
    """

    attributes: int

    @abc.abstractmethod
    def macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """Returns coordinates of which the first stand for the attributes, in memory of their own.

        Args:
            z: Latents; changing what is returned does not change them.
        """

    @abc.abstractmethod
    def from_macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """Returns latents, in memory of their own: the exact inverse of `macro`.

        Args:
            z: What `macro` returned, with some of it changed.
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
        generator: Random generator, on the CPU.
        temperature: Scale of the base noise; below 1 draws nearer the mode.
    """
    z = torch.randn(count, model.noise, generator=generator) * temperature
    return model.decode(z.to(mel), model.encode(mel, note).expand(count, -1))


def as_density(model: Model) -> Density | None:
    """Returns the model if it knows how likely presets are, else None.

    A kind of model may be a density at some sizes only: at those where its noise has as many coordinates as its space.

    Args:
        model: Any.
    """
    return model if isinstance(model, Density) and model.noise == len(model.space) else None


def default_sizes(kind: type[Model]) -> dict[str, Any]:
    """Returns the keyword arguments of a kind of model, with their defaults.

    Args:
        kind: A class, e.g. `models["ae"]`.

    Example:
        >>> from patchflow.models import models
        >>> default_sizes(models["mlp"])["layers"]
        5
    """
    return {field.name: field.default for field in fields(kind.Sizes)}
