"""A metric: a function of two batches of sounds, with its unit and direction as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from ..audio.conditioning import resample

__all__ = ["Metric", "metric", "units_of"]

Measure = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Metric:
    """A distance or likeness of two sounds.

    Sounds at another rate are resampled to the one the metric is defined at; the shorter of the two
    is padded with silence. The number of a pair does not depend on the other pairs of the batch.

    Args:
        name: Its name in the registry, e.g. `"log_mel_l1"`.
        unit: Its unit, e.g. `"dB"`; "" for a ratio.
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
        # A metric stands where its function stood, so doctest, help and pytest have to find the docstring and the name
        # of the function. `functools.update_wrapper` would do it, but a frozen dataclass refuses its assignments.
        for name in ("__doc__", "__module__", "__name__", "__qualname__"):
            vars(self)[name] = getattr(self.measure, name)
        vars(self)["__wrapped__"] = self.measure

    def __call__(self, estimate: Float[Tensor, "B T"], target: Float[Tensor, "B U"], rate: int) -> Float[Tensor, "B"]:
        """Compares sounds pairwise.

        Args:
            estimate: Sounds to evaluate, shape `(B, T)`.
            target: Sounds to match, shape `(B, U)`.
            rate: Sample rate of both, in Hz.

        Returns:
            One number a pair, shape `(B,)`.

        Raises:
            ValueError: If a sound is empty, or not as many estimates as targets were given.
        """
        batches = estimate.ndim == target.ndim == 2 and len(estimate) == len(target)
        if not batches or 0 in estimate.shape + target.shape:
            raise ValueError(f"estimate {tuple(estimate.shape)}, target {tuple(target.shape)}: not (B, T) and (B, U)")
        estimate = _resample(estimate, rate, self.rate)
        target = _resample(target, rate, self.rate)
        samples = max(estimate.shape[1], target.shape[1])
        estimate = pad(estimate, (0, samples - estimate.shape[1]))
        target = pad(target, (0, samples - target.shape[1]))
        return self.measure(estimate, target)


def metric(*, unit: str, better: Literal["lower", "higher"], best: float, rate: int) -> Callable[[Measure], Metric]:
    """Makes a metric of a function that compares two batches `(B, T)` at `rate`; see `Metric`."""

    def decorate(measure: Measure) -> Metric:
        return Metric(measure.__name__, unit, better, best, rate, measure)

    return decorate


def units_of(metrics: Mapping[str, Metric]) -> dict[str, str]:
    """Returns the unit of each metric, for files and programs: `""` where there is none.

    Args:
        metrics: By name.

    Example:
        >>> from patchflow.metrics import metrics
        >>> units_of({name: metrics[name] for name in ("log_mel_l1", "rms")})
        {'log_mel_l1': 'dB', 'rms': ''}
    """
    return {name: metric.unit for name, metric in metrics.items()}


def _resample(x: Tensor, rate: int, to: int) -> Tensor:
    if rate == to:
        return x
    rows = [torch.from_numpy(resample(row, rate, to)) for row in x.detach().cpu().numpy()]
    return torch.stack(rows).to(x)
