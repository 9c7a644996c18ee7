"""The small networks that give the parameters of a flow, and the two halves of a coupling."""

import torch
from torch import Tensor, nn

__all__ = ["Halves", "Parameters", "bounded", "mlp"]

BOUND = 2.0
"""A single step stretches or shrinks a coordinate by no more than e^BOUND."""

SMALL = 0.01
"""Size of the last weights: a flow begins near the identity, so that long chains train from the first step."""


def bounded(raw: Tensor, bound: float = BOUND) -> Tensor:
    """Returns what is in (-bound, bound), and `raw` where that is small: by default a log-scale.

    Without a bound, one bad step early in training overflows a chain of 16.
    """
    return bound * torch.tanh(raw / bound)


def mlp(inputs: int, hidden: int, outputs: int, *, bias: bool = True) -> nn.Sequential:
    """Returns a network of two hidden layers that begins near zero."""
    last = nn.Linear(hidden, outputs, bias=bias)
    with torch.no_grad():
        for weight in last.parameters():
            weight.mul_(SMALL)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), last)


class Parameters(nn.Module):
    """The parameters of a flow that has no network of its own: learned, and moved by the context if there is one.

    Args:
        start: Their first values, shape `(K,)`.
        context: Size of the context.
        hidden: Width of the network that gets the context.
    """

    def __init__(self, start: Tensor, context: int, hidden: int) -> None:
        super().__init__()
        self.base = nn.Parameter(start)
        self.moves = mlp(context, hidden, len(start), bias=False) if context else None

    def forward(self, context: Tensor | None) -> Tensor:
        """Returns them for each context, shape `(B, K)`, or for all, `(1, K)`."""
        base = self.base[None]
        return base if self.moves is None else base + self.moves(context)


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
        stay = self.sizes[flip]
        move = self.sizes[1 - flip]
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
