"""The small networks that say how a flow bends."""

import torch
from torch import Tensor, nn

__all__ = ["Parameters", "bounded", "mlp"]

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
        hidden: Width of the network that hears the context.
    """

    def __init__(self, start: Tensor, context: int, hidden: int) -> None:
        super().__init__()
        self.base = nn.Parameter(start)
        self.moves = mlp(context, hidden, len(start), bias=False) if context else None

    def forward(self, context: Tensor | None) -> Tensor:
        """Returns them for each context, shape `(B, K)`, or for all, `(1, K)`."""
        base = self.base[None]
        return base if self.moves is None else base + self.moves(context)
