"""Neural autoregressive flow: a sum of sigmoids for every coordinate, chosen by those before it."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ._blocks import TOLERANCE, Made, bounded, increasing_root
from ._flow import Flow

__all__ = ["Naf"]

APART = 4.0
"""Bound of b. Sigmoids far apart leave a plateau between them, on which float32 cannot be undone."""


class Naf(Flow):
    """Deep sigmoidal flow: `y_i = logit(sum_k w_k sigmoid(a_k x_i + b_k))`.

    The weights w (positive, of sum 1), slopes a (positive) and b are made of `x_1 ... x_(i-1)` and the context; a and b
    are bounded, so that the map is well conditioned everywhere. All sums are taken of logarithms, so no sigmoid
    saturates: far from the origin the map is as straight and as finite as its slopes.

    There is no formula for the inverse. It goes through the coordinates one after the other (see `Made.solve`); each is
    the root of an increasing function, and lies among the roots of the sigmoids taken alone.

    References:
        Huang et al., Neural Autoregressive Flows (2018), https://arxiv.org/abs/1804.00779

    Args:
        size: Length Z of the vectors.
        context: Length of the context.
        hidden: Width of the network's two hidden layers; at least Z, or else some coordinates do not see all
            that come before.
        sigmoids: Number of sigmoids of each coordinate.

    Example:
        >>> flow, x = Naf(4), torch.randn(2, 4)
        >>> torch.allclose(flow.inverse(flow(x)[0])[0], x, atol=1e-5)
        True
    """

    tolerance: float = TOLERANCE

    def __init__(self, size: int, context: int = 0, *, hidden: int = 256, sigmoids: int = 8) -> None:
        super().__init__(size, context)
        if sigmoids < 1:
            raise ValueError(f"sigmoids={sigmoids}: not at least 1")
        self.made = Made(size, context, hidden, 3 * sigmoids)
        with torch.no_grad():  # equal sigmoids would stay equal
            self.made.leave.bias.uniform_(-0.5, 0.5)

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        y, logdet = _mix(x, *_parts(self.made(x, context)))
        return y, logdet.sum(1)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        precise = y.double()

        def step(i: int, raw: Tensor) -> Tensor:
            return _unmix(precise[:, i], raw.double()).to(y.dtype)

        x = self.made.solve(step, y, context)
        return x, -self._forward(x, context)[1]


def _parts(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the logarithms of w and a, and b."""
    w, a, b = raw.chunk(3, -1)
    return w - w.logsumexp(-1, keepdim=True), bounded(a), bounded(b, APART)


def _mix(x: Tensor, log_w: Tensor, log_a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Returns y and the logarithm of its slope."""
    u = log_a.exp() * x[..., None] + b
    # y = logit(p) with p = sum w sigmoid(u), and 1 - p = sum w sigmoid(-u), as the weights add up to 1. So
    # dy/dx = (dp/dx) / (p (1 - p)), and dp/dx = sum w a sigmoid(u) sigmoid(-u). `above` is log p, `below` log(1 - p).
    rise = logsigmoid(u)
    fall = logsigmoid(-u)
    above = torch.logsumexp(log_w + rise, -1)
    below = torch.logsumexp(log_w + fall, -1)
    return above - below, torch.logsumexp(log_w + log_a + rise + fall, -1) - above - below


def _unmix(y: Tensor, raw: Tensor) -> Tensor:
    """Returns the x of which `_mix` makes y."""
    log_w, log_a, b = _parts(raw)

    def excess(x: Tensor) -> tuple[Tensor, Tensor]:
        reached, logdet = _mix(x, log_w, log_a, b)
        return reached - y, logdet.exp()

    # Sigmoid k alone would reach y at (y - b_k) / a_k. The sum of all is below y at the least of these and above it at
    # the largest, so the root lies between.
    alone = (y[:, None] - b) * (-log_a).exp()
    return increasing_root(excess, alone.amin(1), alone.amax(1))
