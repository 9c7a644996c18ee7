"""Warped MFCC distance: how far two cepstra are apart after the best alignment in time."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..features.mel import mfcc
from ._metric import metric

__all__ = ["wmfcc"]

_RATE = 44_100
_COUNT = 20


@metric(unit="dB", better="lower", best=0.0, rate=_RATE)
def wmfcc(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """Mean absolute difference of 20 MFCCs along the cheapest time warping.

    The first coefficient is kept, so level matters. Windows are 50 ms, 10 ms apart, with 128 bands.

    References:
        Hayes, Saitis & Fazekas, Audio synthesizer inversion in symmetric parameter spaces with
        approximately equivariant flow matching (2025), https://arxiv.org/abs/2506.07199
        Sakoe & Chiba, Dynamic programming algorithm optimization for spoken word recognition (1978)
        https://doi.org/10.1109/TASSP.1978.1163055

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One distance a pair, in dB, at least 0, shape `(B,)`.
    """
    a = _cepstra(estimate)
    b = _cepstra(target)
    costs = torch.cdist(a.double(), b.double(), p=1) / _COUNT  # (B, N, N)
    return torch.from_numpy(_warp(costs.cpu().numpy())).to(estimate)


def _cepstra(x: Tensor) -> Tensor:
    """Cepstra frame by frame, shape `(B, N, F)`."""
    return mfcc(x, _RATE, count=_COUNT, n_fft=2205, hop=441, bands=128).mT


def _warp(costs: np.ndarray) -> np.ndarray:
    """Cost of the cheapest monotonic path, by Sakoe and Chiba's symmetric steps, per frame of both sounds.

    A diagonal step counts twice. Within a row, `D[j] = min(c[j], D[j-1] + d[j])` has the closed form
    `S[j] + min over k <= j of (c[k] - S[k])` with `S` the running sum of `d`: one scan instead of a loop.

    Args:
        costs: Frame distances `d`, shape `(B, N, M)`.

    Returns:
        Path cost over `N + M`, shape `(B,)`.
    """
    # Along the first row one can only go right, so its path costs are sums. Each later row is entered at every place,
    # from above or diagonally; then going right within the row is the scan of the docstring.
    sums = costs.cumsum(2)
    best = sums[:, 0]
    for d, s in zip(costs.swapaxes(0, 1)[1:], sums.swapaxes(0, 1)[1:], strict=True):
        entry = best + d
        np.minimum(entry[:, 1:], best[:, :-1] + 2 * d[:, 1:], out=entry[:, 1:])
        best = s + np.minimum.accumulate(entry - s, axis=1)
    return best[:, -1] / sum(costs.shape[1:])
