"""A model input: a function from sounds to spectrograms of fixed size, with rate and length."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Input"]


@dataclass(frozen=True)
class Input:
    """A kind of spectrogram that a model takes as input.

    Rate, length and shape are data, so that code which renders, caches or plots an input need not know which one it is.
    Examples and weights store its name, so that a model gets the input that it was trained on. The function must be
    deterministic and treat each sound of a batch alone.

    Args:
        rate: Sample rate of the sounds, in Hz.
        length: Their duration, in seconds; longer ones are cut, shorter ones padded with silence.
        shape: `(F, N)`, bands and frames.
        of: Called with sounds at `rate`, shape `(B, T)`, and the rate; returns spectrograms, shape `(B, F, N)`.
        bounded: Whether all values are in [0, 1], 0 for silence, so that a byte is enough for each.

    Example:
        >>> import torch
        >>> from patchflow.features.inputs import inputs
        >>> paper = inputs["paper"]
        >>> paper.shape
        (64, 80)
        >>> tuple(paper.of(torch.zeros(1, round(paper.length * paper.rate)), paper.rate).shape)
        (1, 64, 80)
    """

    rate: int
    length: float
    shape: tuple[int, int]
    of: Callable[[Tensor, int], Tensor]
    bounded: bool
