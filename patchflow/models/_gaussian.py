"""Gaussians of independent coordinates, drawn from and sent through flows."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..flows import Flow

__all__ = ["Drawn", "certain", "draw", "log_normal", "split"]

_MOST = 8.0  # the largest log-variance; without a bound one bad step overflows


@dataclass(frozen=True)
class Drawn:
    """Latents drawn from q(z|x), one a sound.

    Args:
        z: The latents, shape `(B, Z)`.
        mean: Means of the Gaussian they come from, shape `(B, Z)`.
        log_variance: Its log-variances, shape `(B, Z)`.
        log_density: log q(z|x), shape `(B,)`.
    """

    z: Tensor
    mean: Tensor
    log_variance: Tensor
    log_density: Tensor


def split(context: Float[Tensor, "B C"], size: int) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B Z"]]:
    """Returns mean and log-variance; the latter is bounded, and what was given where that is small.

    Args:
        context: Codes that begin with these two.
        size: Number Z of coordinates.
    """
    raw = context[:, size : 2 * size]
    return context[:, :size], _MOST * torch.tanh(raw / _MOST)


def draw(
    context: Float[Tensor, "B C"],
    noise: Float[Tensor, "B Z"],
    flow: Flow | None = None,
    told: Float[Tensor, "B K"] | None = None,
) -> Drawn:
    """Scales and shifts noise, and sends it through a flow.

    Args:
        context: Codes that begin with mean and log-variance.
        noise: Normal noise.
        flow: From the Gaussian to z, if there is one.
        told: Its own context, if it has one.

    Example:
        >>> drawn = draw(torch.zeros(1, 2), torch.zeros(1, 1))
        >>> round(drawn.log_density.item(), 3)
        -0.919
    """
    mean, log_variance = split(context, noise.shape[1])
    z = mean + (log_variance / 2).exp() * noise
    density = log_normal(noise) - log_variance.sum(1) / 2
    if flow is not None:
        z, logdet = flow(z, told)
        density = density - logdet
    return Drawn(z, mean, log_variance, density)


def certain(z: Float[Tensor, "B Z"]) -> Drawn:
    """Returns latents that are functions of their sounds: a point has no density, so these are 0 and of no use."""
    return Drawn(z, z, torch.zeros_like(z), z.new_zeros(len(z)))


def log_normal(z: Float[Tensor, "B Z"]) -> Float[Tensor, "B"]:
    """Returns the log-density of the standard normal distribution."""
    return -(z.square() + math.log(2 * math.pi)).sum(1) / 2
