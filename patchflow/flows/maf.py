"""Masked autoregressive flow: every coordinate is centred and scaled as those before it say."""

from torch import Tensor

from ._blocks import Made, bounded
from ._flow import Flow

__all__ = ["Maf"]


class Maf(Flow):
    """`y_i = (x_i - m_i) exp(-s_i)`, where m_i and s_i are made of `x_1 ... x_(i-1)` and the context.

    `forward` takes one pass of the network: x is data and y its noise, so densities of given points are fast.
    `inverse` makes data of noise; it is exact too, but goes through the coordinates one after the other: as many
    multiplications as two passes, in Z times as many small products (see `Made.solve`). The log-scales are bounded,
    see `bounded`.

    References:
        Papamakarios et al., Masked Autoregressive Flow for Density Estimation (2017),
        https://arxiv.org/abs/1705.07057

    Args:
        size: Length Z of the vectors.
        context: Length of the context.
        hidden: Width of the network's two hidden layers; at least Z, or else some coordinates do not see all
            that come before.

    Example:
        >>> import torch
        >>> noise, logdet = Maf(4)(torch.zeros(2, 4))
        >>> log_density = torch.distributions.Normal(0, 1).log_prob(noise).sum(1) + logdet
    """

    def __init__(self, size: int, context: int = 0, *, hidden: int = 256) -> None:
        super().__init__(size, context)
        self.made = Made(size, context, hidden, 2)

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        raw, m = self.made(x, context).unbind(2)
        s = bounded(raw)
        return (x - m) * (-s).exp(), -s.sum(1)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        def step(i: int, parameters: Tensor) -> Tensor:
            raw, m = parameters.unbind(1)
            return y[:, i] * bounded(raw).exp() + m

        x = self.made.solve(step, y, context)
        return x, -self._forward(x, context)[1]
