"""How far one sound is from another, by every metric."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..audio.load import load
from ..audio.resample import resample
from ..metrics import metrics
from ..metrics._metric import Metric

__all__ = ["Distance", "measure", "measure_files"]


@dataclass(frozen=True)
class Distance:
    """A number and what it means.

    Args:
        metric: Name in the registry, e.g. `"log_mel_l1"`.
        value: The distance; None where the metric is not defined, e.g. between two silences.
        unit: What it counts in, e.g. `"dB"`; "" for a ratio.
        better: `"lower"` or `"higher"`.

    Example:
        >>> str(Distance("log_mel_l1", 2.3125, "dB", "lower"))
        '2.312 dB (lower is better)'
    """

    metric: str
    value: float | None
    unit: str
    better: str

    def __str__(self) -> str:
        if self.value is None:
            return "not defined for these sounds"
        return " ".join(filter(None, (f"{self.value:.4g}", self.unit, f"({self.better} is better)")))


def measure(
    estimates: Sequence[np.ndarray], target: np.ndarray, rate: int, names: Sequence[str] | None = None
) -> list[tuple[Distance, ...]]:
    """Compares sounds with a target.

    Args:
        estimates: The sounds to judge, mono, each of shape `(T,)`; at least one.
        target: The sound they should be like, mono, shape `(T,)`. Shorter sounds are padded with silence.
        rate: Sample rate of all, in Hz.
        names: Metrics, in the order wanted; all of them if not given.

    Returns:
        For each estimate a distance by each metric.

    Raises:
        UnknownName: If a name is not a metric.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal(22_050).astype(np.float32)
        >>> measure([noise], noise, 22_050, ["log_mel_l1"])[0][0].value
        0.0
    """
    if len({len(estimate) for estimate in estimates}) > 1:  # padding to the longest would change the others' numbers
        return [measure([estimate], target, rate, names)[0] for estimate in estimates]
    chosen = [metrics[name] for name in (metrics if names is None else names)]
    judged, wanted = _stack(estimates), _stack([target] * len(estimates))
    columns = [[_distance(metric, value) for value in metric(judged, wanted, rate).tolist()] for metric in chosen]
    return list(zip(*columns, strict=True))


def measure_files(estimate: Path, target: Path, names: Sequence[str] | None = None) -> tuple[Distance, ...]:
    """Compares two sound files, each from its first audible sample on and for at most 30 s.

    Args:
        estimate: The sound to judge.
        target: The sound it should be like.
        names: Metrics, in the order wanted; all of them if not given.

    Raises:
        AudioError: If one is no sound.
        StorageError: If one cannot be read.
        UnknownName: If a name is not a metric.
    """
    sounds = [load(path) for path in (estimate, target)]
    rate = max(sound.rate for sound in sounds)
    judged, wanted = (resample(sound.samples, sound.rate, rate) for sound in sounds)
    return measure([judged], wanted, rate, names)[0]


def _distance(metric: Metric, value: float) -> Distance:
    return Distance(metric.name, value if math.isfinite(value) else None, metric.unit, metric.better)


def _stack(sounds: Sequence[np.ndarray]) -> torch.Tensor:
    """Shape `(B, T)`, float32."""
    rows = [torch.from_numpy(np.ascontiguousarray(sound, np.float32)) for sound in sounds]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
