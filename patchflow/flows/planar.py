"""Planar flow: space is stretched along one direction, across a plane."""

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ._blocks import TOLERANCE, Parameters, increasing_root
from ._flow import Flow

__all__ = ["Planar"]

LEAST = 0.05
"""Nowhere does a step shrink space by more than this factor: what is flat cannot be undone."""


class Planar(Flow):
    """`y = x + u tanh(w.x + b)`, where u is bent so that `w.u > -1`, which makes it invertible.

    The paper's constraint, with two changes: `w.u` stays above `LEAST - 1` instead of -1, so that the inverse is
    well conditioned, and a step with u = 0 is the identity. With a context, u, w and b are made of it.

    There is no formula for the inverse. Along w, `a = w.x` solves `a + (w.u) tanh(a + b) = w.y`, an increasing
    function of one number with its root within |w.u| of w.y, and then `x = y - u tanh(a + b)`.

    References:
        Rezende & Mohamed, Variational Inference with Normalizing Flows (2015), https://arxiv.org/abs/1505.05770

    Args:
        size: Length Z of the vectors.
        context: Length of the context.
        hidden: Width of the network that gets the context.

    Example:
        >>> flow, x = Planar(4), torch.randn(2, 4)
        >>> torch.allclose(flow.inverse(flow(x)[0])[0], x, atol=1e-5)
        True
    """

    tolerance: float = TOLERANCE

    def __init__(self, size: int, context: int = 0, *, hidden: int = 64) -> None:
        super().__init__(size, context)
        u = 0.01 * torch.randn(size)
        w = torch.randn(size) / math.sqrt(size)
        self.raw = Parameters(torch.cat((u, w, torch.zeros(1))), context, hidden)

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        u, w, b, along = self._parts(context)
        h = torch.tanh((w * x).sum(1, keepdim=True) + b)
        return x + u * h, torch.log1p(along * (1 - h**2)).squeeze(1)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        u, w, b, along = (part.double() for part in self._parts(context))
        target = (w * y).sum(1, keepdim=True)

        def excess(a: Tensor) -> tuple[Tensor, Tensor]:
            h = torch.tanh(a + b)
            return a + along * h - target, 1 + along * (1 - h**2)

        a = increasing_root(excess, target - along.abs(), target + along.abs())
        h = torch.tanh(a + b)
        return (y - u * h).to(y.dtype), -torch.log1p(along * (1 - h**2)).squeeze(1).to(y.dtype)

    def _parts(self, context: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns u, w, b and w.u, each for all rows or for every row."""
        u, w, b = self.raw(context).split((self.size, self.size, 1), 1)
        # u moves along w until w.u, free before, is `along`, which is above LEAST - 1: then no point is sent where
        # another one is sent
        free = (w * u).sum(1, keepdim=True)
        along = (1 - LEAST) * (softplus(free + math.log(math.e - 1)) - 1)  # 0 where u is 0
        moved = u + (along - free) * w / (w * w).sum(1, keepdim=True).clamp_min(1e-12)
        return moved, w, b, along
