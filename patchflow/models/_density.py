"""The interface of models that know how likely a preset is."""

import abc

from jaxtyping import Float
from torch import Tensor

from ._model import Model

__all__ = ["Density", "as_density"]


class Density(Model):
    """A density over the presets of one synth, given a sound.

    `infer` is the inverse of `decode`, and `log_density` follows from it by the change of variables, so a search
    may move in the base noise. Its noise has as many coordinates as its space.
    """

    @abc.abstractmethod
    def infer(self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """Returns the base noise of presets: the inverse of `decode`, without gradients.

        Args:
            points: Points inside the unit cube.
            context: What `encode` returned for the sound each should make.
        """

    @abc.abstractmethod
    def log_density(self, points: Float[Tensor, "B P"], context: Float[Tensor, "B C"]) -> Float[Tensor, "B"]:
        """Returns the log-density of (dequantised) presets on the unit cube, in nats.

        Args:
            points: Encoded presets; discrete coordinates anywhere inside their cells.
            context: What `encode` returned for the sound each should make.
        """


def as_density(model: Model) -> Density | None:
    """Returns the model if it knows how likely presets are, else None.

    A kind of model may be a density at some sizes only: at those where its noise has as many coordinates as its space.

    Args:
        model: Any.
    """
    return model if isinstance(model, Density) and model.noise == len(model.space) else None
