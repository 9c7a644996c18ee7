"""What a metric is: a function of two batches of sounds, with its unit and direction as data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from ..audio.resample import resample

__all__ = ["Metric", "metric"]

Measure = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Metric:
    """A distance or likeness of two sounds, the same number whatever their sample rate.

    Sounds at another rate are resampled to the one the metric is defined at; the shorter of the two
    is padded with silence. One pair does not change another's number.

    Args:
        name: Its name in the registry, e.g. `"log_mel_l1"`.
        unit: What it counts in, e.g. `"dB"`; "" for a ratio.
        better: Whether a `"lower"` or a `"higher"` number is the better match.
        best: The number of a sound against itself.
        rate: The sample rate it is defined at, in Hz.
        measure: Compares two batches of equal shape `(B, T)` at `rate`.

    Example:
        >>> from patchflow.metrics import metrics
        >>> metrics["rms"].better, metrics["rms"].best
        ('higher', 1.0)
    """

    name: str
    unit: str
    better: Literal["lower", "higher"]
    best: float
    rate: int
    measure: Measure

    def __post_init__(self) -> None:
        names = ("__doc__", "__module__", "__name__", "__qualname__")
        vars(self).update({name: getattr(self.measure, name) for name in names}, __wrapped__=self.measure)

    def __call__(self, estimate: Float[Tensor, "B T"], target: Float[Tensor, "B U"], rate: int) -> Float[Tensor, "B"]:
        """Compares sounds pairwise.

        Args:
            estimate: Sounds to judge, shape `(B, T)`.
            target: Sounds to match, shape `(B, U)`.
            rate: Sample rate of both, in Hz.

        Returns:
            One number a pair, shape `(B,)`.

        Raises:
            ValueError: If a sound is empty, or not as many estimates as targets were given.
        """
        if estimate.ndim != 2 or target.ndim != 2 or len(estimate) != len(target) or 0 in estimate.shape + target.shape:
            raise ValueError(f"estimate {tuple(estimate.shape)}, target {tuple(target.shape)}: not (B, T) and (B, U)")
        estimate, target = (_resample(x, rate, self.rate) for x in (estimate, target))
        samples = max(estimate.shape[1], target.shape[1])
        return self.measure(*(pad(x, (0, samples - x.shape[1])) for x in (estimate, target)))


def metric(*, unit: str, better: Literal["lower", "higher"], best: float, rate: int) -> Callable[[Measure], Metric]:
    """Makes a metric of a function that compares two batches `(B, T)` at `rate`; see `Metric`."""
    return lambda measure: Metric(measure.__name__, unit, better, best, rate, measure)


def _resample(x: Tensor, rate: int, to: int) -> Tensor:
    if rate == to:
        return x
    rows = [torch.from_numpy(resample(row, rate, to)) for row in x.detach().cpu().numpy()]
    return torch.stack(rows).to(x)
