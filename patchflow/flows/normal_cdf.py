"""From normal coordinates to uniform ones."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from ._flow import Flow

__all__ = ["NormalCDF"]


class NormalCDF(Flow):
    """`y = P(Z < x)` of every coordinate, for a standard normal Z: it sends N(0, I) to even draws from the cube.

    At the ends of the cube, `inverse` does what that of `Sigmoid` does: with float32, what is beyond 5.17 comes back as
    5.17, and above 4 only a few digits do.

    Args:
        size: Length Z of the vectors.
        context: Taken and ignored.

    Example:
        >>> import torch
        >>> NormalCDF(2)(torch.tensor([[0.0, 1.0]]))[0]
        tensor([[0.5000, 0.8413]])
    """

    conditional: ClassVar[bool] = False
    image: str = "cube"

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        return torch.special.ndtr(x), _logdet(x)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        least = torch.finfo(y.dtype).eps
        inside = torch.where((y < 0) | (y > 1), torch.nan, y.clamp(least, 1 - least))
        x = torch.special.ndtri(inside)
        return x, -_logdet(x)


def _logdet(x: Tensor) -> Tensor:
    return -(x.square() + math.log(2 * math.pi)).sum(1) / 2
