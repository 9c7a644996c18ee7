"""RealNVP: one half of the coordinates is shifted and scaled as the other half says."""

from torch import Tensor

from ._blocks import Halves, bounded
from ._flow import Flow

__all__ = ["RealNVP"]


class RealNVP(Flow):
    """An affine coupling: `y_b = x_b exp(s) + t`, where s and t are made of the half x_a that stays.

    Both directions take one pass of the network. The log-scales are bounded, see `bounded`. As half of the
    coordinates stay, put permutations between couplings, or flip every other one.

    References:
        Dinh et al., Density estimation using Real NVP (2017), https://arxiv.org/abs/1605.08803

    Args:
        size: Length Z of the vectors, at least 2.
        context: Length of the context, which the network gets beside x_a.
        hidden: Width of the network's two hidden layers.
        flip: 0: the first half stays; 1: the second does.

    Example:
        >>> import torch
        >>> x = torch.randn(2, 4)
        >>> y, logdet = RealNVP(4)(x)
        >>> torch.equal(y[:, :2], x[:, :2])
        True
    """

    def __init__(self, size: int, context: int = 0, *, hidden: int = 256, flip: int = 0) -> None:
        super().__init__(size, context)
        self.halves = Halves(size, context, hidden, 2, flip)

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        stay, move = self.halves.split(x)
        s, t = self._scale_shift(stay, context)
        return self.halves.join(stay, move * s.exp() + t), s.sum(1)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        stay, move = self.halves.split(y)
        s, t = self._scale_shift(stay, context)
        return self.halves.join(stay, (move - t) * (-s).exp()), -s.sum(1)

    def _scale_shift(self, stay: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        s, t = self.halves(stay, context).unbind(2)
        return bounded(s), t
