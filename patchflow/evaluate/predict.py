"""Predicts presets without a search: a model's single best prediction, and the baselines."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ..data.examples import Examples
from ..features.inputs import inputs
from ..models import Model
from ..presets import Choice, ParamSpace

__all__ = ["BASELINES", "Baseline", "Known", "Predictions", "capacity", "mean_preset", "predict", "prediction_ms"]

_BATCH = 64
_BLOCK = 1024
_DIGITS = 6  # of a predicted parameter: the file says exactly what was played


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
