"""A coupling of splines: one half of the coordinates is bent as the other half and the context say."""

from functools import partial

import torch
from torch import BoolTensor, Tensor, nn
from zuko.lazy import LazyTransform
from zuko.nn import MLP
from zuko.transforms import CouplingTransform, DependentTransform, MonotonicRQSTransform, Transform

__all__ = ["BOUND", "SplineCoupling"]

BOUND = 4.0
"""The splines act on [-BOUND, BOUND]."""


class SplineCoupling(LazyTransform):
    """Monotonic rational-quadratic splines of half of the coordinates.

    `zuko.flows.GeneralCouplingTransform` does the same for shapes that have to be broadcast, and for that
    imports half a second's worth of symbolic algebra when it is first used.

    References:
        Durkan et al., Neural Spline Flows (2019), https://arxiv.org/abs/1906.04032

    Args:
        mask: True for coordinates that stay as they are, shape `(Z,)`.
        context: Size of the context.
        hidden: Width of the two hidden layers.
        bins: Number of spline segments.
    """

    mask: BoolTensor

    def __init__(self, mask: BoolTensor, context: int, hidden: int, bins: int) -> None:
        super().__init__()
        self.register_buffer("mask", mask)
        self.sizes = [bins, bins, bins - 1]
        stay = int(mask.sum())
        self.hyper = MLP(
            stay + context, (len(mask) - stay) * sum(self.sizes), hidden_features=(hidden, hidden), activation=nn.SiLU
        )

    def forward(self, c: Tensor | None = None) -> Transform:
        """Returns the transform for a context, shape `(B, C)`, one for each row of what is transformed."""
        return CouplingTransform(partial(self._bend, c), self.mask)

    def _bend(self, c: Tensor | None, x: Tensor) -> Transform:
        phi = self.hyper(x if c is None else torch.cat((x, c), -1)).unflatten(-1, (-1, sum(self.sizes)))
        # mixed precision ends here: a spline in bfloat16 is neither monotone nor invertible
        precise = (part.to(torch.promote_types(part.dtype, torch.float32)) for part in phi.split(self.sizes, -1))
        return DependentTransform(MonotonicRQSTransform(*precise, bound=BOUND, slope=1e-4), 1)
