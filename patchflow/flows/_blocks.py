"""Blocks that flows are built of: networks that give their parameters, splines, and roots of increasing functions."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad, silu

__all__ = [
    "TOLERANCE",
    "Halves",
    "Knots",
    "Made",
    "MaskedLinear",
    "Parameters",
    "bend",
    "bounded",
    "increasing_root",
    "mlp",
    "parameters",
    "place",
    "unbend",
]

BOUND = 2.0
"""A single step stretches or shrinks a coordinate by no more than e^BOUND."""

SMALL = 0.01
"""Size of the last weights: a flow begins near the identity, so that long chains train from the first step."""

TOLERANCE = 1e-9
"""What flows with a numerical inverse claim for float64; the roots themselves are some thousand times finer."""

STEPS = 200
"""More than bisection alone would need; Newton's method takes about 6."""


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


@dataclass(frozen=True)
class Knots:
    """Where a spline goes: K + 1 points and the slopes there. Outside of them it is the identity.

    Args:
        x: Increasing, shape `(..., K + 1)`.
        y: Increasing, with the same ends.
        slopes: Positive, and 1 at the ends.
    """

    x: Tensor
    y: Tensor
    slopes: Tensor


def parameters(bins: int, bound: float) -> int:
    """Returns how many numbers a spline is placed by.

    Raises:
        ValueError: For less than two bins, or a bound that is not positive.
    """
    if bins < 2 or bound <= 0:
        raise ValueError(f"bins={bins}, bound={bound}: not 2 or more, and positive")
    return 3 * bins - 1


def place(raw: Tensor, bound: float) -> Knots:
    """Returns the knots of free numbers, shape `(..., 3 K - 1)`; those of zeros make the identity."""
    bins = (raw.shape[-1] + 1) // 3
    widths, heights, slopes = raw.split((bins, bins, bins - 1), -1)
    return Knots(_edges(widths, bound), _edges(heights, bound), pad(bounded(slopes), (1, 1)).exp())


def bend(x: Tensor, knots: Knots) -> tuple[Tensor, Tensor]:
    """Returns y and the logarithm of the slope, of the shape of x, which is that of the knots without the last axis.

    References:
        Durkan et al., Neural Spline Flows (2019), https://arxiv.org/abs/1906.04032, equations 4 and 5

    Example:
        >>> y, slope = bend(torch.tensor([0.5, 9.0]), place(torch.zeros(2, 11), 4.0))
        >>> [round(value, 4) for value in y.tolist()]
        [0.5, 9.0]
    """
    inside, x0, y0, width, height, d0, d1 = _bin(x, knots.x, knots)
    z = ((x - x0) / width).clamp(0, 1)
    y = y0 + height * _share(z, height / width, d0, d1)
    return torch.where(inside, y, x), torch.where(inside, _log_slope(z, height / width, d0, d1), 0.0)


def unbend(y: Tensor, knots: Knots) -> tuple[Tensor, Tensor]:
    """Returns x and the logarithm of its slope: the inverse of `bend`, equations 6 to 8 of the same paper."""
    inside, x0, y0, width, height, d0, d1 = _bin(y, knots.y, knots)
    rise = ((y - y0) / height).clamp(0, 1)
    mean = height / width
    # z is a root of a z^2 + b z + c. Of the two, 2 c / (-b - root) is the one in [0, 1], in the form that does not lose
    # digits where a is near 0; rounding may make what is under the root negative.
    bent = rise * (d0 + d1 - 2 * height / width)
    a = mean - d0 + bent
    b = d0 - bent
    c = -mean * rise
    root = (b**2 - 4 * a * c).clamp_min(0).sqrt()
    z = (2 * c / (-b - root)).clamp(0, 1)
    x = x0 + width * z
    return torch.where(inside, x, y), torch.where(inside, -_log_slope(z, mean, d0, d1), 0.0)


def _edges(raw: Tensor, bound: float) -> Tensor:
    """Increasing edges of bins, from -bound to bound."""
    reached = bounded(raw).exp().cumsum(-1)  # bounded: a bin of no height could not be undone
    inner = bound * (2 * reached[..., :-1] / reached[..., -1:] - 1)
    ends = torch.full_like(raw[..., :1], bound)  # exactly: what is outside must meet what is inside
    return torch.cat((-ends, inner, ends), -1)


def _bin(at: Tensor, edges: Tensor, knots: Knots) -> tuple[Tensor, ...]:
    """Whether values are inside, their bin's lower corner, width and height, and the slopes at its ends."""
    inside = (at > edges[..., 0]) & (at < edges[..., -1])
    # outside it is the first or the last bin, so that every value has one; `inside` says what counts
    left = (at[..., None] >= edges[..., 1:-1]).sum(-1, keepdim=True)
    right = left + 1
    x0 = knots.x.gather(-1, left).squeeze(-1)
    x1 = knots.x.gather(-1, right).squeeze(-1)
    y0 = knots.y.gather(-1, left).squeeze(-1)
    y1 = knots.y.gather(-1, right).squeeze(-1)
    d0 = knots.slopes.gather(-1, left).squeeze(-1)
    d1 = knots.slopes.gather(-1, right).squeeze(-1)
    return inside, x0, y0, x1 - x0, y1 - y0, d0, d1


def _share(z: Tensor, mean: Tensor, d0: Tensor, d1: Tensor) -> Tensor:
    """How much of a bin's height is reached at the share z of its width."""
    across = z * (1 - z)
    return (mean * z**2 + d0 * across) / (mean + (d0 + d1 - 2 * mean) * across)


def _log_slope(z: Tensor, mean: Tensor, d0: Tensor, d1: Tensor) -> Tensor:
    """The logarithm of dy/dx at the share z of a bin's width."""
    across = z * (1 - z)
    top = mean**2 * (d1 * z**2 + 2 * mean * across + d0 * (1 - z) ** 2)
    return top.log() - 2 * (mean + (d0 + d1 - 2 * mean) * across).log()


def increasing_root(function: Callable[[Tensor], tuple[Tensor, Tensor]], low: Tensor, high: Tensor) -> Tensor:
    """Returns the root of an increasing function in each bracket, in the precision of the brackets.

    Newton's method, with a bisection wherever it would leave the bracket or does not halve its last step: it can
    neither diverge nor circle. The last step is differentiable, so by the implicit function theorem the root has
    the right gradient with respect to whatever the function depends on.

    Args:
        function: Returns values and positive slopes, each of the shape of its argument.
        low: Where it is at most 0.
        high: Where it is at least 0.

    Example:
        >>> ends = torch.tensor([0.0], dtype=torch.float64), torch.tensor([2.0], dtype=torch.float64)
        >>> round(increasing_root(lambda x: (x**2 - 2, 2 * x), *ends).item(), 9)
        1.414213562
    """
    # The search has no gradient. One more Newton step from the root changes it by nothing that matters and has the
    # gradient that the implicit function theorem gives: -(df/dparameters) / (df/dx).
    root = _search(function, low, high)
    value, slope = function(root)
    return root - value / slope.detach()


@torch.no_grad()
def _search(function: Callable[[Tensor], tuple[Tensor, Tensor]], low: Tensor, high: Tensor) -> Tensor:
    fine = 64 * torch.finfo(low.dtype).eps
    x = (low + high) / 2
    last = high - low
    for _ in range(STEPS):
        value, slope = function(x)
        low = torch.where(value <= 0, x, low)
        high = torch.where(value >= 0, x, high)
        step = -value / slope
        least = fine * (1 + x.abs())
        fits = (x + step >= low) & (x + step <= high) & (step.abs() <= torch.maximum(last / 2, least))
        step = torch.where(fits, step, (low + high) / 2 - x)
        x = x + step
        last = step.abs()
        if bool((last <= least).all()):
            break
    return x
