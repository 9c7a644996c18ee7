"""From the line to the cube that presets are encoded in."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ._flow import Flow

__all__ = ["Sigmoid"]


class Sigmoid(Flow):
    """`y = 1 / (1 + exp(-x))` of every coordinate.

    Presets have knobs at their ends, but 0 and 1 are where infinity goes: `inverse` takes what is nearer to an end
    than one rounding step (1e-7 for float32) as that step away from it, so it is finite on the closed cube, and
    not a number outside. The cube's float32 numbers tell apart x within about -16 and 16, finely within -8 and 8.

    Args:
        size: Length Z of the vectors.
        context: Taken and ignored.

    Example:
        >>> import torch
        >>> Sigmoid(2)(torch.zeros(1, 2))[0]
        tensor([[0.5000, 0.5000]])
    """

    conditional: ClassVar[bool] = False
    image: str = "cube"

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        return x.sigmoid(), _logdet(x)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        least = torch.finfo(y.dtype).eps
        inside = torch.where((y < 0) | (y > 1), torch.nan, y.clamp(least, 1 - least))
        x = inside.log() - (-inside).log1p()
        return x, -_logdet(x)


def _logdet(x: Tensor) -> Tensor:
    return (logsigmoid(x) + logsigmoid(-x)).sum(1)
