"""From the cube to the line: the sigmoid the other way round."""

from typing import ClassVar

from torch import Tensor

from ._flow import Flow
from .sigmoid import Sigmoid

__all__ = ["Logit"]


class Logit(Flow):
    """`y = log(x / (1 - x))` of every coordinate. For the ends of the cube see `Sigmoid`.

    Args:
        size: Length Z of the vectors.
        context: Taken and ignored.

    Example:
        >>> import torch
        >>> Logit(2)(torch.tensor([[0.5, 0.5]]))[0]
        tensor([[0., 0.]])
    """

    conditional: ClassVar[bool] = False
    domain: str = "cube"

    def __init__(self, size: int, context: int = 0) -> None:
        super().__init__(size, context)
        self.sigmoid = Sigmoid(size)

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.sigmoid.inverse(x)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.sigmoid(y)
