"""Neural spline coupling: splines for one half of the coordinates, chosen by the other half."""

from torch import Tensor

from ._blocks import Halves, Knots, bend, parameters, place, unbend
from ._flow import Flow

__all__ = ["Spline"]


class Spline(Flow):
    """A coupling of monotonic rational-quadratic splines on [-bound, bound], the identity outside.

    Both directions take one pass of the network and are formulas. As half of the coordinates stay, put
    permutations between couplings, or flip every other one.

    References:
        Durkan et al., Neural Spline Flows (2019), https://arxiv.org/abs/1906.04032

    Args:
        size: Length Z of the vectors, at least 2.
        context: Length of the context, which the network gets beside the half that stays.
        hidden: Width of the network's two hidden layers.
        bins: Number of pieces of each spline.
        bound: Where the splines end.
        flip: 0: the first half stays; 1: the second does.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0, 0.0, 0.0, 9.0]])
        >>> y, logdet = Spline(4)(x)
        >>> torch.equal(y[:, [0, 1, 3]], x[:, [0, 1, 3]])
        True
    """

    def __init__(
        self, size: int, context: int = 0, *, hidden: int = 256, bins: int = 8, bound: float = 4.0, flip: int = 0
    ) -> None:
        super().__init__(size, context)
        self.bound = bound
        self.halves = Halves(size, context, hidden, parameters(bins, bound), flip)

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        stay, move = self.halves.split(x)
        bent, slope = bend(move, self._knots(stay, context))
        return self.halves.join(stay, bent), slope.sum(1)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        stay, move = self.halves.split(y)
        straight, slope = unbend(move, self._knots(stay, context))
        return self.halves.join(stay, straight), slope.sum(1)

    def _knots(self, stay: Tensor, context: Tensor | None) -> Knots:
        return place(self.halves(stay, context), self.bound)
