"""The interface of models that can turn a sound towards a word."""

import abc

from jaxtyping import Float
from torch import Tensor

__all__ = ["Macros"]


class Macros(abc.ABC):
    """Macro-controls that mean something: a way from latents to coordinates of which the first stand for words.

    Coordinate m is below 0 for sounds that the first word of pair m fits, and above for those that the second fits, by
    about 1: how far is the model's.

    Attributes:
        pairs: Number of pairs of opposite words; 0 for a model that learned none.
    """

    pairs: int

    @abc.abstractmethod
    def macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """Returns coordinates of which the first stand for the pairs.

        Args:
            z: Latents.
        """

    @abc.abstractmethod
    def from_macro(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S Z"]:
        """Returns latents: the exact inverse of `macro`.

        Args:
            z: What `macro` returned, after turning some of it.
        """
