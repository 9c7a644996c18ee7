"""Activation normalisation: a scale and a shift that begin as the first batch asks."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ._flow import Flow

__all__ = ["ActNorm"]

LEAST = 1e-6
"""A coordinate that spreads less than this in the first batch keeps its scale."""


class ActNorm(Flow):
    """`y = (x - center) / spread * exp(s) + t`, with s and t learned, for each coordinate alone.

    The first batch that is seen in training, in either direction, sets center and spread, once and for all, so
    that what comes out has mean 0 and deviation 1. They are buffers: saved with the weights, and equal
    on all processes of a distributed training from the second step on. Later batches, and evaluation, change nothing.
    A coordinate that does not vary in the first batch, as in a batch of one, is only centred.

    References:
        Kingma & Dhariwal, Glow: Generative Flow with Invertible 1x1 Convolutions (2018),
        https://arxiv.org/abs/1807.03039

    Args:
        size: Length Z of the vectors.
        context: Taken and ignored.

    Example:
        >>> import torch
        >>> y, logdet = ActNorm(1)(torch.tensor([[1.0], [3.0]]))
        >>> y.flatten().tolist()
        [-1.0, 1.0]
    """

    conditional: ClassVar[bool] = False
    center: Tensor
    spread: Tensor
    begun: Tensor

    def __init__(self, size: int, context: int = 0) -> None:
        super().__init__(size, context)
        self.s = nn.Parameter(torch.zeros(size))
        self.t = nn.Parameter(torch.zeros(size))
        self.register_buffer("center", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.register_buffer("begun", torch.tensor(False))

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        center, spread = self._measure(x, forward=True)
        return (x - center) / spread * self.s.exp() + self.t, self._logdet(spread, x)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        center, spread = self._measure(y, forward=False)
        return (y - self.t) * (-self.s).exp() * spread + center, -self._logdet(spread, y)

    def _logdet(self, spread: Tensor, like: Tensor) -> Tensor:
        return (self.s - spread.log()).sum().expand(len(like))

    @torch.no_grad()
    def _measure(self, values: Tensor, *, forward: bool) -> tuple[Tensor, Tensor]:
        if not self.training or not len(values):
            return self.center, self.spread
        mean = values.mean(0)
        deviation = values.std(0, correction=0)
        deviation = torch.where(deviation > LEAST, deviation, 1.0)
        new_center = mean
        new_spread = deviation
        if not forward:
            # What comes out of `inverse` is values * spread + center, as s and t begin at 0. It has mean 0 and
            # deviation 1 with these.
            new_center = -mean / deviation
            new_spread = 1 / deviation
        # chosen without a branch: asking the device whether it has begun would wait for it in every step
        center = torch.where(self.begun, self.center, new_center)
        spread = torch.where(self.begun, self.spread, new_spread)
        self.center.copy_(center)
        self.spread.copy_(spread)
        self.begun.fill_(True)
        return center, spread
