"""The networks that give the parameters of a flow: small ones, halves of couplings, MADE for autoregressive ones."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, silu

__all__ = ["Halves", "Made", "MaskedLinear", "Parameters", "bounded", "mlp"]

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


class MaskedLinear(nn.Linear):
    """A matrix some of whose weights are fixed at zero.

    Args:
        mask: True where a weight is learned, shape `(outputs, inputs)`.
    """

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        mask = mask.to(self.weight.dtype)  # a product with truth values takes twice as long
        self.register_buffer("mask", mask, persistent=False)  # it follows from the sizes, and files are half as large

    def forward(self, input: Tensor) -> Tensor:
        """Returns the product."""
        return linear(input, self.weight * self.mask, self.bias)


class Made(nn.Module):
    """A masked network of two hidden layers: coordinate i's parameters see `x[:, :i]` and the context.

    Each hidden unit has a degree d and sees the first d coordinates. Units are sorted by degree, so those that
    coordinate i may ask are the first few, and `solve` computes each unit once.

    References:
        Germain et al., MADE: Masked Autoencoder for Distribution Estimation (2015), https://arxiv.org/abs/1502.03509

    Args:
        size: Number Z of coordinates.
        context: Size of the context.
        hidden: Width of the hidden layers; below `size` some coordinates do not see all that come before.
        outputs: Number K of parameters of each coordinate.
    """

    def __init__(self, size: int, context: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        place = torch.arange(size)
        lowest = 0 if context or size == 1 else 1  # a unit of degree 0 sees nothing but the context
        degree = lowest + torch.arange(hidden) * (size - lowest) // hidden
        # How many degrees are at most i. Not asked of `degree`: where only sizes are wanted, tensors have no values.
        span = size - lowest
        self.counts = [min(hidden, -(-(i + 1 - lowest) * hidden // max(span, 1))) for i in range(size)]
        self.enter = MaskedLinear(degree[:, None] > place)
        self.middle = MaskedLinear(degree[:, None] >= degree)
        self.leave = MaskedLinear((place[:, None] >= degree).repeat(outputs, 1))
        self.listen = nn.Linear(context, hidden, bias=False) if context else None  # the name that saved weights have
        with torch.no_grad():
            self.leave.weight.mul_(SMALL)
            self.leave.bias.mul_(SMALL)

    def forward(self, x: Tensor, context: Tensor | None) -> Tensor:
        """Returns the parameters of all coordinates, shape `(B, Z, K)`."""
        sees = self.enter(x)
        first = silu(sees if self.listen is None else sees + self.listen(context))
        return self.leave(silu(self.middle(first))).unflatten(1, (self.outputs, -1)).mT

    def solve(self, step: Callable[[int, Tensor], Tensor], like: Tensor, context: Tensor | None) -> Tensor:
        """Returns the x, shape `(B, Z)`, whose coordinate i is `step(i, parameters of i given those before)`.

        One coordinate after the other, but as every hidden unit is computed once, when all it sees is known, this
        takes about as many multiplications as one `forward`, in Z times as many small products.

        Args:
            step: Makes the values of a coordinate, shape `(B,)`, of its parameters, shape `(B, K)`.
            like: Anything with the rows, type and device of x.
            context: As for `forward`.
        """
        of_context = None if self.listen is None else self.listen(context)
        x = first = second = like[:, :0]  # coordinates and hidden units, as far as they are known
        known = 0  # hidden units
        for i, count in enumerate(self.counts):
            # Units are sorted by degree. So the first `count` are those that coordinate i may ask, and those that were
            # not needed before, which see the first i coordinates, all known now: a full product of slices, no mask.
            if count > known:
                new = slice(known, count)
                sees = linear(x, self.enter.weight[new, :i], self.enter.bias[new])
                first = torch.cat((first, silu(sees if of_context is None else sees + of_context[:, new])), 1)
                sees = linear(first, self.middle.weight[new, :count], self.middle.bias[new])
                second = torch.cat((second, silu(sees)), 1)
                known = count
            # row i of every one of the K blocks of outputs
            own = slice(i, None, like.shape[1])
            parameters = linear(second, self.leave.weight[own, :count], self.leave.bias[own])
            x = torch.cat((x, step(i, parameters)[:, None]), 1)
        return x
