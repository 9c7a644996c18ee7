"""A way to turn sounds into what a model hears."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Input"]


@dataclass(frozen=True)
class Input:
    """A spectrogram of fixed size.

    Args:
        rate: Sample rate of the sounds, in Hz.
        length: Their duration, in seconds; longer ones are cut, shorter ones padded with silence.
        shape: `(F, N)`, bands and frames.
        of: Makes it: sounds at `rate`, shape `(B, T)`, and the rate to spectrograms, shape `(B, F, N)`.
        bounded: Whether all values are in [0, 1], 0 for silence, so that a byte is enough for each.

    Example:
        >>> from patchflow.features.inputs import inputs
        >>> inputs["paper"].shape
        (64, 80)
    """

    rate: int
    length: float
    shape: tuple[int, int]
    of: Callable[[Tensor, int], Tensor]
    bounded: bool
