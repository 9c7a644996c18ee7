"""How likely latents are whose first dimensions stand for pairs of opposite words."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["log_words"]


def log_words(
    z: Float[Tensor, "B Z"], tags: Float[Tensor, "B M"], log_width: Float[Tensor, "W 2"]
) -> Float[Tensor, "B"]:
    """Returns log p(z | tags), in nats.

    Coordinate m is N(-1, s_-^2) for sounds that the first word of pair m fits, N(+1, s_+^2) for those that the second
    fits, and N(0, 1) where neither is known, as are all coordinates that stand for no pair.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        z: Latents.
        tags: -1, 0 or +1 for each pair; with no columns nothing is known of any sound.
        log_width: Logarithms of both widths of each pair.

    Raises:
        ValueError: If there are tags of another number of pairs.

    Example:
        >>> log_words(torch.ones(1, 2), torch.zeros(1, 0), torch.zeros(1, 2))
        tensor([-2.8379])
    """
    pairs = len(log_width)
    if tags.shape[1] not in (0, pairs):
        raise ValueError(f"tags of {tags.shape[1]} pairs of words: the model was made for pairs={pairs}")
    known = tags.to(z) if tags.shape[1] else z.new_zeros(len(z), pairs)
    chosen = torch.where(known == 0, 0.0, torch.where(known < 0, log_width[:, 0], log_width[:, 1]))
    away = torch.cat(((z[:, :pairs] - known) * (-chosen).exp(), z[:, pairs:]), 1)
    return (away.square() + math.log(2 * math.pi)).sum(1) / -2 - chosen.sum(1)
