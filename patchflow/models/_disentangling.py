"""A flow that gives chosen dimensions of a latent the meaning of pairs of opposite words."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..flows import Flow
from ._words import log_words

__all__ = ["Disentangling"]

_WIDTH = 0.5  # of the words' Gaussians before anything was learned: they overlap little


class Disentangling(nn.Module):
    """A flow from z to z', in which pair m of words has dimension m, see `log_words`; its widths are learned.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        flow: From z to z'.
        pairs: How many pairs there are, at most as many as dimensions.

    Raises:
        ValueError: If there are more, or none.
    """

    def __init__(self, flow: Flow, pairs: int) -> None:
        super().__init__()
        if not 1 <= pairs <= flow.size:
            raise ValueError(f"pairs={pairs}: not in [1, {flow.size}], the number of latent dimensions")
        self.flow = flow
        self.log_width = nn.Parameter(torch.full((pairs, 2), math.log(_WIDTH)))

    def log_density(self, z: Float[Tensor, "B Z"], tags: Float[Tensor, "B M"]) -> Float[Tensor, "B"]:
        """Returns log p(z | tags), shape `(B,)`.

        Args:
            z: Latents.
            tags: -1, 0 or +1 for each pair; with no columns nothing is known of any sound.

        Raises:
            ValueError: If there are tags of another number of pairs.
        """
        moved, logdet = self.flow(z)
        return log_words(moved, tags, self.log_width) + logdet
