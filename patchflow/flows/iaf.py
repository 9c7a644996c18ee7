"""Inverse autoregressive flow: coordinates are scaled and shifted as those before them in x say."""

from torch import Tensor

from ._blocks import Made, bounded
from ._flow import Flow

__all__ = ["Iaf"]


class Iaf(Flow):
    """`y_i = x_i exp(s_i) + m_i`, where s_i and m_i are made of `x_1 ... x_(i-1)` and the context.

    `forward` takes one pass of the network: x is noise and y a sample, or x a latent code and y a preset.
    `inverse` is exact too, but goes through the coordinates one after the other: as many multiplications as two
    passes, in Z times as many small products (see `Made.solve`). For a density of given points, which needs the
    other direction to be fast, take `Maf` the other way round. The log-scales are bounded, see `bounded`.

    References:
        Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow (2016),
        https://arxiv.org/abs/1606.04934

    Args:
        size: Length Z of the vectors.
        context: Length of the context.
        hidden: Width of the network's two hidden layers; at least Z, or else some coordinates do not see all
            that come before.

    Example:
        >>> import torch
        >>> flow, x = Iaf(4, context=2), torch.randn(3, 4)
        >>> y, logdet = flow(x, torch.randn(3, 2))
        >>> y.shape, logdet.shape
        (torch.Size([3, 4]), torch.Size([3]))
    """

    def __init__(self, size: int, context: int = 0, *, hidden: int = 256) -> None:
        super().__init__(size, context)
        self.made = Made(size, context, hidden, 2)

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        raw, m = self.made(x, context).unbind(2)
        s = bounded(raw)
        return x * s.exp() + m, s.sum(1)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        def step(i: int, parameters: Tensor) -> Tensor:
            raw, m = parameters.unbind(1)
            return (y[:, i] - m) * (-bounded(raw)).exp()

        x = self.made.solve(step, y, context)
        return x, -self._forward(x, context)[1]
