"""Plays predicted presets and measures how near they are to the target sounds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..errors import RenderError
from ..metrics import metrics
from ..progress import Progress, ProgressCallback, ignore
from ..threads import one_torch_thread
from .predict import Predictions
from .results import Lines

__all__ = ["SCORE_RATE", "TestItem", "score", "score_predictions"]

SCORE_RATE = 44_100
"""Sample rate of the comparison, in Hz."""


@dataclass(frozen=True)
class TestItem:
    """A target sound, for which a preset is predicted.

    Args:
        key: Its row in the examples, or its file.
        family: Sounds that are alike share it; statistics count them as one.
        category: E.g. `"bass"`; "" if not known.
        note: The note its preset is played on.
        point: The true preset, shape `(P,)`; None for a recording.
        sound: The recording at 44,100 Hz, shape `(T,)`; None for a preset's sound.
    """

    key: int | str
    family: int | str
    category: str
    note: Note
    point: np.ndarray | None = None
    sound: np.ndarray | None = None


@dataclass(frozen=True)
class _Played:
    """A sound at `SCORE_RATE`, shape `(T,)`, and why it could not be played; "" if it could."""

    sound: np.ndarray
    fault: str = ""


def score(engine: Engine, items: Sequence[TestItem], predictions: np.ndarray, power: float) -> list[dict[str, Any]]:
    """Compares the sounds of predicted presets with the target sounds.

    A preset that the synth cannot play makes no sound, so it is measured as silence and the line says why under
    `fault`. Where the target itself cannot be played, or a metric is not defined, the number is None.

    Args:
        engine: The synth.
        items: The targets.
        predictions: A preset for each, shape `(N, P)`.
        power: Mean square of the parameters of all true presets; `mse_n` is relative to it.

    Returns:
        For each item `mse_n`, every metric of the registry, and `fault`.
    """
    targets = [_target(engine, item) for item in items]
    played = [_play(engine, point, item.note) for item, point in zip(items, predictions, strict=True)]
    values = _measure([found.sound for found in played], [found.sound for found in targets])
    lines = []
    for item, point, found, target, row in zip(items, predictions, played, targets, values, strict=True):
        line: dict[str, Any] = {"mse_n": _error(item, point, power)}
        if target.fault:
            # The parameters can still be compared, the sounds cannot.
            line |= dict.fromkeys(row)
            line["fault"] = f"target: {target.fault}"
        else:
            line |= row
            line["fault"] = found.fault
        lines.append(line)
    return lines


def _target(engine: Engine, item: TestItem) -> _Played:
    if item.sound is not None:
        return _Played(item.sound)
    if item.point is None:
        raise ValueError(f"item {item.key}: neither a preset nor a sound")
    return _play(engine, item.point, item.note)


def _play(engine: Engine, point: np.ndarray, note: Note) -> _Played:
    try:
        return _Played(engine.render(point, note, SCORE_RATE))
    except RenderError as error:
        silence = np.zeros(note.samples(SCORE_RATE), np.float32)
        return _Played(silence, " ".join(str(error).split()))


def _error(item: TestItem, prediction: np.ndarray, power: float) -> float | None:
    """Mean square error of the parameters, relative to their mean square; their number is the same for all items."""
    if item.point is None or power <= 0:
        return None
    return _rounded(float(np.mean(np.square(prediction - item.point))) / power)


def _measure(estimates: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> list[dict[str, float | None]]:
    sizes = {len(sound) for sound in (*estimates, *targets)}
    if len(sizes) == 1:
        return _measure_batch(estimates, targets)
    # One by one where lengths differ: to pad a sound to the longest would change its numbers.
    rows = []
    for estimate, target in zip(estimates, targets, strict=True):
        rows += _measure_batch([estimate], [target])
    return rows


def _measure_batch(estimates: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> list[dict[str, float | None]]:
    estimate = _batch(estimates)
    target = _batch(targets)
    columns = {name: metrics[name](estimate, target, SCORE_RATE).tolist() for name in metrics}
    rows = []
    for place in range(len(estimate)):
        row = {name: _rounded(values[place]) for name, values in columns.items()}
        rows.append(row)
    return rows


def _batch(sounds: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(sounds).astype(np.float32))


def _rounded(value: float) -> float | None:
    """Seven digits are more than float32 has; None where a metric is not defined."""
    return float(f"{value:.7g}") if math.isfinite(value) else None


_JOB = 8  # items that are played and measured at once


def score_predictions(
    lines: Lines,
    items: Sequence[TestItem],
    predictions: Predictions,
    make: Callable[[], Engine],
    *,
    workers: int | None = None,
    progress: ProgressCallback = ignore,
) -> None:
    """Adds a line for every item that has none yet.

    Args:
        lines: The result file; its head has the `power` of the parameters.
        items: The targets.
        predictions: A preset for each.
        make: Makes the synth.
        workers: Threads; all cores if not given.
        progress: Gets called after every few items.

    Raises:
        StorageError: If the file cannot be written.
    """
    done = lines.done
    left = [place for place, item in enumerate(items) if item.key not in done]
    jobs = [left[i : i + _JOB] for i in range(0, len(left), _JOB)]

    def work(engine: Engine, job: list[int]) -> list[dict[str, Any]]:
        targets = [items[place] for place in job]
        return score(engine, targets, predictions.points[job], lines.head["power"])

    with one_torch_thread(), Renderer(make, workers) as renderer:
        for job, values in zip(jobs, renderer.map(work, jobs), strict=True):
            measured = []
            for place, numbers in zip(job, values, strict=True):
                measured.append(_about(items[place], predictions, place) | numbers)
            lines.append(measured)
            progress(Progress("measure", len(lines.items), len(items), "sounds", str(lines.path)))


def _about(item: TestItem, predictions: Predictions, place: int) -> dict[str, Any]:
    """What the item is and which preset was played: its parameters, or where in the examples it stands."""
    line: dict[str, Any] = {"item": item.key, "family": item.family, "category": item.category}
    line["note"] = [item.note.pitch, item.note.velocity, round(item.note.hold, 4)]
    if predictions.source is None:
        return line | {"predicted": predictions.points[place].tolist()}
    return line | {"source": int(predictions.source[place])}
