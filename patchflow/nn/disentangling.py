"""Attributes and the first dimensions of a latent: likelihoods of each given the other."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ..flows import Flow

__all__ = ["Disentangling", "log_attributes", "log_tags"]

_WIDTH = 0.5  # of an attribute's two Gaussians before anything was learned: they overlap little


def log_attributes(
    z: Float[Tensor, "B Z"], tags: Float[Tensor, "B M"], log_width: Float[Tensor, "W 2"]
) -> Float[Tensor, "B"]:
    """Returns log p(z | tags), in nats.

    Coordinate m is N(-1, s_-^2) for sounds that the low end of attribute m fits, N(+1, s_+^2) for those that the high
    end fits, and N(0, 1) where that is not known, as are all coordinates that stand for no attribute.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        z: Latents.
        tags: -1, 0 or +1 for each attribute; with no columns nothing is known of any sound.
        log_width: Logarithms of both widths of each attribute.

    Raises:
        ValueError: If there are tags of another number of attributes.

    Example:
        >>> log_attributes(torch.ones(1, 2), torch.zeros(1, 0), torch.zeros(1, 2))
        tensor([-2.8379])
    """
    attributes = len(log_width)
    known = _known(z, tags, attributes)
    by_tag = torch.where(known < 0, log_width[:, 0], log_width[:, 1])
    chosen = torch.where(known == 0, 0.0, by_tag)
    # a tag is also the mean of its Gaussian: -1, +1, or 0 with width 1 where nothing is known
    of_attributes = (z[:, :attributes] - known) * (-chosen).exp()
    away = torch.cat((of_attributes, z[:, attributes:]), 1)
    return (away.square() + math.log(2 * math.pi)).sum(1) / -2 - chosen.sum(1)


def log_tags(z: Float[Tensor, "B Z"], tags: Float[Tensor, "B M"], log_slope: Float[Tensor, "W"]) -> Float[Tensor, "B"]:
    """Returns log p(tags | z), in nats: at most 0, so that it may have any weight in a loss.

    The high end of attribute m fits with probability sigmoid(a z_m), the low end with sigmoid(-a z_m). What is not
    known of a sound counts as 0.

    Args:
        z: Latents.
        tags: -1, 0 or +1 for each attribute; with no columns nothing is known of any sound.
        log_slope: Logarithm of a for each attribute.

    Raises:
        ValueError: If there are tags of another number of attributes.

    Example:
        >>> log_tags(torch.zeros(1, 2), torch.ones(1, 1), torch.zeros(1))
        tensor([-0.6931])
    """
    attributes = len(log_slope)
    known = _known(z, tags, attributes)
    # the sign of the tag chooses between sigmoid(a z) and sigmoid(-a z), its size leaves out what is not known
    likely = logsigmoid(known * z[:, :attributes] * log_slope.exp())
    return (likely * known.abs()).sum(1)


class Disentangling(nn.Module):
    """A flow from z to z', in which attribute m has dimension m, see `log_attributes`; its widths are learned.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        flow: From z to z'.
        attributes: How many attributes there are, at most as many as dimensions.

    Raises:
        ValueError: If there are more, or none.
    """

    def __init__(self, flow: Flow, attributes: int) -> None:
        super().__init__()
        if not 1 <= attributes <= flow.size:
            raise ValueError(f"attributes={attributes}: not in [1, {flow.size}], the number of latent dimensions")
        self.flow = flow
        self.log_width = nn.Parameter(torch.full((attributes, 2), math.log(_WIDTH)))

    def log_prob(self, z: Float[Tensor, "B Z"], tags: Float[Tensor, "B M"]) -> Float[Tensor, "B"]:
        """Returns log p(z | tags), shape `(B,)`.

        Args:
            z: Latents.
            tags: -1, 0 or +1 for each attribute; with no columns nothing is known of any sound.

        Raises:
            ValueError: If there are tags of another number of attributes.
        """
        moved, logdet = self.flow(z)
        return log_attributes(moved, tags, self.log_width) + logdet


def _known(z: Tensor, tags: Tensor, attributes: int) -> Tensor:
    """Tags of each attribute, shape (B, W)."""
    if tags.shape[1] not in (0, attributes):
        raise ValueError(f"tags of {tags.shape[1]} attributes: the model was made for attributes={attributes}")
    return tags.to(z) if tags.shape[1] else z.new_zeros(len(z), attributes)
