"""Monotonic functions of one coordinate: rational-quadratic splines, and where such functions are zero."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ._networks import bounded

__all__ = ["TOLERANCE", "Knots", "bend", "increasing_root", "parameters", "place", "unbend"]

TOLERANCE = 1e-9
"""What flows with a numerical inverse claim for float64; the roots themselves are some thousand times finer."""

STEPS = 200
"""More than bisection alone would need; Newton's method takes about 6."""


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
