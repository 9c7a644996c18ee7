"""A coupling's two halves: one stays and says how the other is bent."""

import torch
from torch import Tensor, nn

from ._networks import mlp

__all__ = ["Halves"]


class Halves(nn.Module):
    """Splits vectors and makes parameters for one half from the other and the context.

    Args:
        size: Length of the vectors, at least 2.
        context: Size of the context.
        hidden: Width of the network.
        outputs: Number K of parameters of each coordinate that moves.
        flip: 0: the first half stays; 1: the second does.

    Raises:
        ValueError: For a size below 2 or another flip.
    """

    def __init__(self, size: int, context: int, hidden: int, outputs: int, flip: int) -> None:
        super().__init__()
        if size < 2 or flip not in (0, 1):
            raise ValueError(f"size={size}, flip={flip}: a coupling needs a size of 2 or more, and a flip of 0 or 1")
        self.flip = flip
        self.sizes = (size // 2, size - size // 2)
        stay, move = self.sizes[flip], self.sizes[1 - flip]
        self.outputs = outputs
        self.network = mlp(stay + context, hidden, move * outputs)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the half that stays and the half that moves."""
        first, second = x.split(self.sizes, 1)
        return (second, first) if self.flip else (first, second)

    def join(self, stay: Tensor, move: Tensor) -> Tensor:
        """Returns the vectors of two halves."""
        return torch.cat((move, stay) if self.flip else (stay, move), 1)

    def forward(self, stay: Tensor, context: Tensor | None) -> Tensor:
        """Returns the parameters of the half that moves, shape `(B, move, K)`."""
        known = stay if context is None else torch.cat((stay, context), 1)
        return self.network(known).unflatten(1, (self.outputs, -1)).mT
