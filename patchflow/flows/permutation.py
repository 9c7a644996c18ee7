"""A fixed change of the order of the coordinates."""

from typing import ClassVar

import torch
from torch import Tensor

from ._flow import Flow

__all__ = ["Permutation"]


class Permutation(Flow):
    """`y_i = x_order[i]`. Between other flows it lets every coordinate bend every other.

    The order is a function of size and seed, on every machine, and part of the saved state.

    Args:
        size: Length Z of the vectors.
        context: Taken and ignored.
        seed: Of the order. Give every permutation of a chain another one.

    Example:
        >>> import torch
        >>> flow, x = Permutation(4, seed=3), torch.tensor([[1.0, 2.0, 3.0, 4.0]])
        >>> torch.equal(flow.inverse(flow(x)[0])[0], x)
        True
    """

    conditional: ClassVar[bool] = False
    order: Tensor

    def __init__(self, size: int, context: int = 0, *, seed: int = 0) -> None:
        super().__init__(size, context)
        self.register_buffer("order", torch.randperm(size, generator=torch.Generator().manual_seed(seed)))

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        return x.index_select(1, self.order), x.new_zeros(len(x))

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        return y.index_select(1, self.order.argsort()), y.new_zeros(len(y))
