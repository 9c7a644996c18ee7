"""Where increasing functions are zero, many at once."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["TOLERANCE", "increasing_root"]

TOLERANCE = 1e-9
"""What flows with a numerical inverse claim for float64; the roots themselves are some thousand times finer."""

STEPS = 200
"""More than bisection alone would need; Newton's method takes about 6."""


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
