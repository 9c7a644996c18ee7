"""Sylvester flow: a planar flow along all directions at once."""

import math

import torch
from torch import Tensor
from torch.nn.functional import linear

from ._blocks import TOLERANCE, Parameters, increasing_root
from ._flow import Flow

__all__ = ["Sylvester"]

MOST = math.sqrt(0.95)
"""Bound of the diagonals: their products stay above -0.95, and above -1 the flow is invertible."""


class Sylvester(Flow):
    """`y = x + Q R tanh(S Q'x + b)`, with Q orthonormal and R and S upper triangular.

    Q is a product of Householder reflections, so it is square and exactly orthonormal for any weights. The determinant
    is the product of `1 + tanh'(.) R_ii S_ii`, as R and S are triangular. With a context, all are made of it.

    There is no formula for the inverse, but in the basis of Q coordinate i of y depends on coordinates i and above of
    x only, so they are found from the last to the first, each as the root of an increasing function of one number.

    References:
        van den Berg et al., Sylvester Normalizing Flows for Variational Inference (2018),
        https://arxiv.org/abs/1803.05649

    Args:
        size: Length Z of the vectors.
        context: Length of the context.
        hidden: Width of the network that gets the context.
        reflections: Number of Householder reflections that make Q.

    Raises:
        ValueError: For less than one reflection.

    Example:
        >>> flow, x = Sylvester(4), torch.randn(2, 4)
        >>> torch.allclose(flow.inverse(flow(x)[0])[0], x, atol=1e-5)
        True
    """

    tolerance: float = TOLERANCE

    def __init__(self, size: int, context: int = 0, *, hidden: int = 64, reflections: int = 4) -> None:
        super().__init__(size, context)
        if reflections < 1:
            raise ValueError(f"reflections={reflections}: not at least 1")
        self.split = size * (size + 2)
        # R and S are triangular, so one square matrix holds both: R above the diagonal and on it, S below it
        # transposed. The diagonal of S comes after it, then b, which begins at 0, and the mirrors.
        both = 0.01 * torch.randn(size, size).triu() + torch.randn(size, size).tril(-1) / size
        diagonal = torch.randn(size)
        mirrors = torch.randn(reflections * size)
        start = torch.cat((both.flatten(), diagonal, torch.zeros(size), mirrors))
        self.raw = Parameters(start, context, hidden)

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        R, S, b, mirrors = self._parts(self.raw(context))
        h = torch.tanh(_apply(S, _reflect(x, mirrors.flip(1))) + b)
        return x + _reflect(_apply(R, h), mirrors), _logdet(R, S, h)

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        R, S, b, mirrors = self._parts(self.raw(context).double())
        h = _solve(R, S, b, _reflect(y.double(), mirrors.flip(1)))
        x = y - _reflect(_apply(R, h), mirrors)
        return x.to(y.dtype), -_logdet(R, S, h).to(y.dtype)

    def _parts(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns R, S, b and the mirrors, each for all rows (one long) or for every row."""
        both, diagonal, b, mirrors = raw.tensor_split((self.size**2, self.size**2 + self.size, self.split), 1)
        both = both.unflatten(1, (self.size, self.size))
        R = both.triu(1) + torch.diag_embed(MOST * torch.tanh(both.diagonal(dim1=1, dim2=2)))
        S = both.tril(-1).mT + torch.diag_embed(MOST * torch.tanh(diagonal))
        return R, S, b, mirrors.unflatten(1, (-1, self.size))


def _logdet(R: Tensor, S: Tensor, h: Tensor) -> Tensor:
    return torch.log1p((1 - h**2) * (R * S).diagonal(dim1=1, dim2=2)).sum(1)


def _solve(R: Tensor, S: Tensor, b: Tensor, target: Tensor) -> Tensor:
    """Returns tanh of the coordinates in the basis of Q."""
    # R and S are upper triangular: coordinate i depends on those above it, which are known if the last comes first
    s = h = target[:, :0]
    for i in reversed(range(target.shape[1])):
        inner = b[:, i] + (S[:, i, i + 1 :] * s).sum(1)
        wanted = target[:, i] - (R[:, i, i + 1 :] * h).sum(1)
        one = _solve_one(R[:, i, i], S[:, i, i], inner, wanted)
        s = torch.cat((one[:, None], s), 1)
        h = torch.cat((torch.tanh(S[:, i, i] * one + inner)[:, None], h), 1)
    return h


def _solve_one(r: Tensor, slope: Tensor, inner: Tensor, wanted: Tensor) -> Tensor:
    """Returns the s with `s + r tanh(slope s + inner) = wanted`."""

    def excess(s: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(slope * s + inner)
        return s + r * h - wanted, 1 + r * slope * (1 - h**2)

    return increasing_root(excess, wanted - r.abs(), wanted + r.abs())


def _apply(matrix: Tensor, x: Tensor) -> Tensor:
    """Returns the product with one matrix for all rows, or with a matrix for every row."""
    return linear(x, matrix[0]) if len(matrix) == 1 else (matrix @ x[:, :, None]).squeeze(2)


def _reflect(x: Tensor, mirrors: Tensor) -> Tensor:
    """Returns x after all reflections, the last mirror first."""
    for v in reversed(mirrors.unbind(1)):
        x = x - 2 * v * (v * x).sum(1, keepdim=True) / (v * v).sum(1, keepdim=True).clamp_min(1e-12)
    return x
