"""Autoregressive neural spline: a spline for every coordinate, chosen by those before it."""

from torch import Tensor

from ._blocks import Made, bend, parameters, place, unbend
from ._flow import Flow

__all__ = ["AutoregressiveSpline"]


class AutoregressiveSpline(Flow):
    """Monotonic rational-quadratic splines on [-bound, bound], the identity outside.

    The spline of x_i is made of `x_1 ... x_(i-1)` and the context. `forward` takes one pass of the network. `inverse`
    is a formula too, but goes through the coordinates one after the other (see `Made.solve`).

    References:
        Durkan et al., Neural Spline Flows (2019), https://arxiv.org/abs/1906.04032

    Args:
        size: Length Z of the vectors.
        context: Length of the context.
        hidden: Width of the network's two hidden layers; at least Z, or else some coordinates do not see all
            that come before.
        bins: Number of pieces of each spline.
        bound: Where the splines end.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0, 9.0]])
        >>> bool(AutoregressiveSpline(2)(x)[0][0, 1] == 9.0)
        True
    """

    def __init__(self, size: int, context: int = 0, *, hidden: int = 256, bins: int = 8, bound: float = 4.0) -> None:
        super().__init__(size, context)
        self.bound = bound
        self.made = Made(size, context, hidden, parameters(bins, bound))

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        y, slope = bend(x, place(self.made(x, context), self.bound))
        return y, slope.sum(1)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        def step(i: int, raw: Tensor) -> Tensor:
            x, _ = unbend(y[:, i], place(raw, self.bound))
            return x

        x = self.made.solve(step, y, context)
        return x, -self._forward(x, context)[1]
