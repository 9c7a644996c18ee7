"""Predictions without a search: presets of a model or of a baseline, then played and measured against the targets."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..data.examples import Examples
from ..engines import Engine, Note, Renderer, one_torch_thread
from ..errors import RenderError
from ..features.inputs import inputs
from ..metrics import metrics
from ..models import Model
from ..presets import Choice, ParamSpace
from ..progress import Progress, ProgressCallback, ignore
from .results import Lines

__all__ = [
    "BASELINES",
    "SCORE_RATE",
    "Baseline",
    "Known",
    "Predictions",
    "TestItem",
    "capacity",
    "mean_preset",
    "predict",
    "prediction_ms",
    "score",
    "score_predictions",
]

_BATCH = 64
_BLOCK = 1024
_DIGITS = 6  # of a predicted parameter: the file says exactly what was played

SCORE_RATE = 44_100
"""Sample rate of the comparison, in Hz."""


@dataclass(frozen=True)
class Predictions:
    """Presets for some sounds.

    Args:
        points: Encoded presets, shape `(N, P)`.
        source: The rows of the examples that they were taken from, shape `(N,)`; None if they are new.
    """

    points: np.ndarray
    source: np.ndarray | None = None


@dataclass(frozen=True)
class Known:
    """What a baseline may use.

    Args:
        examples: Presets and sounds.
        space: The parameters.
        rows: Rows of the training part.
        seed: Seed of the random presets.
    """

    examples: Examples
    space: ParamSpace
    rows: np.ndarray
    seed: int = 0


Baseline = Callable[[Known, np.ndarray], Predictions]
"""Predicts presets from the training part and the sounds, shape `(N, F, n)`."""


@torch.no_grad()
def predict(model: Model, mels: np.ndarray, notes: np.ndarray, device: str = "cpu") -> Predictions:
    """Returns a model's best presets: those of the middle of its base noise, z = 0.

    Args:
        model: Any, on the device.
        mels: The sounds as model input, shape `(N, F, n)`.
        notes: Pitch, velocity and hold of each, shape `(N, 3)`.
        device: `"cpu"` or `"cuda"`.
    """
    found = []
    for first in range(0, len(mels), _BATCH):
        mel = _tensor(mels[first : first + _BATCH]).to(device)
        note = _tensor(notes[first : first + _BATCH]).to(device)
        z = torch.zeros(len(mel), model.noise, device=device)
        found.append(model.decode(z, model.encode(mel, note)).double().cpu().numpy())
    return Predictions(np.round(model.space.snap(np.concatenate(found)), _DIGITS))


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def mean_preset(space: ParamSpace, points: np.ndarray) -> np.ndarray:
    """Returns the mean of presets, shape `(P,)`; for a choice, whose values have no order, the most common value.

    Args:
        space: The parameters.
        points: Encoded presets, shape `(N, P)`.

    Example:
        >>> from patchflow.engines import engines
        >>> space = engines["tone"].space
        >>> mean_preset(space, np.array([[0.25, 0.2, 0.4], [0.75, 0.4, 0.6], [0.75, 0.6, 0.8]]))
        array([0.75, 0.4 , 0.6 ])
    """
    snapped = space.snap(points)
    mean = space.snap(points.mean(0, dtype=float))
    for column, parameter in enumerate(space.parameters):
        if isinstance(parameter, Choice):
            values, counts = np.unique(snapped[:, column], return_counts=True)
            mean[column] = values[counts.argmax()]
    return np.round(mean, _DIGITS)


def _mean(known: Known, mels: np.ndarray) -> Predictions:
    mean = mean_preset(known.space, known.examples.points[known.rows])
    return Predictions(np.tile(mean, (len(mels), 1)))


def _random(known: Known, mels: np.ndarray) -> Predictions:
    return _of(known, np.random.default_rng(known.seed).choice(known.rows, len(mels)))


def _nearest(known: Known, mels: np.ndarray) -> Predictions:
    """The training presets whose model input differs least: L1 of the spectrograms."""
    wanted = torch.from_numpy(np.asarray(mels, np.float32)).flatten(1)
    least = torch.full((len(wanted),), torch.inf)
    best = np.zeros(len(wanted), int)
    # In blocks: the spectrograms of a whole training part do not fit into memory as float32.
    for first in range(0, len(known.rows), _BLOCK):
        block = known.rows[first : first + _BLOCK]
        candidates = torch.from_numpy(np.asarray(known.examples.mels[block], np.float32)).flatten(1)
        distance, place = torch.cdist(wanted, candidates, p=1).min(1)
        nearer = (distance < least).numpy()
        best[nearer] = block[place.numpy()[nearer]]
        least = torch.minimum(least, distance)
    return _of(known, best)


def _of(known: Known, rows: np.ndarray) -> Predictions:
    return Predictions(np.asarray(known.examples.points[rows], float), rows)


BASELINES: Mapping[str, Baseline] = {"mean": _mean, "random": _random, "nearest": _nearest}
"""What tables compare models with, beside the oracle: each uses the training part alone."""


_WARM_UP = 3
_RUNS = 15


def capacity(model: Model) -> int:
    """Returns the number of weights that training may change."""
    return sum(weight.numel() for weight in model.parameters())


@torch.no_grad()
def prediction_ms(model: Model, device: str = "cpu") -> float:
    """Returns how long one prediction takes, from the samples of one sound to a preset, in milliseconds.

    The median of several, after a few that are not counted; the render is not included.

    Args:
        model: Any, on the device.
        device: `"cpu"` or `"cuda"`.
    """
    model_input = inputs[model.input]
    samples = round(model_input.length * model_input.rate)
    sound = 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(0))
    note = torch.tensor([[60.0, 100.0, 3.0]], device=device)
    z = torch.zeros(1, model.noise, device=device)
    times = []
    for _ in range(_WARM_UP + _RUNS):
        start = time.perf_counter()
        mel = model_input.of(sound, model_input.rate).to(device)
        model.decode(z, model.encode(mel, note)).cpu()  # the copy to the CPU waits until a GPU is done
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times[_WARM_UP:]), 3)


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
