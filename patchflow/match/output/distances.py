"""How far one sound is from another, by every metric."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...audio.conditioning import resample
from ...audio.sound_file import load
from ...metrics import metrics

__all__ = ["Distance", "compare", "compare_files"]


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
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.value:.4g}{unit} ({self.better} is better)"


def compare(
    estimates: Sequence[np.ndarray], target: np.ndarray, rate: int, names: Sequence[str] | None = None
) -> list[tuple[Distance, ...]]:
    """Compares sounds with a target.

    Args:
        estimates: The sounds to score, mono, each of shape `(T,)`; at least one.
        target: The sound they should be like, mono, shape `(T,)`. Shorter sounds are padded with silence.
        rate: Sample rate of all, in Hz.
        names: Metrics, in the order wanted; all of them if not given.

    Returns:
        For each estimate a distance by each metric.

    Raises:
        UnknownName: If a name is not a metric.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal(22_050).astype(np.float32)
        >>> compare([noise], noise, 22_050, ["log_mel_l1"])[0][0].value
        0.0
    """
    # Sounds of one length are measured in one batch. Others are not: padding all to the longest would change what
    # metrics that average over time say of the shorter ones.
    lengths = {len(estimate) for estimate in estimates}
    if len(lengths) > 1:
        return [compare([estimate], target, rate, names)[0] for estimate in estimates]
    scored = _stack(estimates)
    wanted = _stack([target] * len(estimates))
    found: list[tuple[Distance, ...]] = [()] * len(estimates)
    for name in metrics if names is None else names:
        values = metrics[name](scored, wanted, rate).tolist()
        for row, value in enumerate(values):
            found[row] += (_distance(name, value),)
    return found


def compare_files(
    estimate: Path, target: Path, names: Sequence[str] | None = None, note: Callable[[str], object] = str
) -> tuple[Distance, ...]:
    """Compares two sound files, each from its first audible sample on and for at most 30 s.

    Args:
        estimate: The sound to score.
        target: The sound it should be like.
        names: Metrics, in the order wanted; all of them if not given.
        note: Called with a line for everything that was mended or left out when the files were read.

    Raises:
        AudioError: If one is not a sound.
        StorageError: If one cannot be read.
        UnknownName: If a name is not a metric.
    """
    scored = load(estimate)
    wanted = load(target)
    for path, sound in ((estimate, scored), (target, wanted)):
        for mended in sound.notes:
            note(f"{path}: {mended}")
    rate = max(scored.rate, wanted.rate)
    samples = resample(scored.samples, scored.rate, rate)
    return compare([samples], resample(wanted.samples, wanted.rate, rate), rate, names)[0]


def _distance(name: str, value: float) -> Distance:
    metric = metrics[name]
    defined = value if math.isfinite(value) else None
    return Distance(metric.name, defined, metric.unit, metric.better)


def _stack(sounds: Sequence[np.ndarray]) -> torch.Tensor:
    """Shape `(B, T)`, float32."""
    rows = [torch.from_numpy(np.ascontiguousarray(sound, np.float32)) for sound in sounds]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
