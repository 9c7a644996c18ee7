"""How far a batch is from a distribution: maximum mean discrepancy."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["discrepancy"]

_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def discrepancy(x: Float[Tensor, "A Z"], y: Float[Tensor, "B Z"]) -> Float[Tensor, ""]:
    """Returns the unbiased estimate of the squared maximum mean discrepancy of two distributions.

    The kernels are inverse multiquadratics, the sum over s of C / (C + |x - y|^2) with C = 2 Z s, where 2 Z is
    the mean squared distance of two draws from the normal distribution. Being unbiased it is below 0 at times.

    References:
        Tolstikhin et al., Wasserstein Auto-Encoders (2018), https://arxiv.org/abs/1711.01558
        Gretton et al., A Kernel Two-Sample Test (2012), https://jmlr.org/papers/v13/gretton12a.html

    Args:
        x: Draws from one distribution.
        y: Draws from the other.

    Returns:
        The estimate; 0 if either has fewer than two draws, of which nothing can be said.

    Example:
        >>> x, y = torch.randn(2, 500, 3, generator=torch.Generator().manual_seed(0))
        >>> bool(discrepancy(x, y).abs() < 0.02 < discrepancy(x, y + 1))
        True
    """
    if min(len(x), len(y)) < 2:
        return (x.sum() + y.sum()) * 0
    return _apart(_kernel(x, x)) + _apart(_kernel(y, y)) - 2 * _kernel(x, y).mean()


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    squares = x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T
    squares = squares.clamp_min(0)
    return torch.stack([c / (c + squares) for c in (2 * x.shape[1] * scale for scale in _SCALES)]).sum(0)


def _apart(kernel: Tensor) -> Tensor:
    """The mean over pairs of different draws."""
    count = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (count * (count - 1))
