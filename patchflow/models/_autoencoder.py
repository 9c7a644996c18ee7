"""The interface of models that draw spectrograms: sounds to latents, latents to sounds and to presets."""

import abc

from jaxtyping import Float
from torch import Tensor

from ._coder import Coder
from ._model import Model

__all__ = ["AutoEncoder"]


class AutoEncoder(Model):
    """A model with a latent z of `latent_size` numbers between a sound and its preset.

    Sounds have `latent(mel, note)`, and a latent has a sound, `reconstruct(z)`, and a preset, `presets(z)`. What
    `encode` returns is the mean of q(z|x), followed, if q is a Gaussian or a flow of one, by its
    log-variance. The first `latent_size` numbers of the base noise are that of q, if it has any.
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

    told_note = False
    latent_size: int
    coder: Coder

    @abc.abstractmethod
    def draw(self, context: Float[Tensor, "S C"], noise: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """Returns latents drawn from q(z|x).

        Args:
            context: What `encode` returned for each sound.
            noise: Normal noise; 0 gives the best guess.
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
            noise: Normal noise for draws from q(z|x); the best guesses if None.
        """
        context = self.encode(mel, note)
        return self.draw(context, context.new_zeros(len(mel), self.latent_size) if noise is None else noise)

    def reconstruct(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S F N"]:
        """Returns the spectrograms of latents, in the units of the input."""
        return self.coder.reconstruct(z)

    def normalise(self, mean: Tensor, std: Tensor) -> None:
        """Sets mean and deviation of the training data's spectrograms, shape `(F, 1)` or scalars."""
        self.coder.standard.set(mean, std)
