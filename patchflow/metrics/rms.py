"""Likeness of two loudness envelopes."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from ._metric import metric

__all__ = ["rms"]

_FRAME = 2205  # samples, 50 ms
_HOP = 1102


@metric(unit="", better="higher", best=1.0, rate=44_100)
def rms(estimate: Float[Tensor, "B T"], target: Float[Tensor, "B T"]) -> Float[Tensor, "B"]:
    """Cosine similarity of two root-mean-square envelopes.

    Gain does not matter. Silence is like nothing, itself included: 0. Frames are 50 ms, 25 ms apart.

    References:
        Hayes, Saitis & Fazekas, Audio synthesizer inversion in symmetric parameter spaces with
        approximately equivariant flow matching (2025), https://arxiv.org/abs/2506.07199

    Args:
        estimate: Sounds to evaluate, shape `(B, T)`.
        target: Sounds to match, shape `(B, T)`.

    Returns:
        One likeness a pair, from 0 to 1, shape `(B,)`.
    """
    a = _envelope(estimate)
    b = _envelope(target)
    norms = a.norm(dim=1) * b.norm(dim=1)
    return ((a * b).sum(1) / norms).nan_to_num(0.0)  # 0 / 0 for silence


def _envelope(x: Tensor) -> Tensor:
    """Root mean square of each centred frame, shape `(B, N)`."""
    return pad(x, (_FRAME // 2, _FRAME // 2)).unfold(1, _FRAME, _HOP).square().mean(2).sqrt()
