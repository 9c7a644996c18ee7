"""Presets for sounds without a search: a model's single best prediction, the baselines, and what they cost."""

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

__all__ = ["TRIVIAL", "Guesses", "Known", "Trivial", "average_preset", "capacity", "one_shot", "one_shot_ms"]

_BATCH = 64
_BLOCK = 1024
_DIGITS = 6  # of an inferred parameter; what is written is what is played


@dataclass(frozen=True)
class Guesses:
    """Presets for some sounds.

    Args:
        points: Encoded presets, shape `(N, P)`.
        source: The rows of the examples they are, shape `(N,)`; None if they are new.
    """

    points: np.ndarray
    source: np.ndarray | None = None


@dataclass(frozen=True)
class Known:
    """What a trivial way may use.

    Args:
        examples: Where presets and sounds are.
        space: The parameters.
        rows: Of the training part.
        seed: Of all chance.
    """

    examples: Examples
    space: ParamSpace
    rows: np.ndarray
    seed: int = 0


Trivial = Callable[[Known, np.ndarray], Guesses]
"""Guesses from what is known and the sounds, shape `(N, F, n)`."""


@torch.no_grad()
def one_shot(model: Model, mels: np.ndarray, notes: np.ndarray, device: str = "cpu") -> Guesses:
    """Returns the presets that a model thinks best: those of its base noise's middle, z = 0.

    Args:
        model: Any, on the device.
        mels: The sounds as it hears them, shape `(N, F, n)`.
        notes: Pitch, velocity and hold of each, shape `(N, 3)`.
        device: `"cpu"` or `"cuda"`.
    """
    found = []
    for first in range(0, len(mels), _BATCH):
        mel, note = (
            torch.from_numpy(np.ascontiguousarray(x[first : first + _BATCH], np.float32)).to(device)
            for x in (mels, notes)
        )
        z = torch.zeros(len(mel), model.noise, device=device)
        found.append(model.decode(z, model.encode(mel, note)).double().cpu().numpy())
    return Guesses(np.round(model.space.snap(np.concatenate(found)), _DIGITS))


def average_preset(space: ParamSpace, points: np.ndarray) -> np.ndarray:
    """Returns the mean of presets, shape `(P,)`; of a choice, whose values have no order, the commonest value.

    Args:
        space: The parameters.
        points: Encoded presets, shape `(N, P)`.

    Example:
        >>> from patchflow.engines import engines
        >>> space = engines["tone"].space
        >>> average_preset(space, np.array([[0.25, 0.2, 0.4], [0.75, 0.4, 0.6], [0.75, 0.6, 0.8]]))
        array([0.75, 0.4 , 0.6 ])
    """
    snapped, mean = space.snap(points), space.snap(points.mean(0, dtype=float))
    for column, parameter in enumerate(space.parameters):
        if isinstance(parameter, Choice):
            values, counts = np.unique(snapped[:, column], return_counts=True)
            mean[column] = values[counts.argmax()]
    return np.round(mean, _DIGITS)


def _mean(known: Known, mels: np.ndarray) -> Guesses:
    return Guesses(np.tile(average_preset(known.space, known.examples.points[known.rows]), (len(mels), 1)))


def _random(known: Known, mels: np.ndarray) -> Guesses:
    return _of(known, np.random.default_rng(known.seed).choice(known.rows, len(mels)))


def _nearest(known: Known, mels: np.ndarray) -> Guesses:
    """The training presets whose sounds, as the models hear them, differ least: L1 of the spectrograms."""
    wanted = torch.from_numpy(np.asarray(mels, np.float32)).flatten(1)
    least, best = torch.full((len(wanted),), torch.inf), np.zeros(len(wanted), int)
    for first in range(0, len(known.rows), _BLOCK):
        part = known.rows[first : first + _BLOCK]
        heard = torch.from_numpy(np.asarray(known.examples.mels[part], np.float32)).flatten(1)
        distance, place = torch.cdist(wanted, heard, p=1).min(1)
        nearer = (distance < least).numpy()
        best[nearer] = part[place.numpy()[nearer]]
        least = torch.minimum(least, distance)
    return _of(known, best)


def _of(known: Known, rows: np.ndarray) -> Guesses:
    return Guesses(np.asarray(known.examples.points[rows], float), rows)


TRIVIAL: Mapping[str, Trivial] = {"mean": _mean, "random": _random, "nearest": _nearest}
"""What a table compares models with, beside the oracle: each knows the training part alone."""


_WARM_UP, _RUNS = 3, 15


def capacity(model: Model) -> int:
    """Returns the number of weights that training may change."""
    return sum(weight.numel() for weight in model.parameters())


@torch.no_grad()
def one_shot_ms(model: Model, device: str = "cpu") -> float:
    """Returns how long one guess takes, from the samples of one sound to a preset, in milliseconds.

    The median of several, after a few that are not counted; the render is no part of it.

    Args:
        model: Any, on the device.
        device: `"cpu"` or `"cuda"`.
    """
    heard = inputs[model.hears]
    sound = 0.1 * torch.randn(1, round(heard.length * heard.rate), generator=torch.Generator().manual_seed(0))
    note, z = torch.tensor([[60.0, 100.0, 3.0]], device=device), torch.zeros(1, model.noise, device=device)
    times = []
    for _ in range(_WARM_UP + _RUNS):
        start = time.perf_counter()
        model.decode(z, model.encode(heard.of(sound, heard.rate).to(device), note)).cpu()
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times[_WARM_UP:]), 3)
