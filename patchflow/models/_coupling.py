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

    `zuko.flows.GeneralCouplingTransform` does the same for shapes that have to be broadcast. For that, torch
    imports a library for symbolic algebra when it is first used: half a second that a short match notices.

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
        return DependentTransform(_Spline(*precise, bound=BOUND, slope=1e-4), 1)


class _Spline(MonotonicRQSTransform):
    """Zuko's spline, which looks up its knots without broadcasting: here there is a spline for every value."""

    def bin(self, k: Tensor) -> tuple[Tensor, ...]:
        """Returns whether each value is in a bin, and that bin's corners, slopes at these, and mean slope."""
        inside = (k >= 0) & (k < self.bins)
        left = (k % self.bins)[..., None]
        knots = (self.horizontal, self.vertical, self.derivatives)
        x0, x1, y0, y1, d0, d1 = (values.gather(-1, left + step).squeeze(-1) for values in knots for step in (0, 1))
        return inside, x0, x1, y0, y1, d0, d1, (y1 - y0) / (x1 - x0)

    def _inverse(self, y: Tensor) -> Tensor:
        inside, x0, x1, y0, y1, d0, d1, mean = self.bin(self.searchsorted(self.vertical, y) - 1)
        height, bend, above = y1 - y0, d0 + d1 - 2 * mean, inside * (y - y0)
        a, b, c = height * (mean - d0) + above * bend, height * d0 - above * bend, -mean * above
        # in a steep or flat bin rounding makes this negative, and a root of it would spoil the whole preset
        root = (b.square() - 4 * a * c).clamp_min(0).sqrt()
        share = (2 * c / (-b - root).clamp_max(-torch.finfo(y.dtype).tiny)).clamp(0, 1)
        return torch.where(inside, x0 + share * (x1 - x0), y)
