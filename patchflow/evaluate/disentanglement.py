"""What a latent knows of the attributes: how well they separate in it, and whether macro-controls turn them alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata
from torch import Tensor

from ..data.examples import MEASURED_ATTRIBUTES, Examples, measure_attributes
from ..engines import Engine, Note, Renderer, engines
from ..engines._renderer import INAUDIBLE, one_torch_thread
from ..errors import RenderError
from ..features.inputs import inputs
from ..models import AutoEncoder, Macros, Model
from .testset import TestSet, held_out

__all__ = [
    "FEWEST",
    "Axis",
    "area_under_curve",
    "balanced_accuracy",
    "best_axis",
    "classify",
    "d_prime",
    "latent_separation",
    "measure_traversal",
    "tag_accuracy",
    "tagged",
]


@dataclass(frozen=True)
class Axis:
    """How far apart two groups lie along one dimension.

    Args:
        dimension: Its index.
        auc: Chance that an item of the second group lies above one of the first: 0.5 if they do not separate.
        d_prime: Distance of the means in standard deviations.
    """

    dimension: int
    auc: float
    d_prime: float


def area_under_curve(values: np.ndarray, positive: np.ndarray) -> float:
    """Returns the chance that a positive value is larger than a negative one, ties counting half.

    References:
        Hanley & McNeil, The meaning and use of the area under a receiver operating characteristic curve (1982)
        https://doi.org/10.1148/radiology.143.1.7063747

    Args:
        values: Shape `(N,)`.
        positive: Which belong to the second group, bool, shape `(N,)`; both groups must have members.

    Example:
        >>> area_under_curve(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True]))
        1.0
    """
    # The statistic of the Mann-Whitney test: the rank sum of the second group, less its smallest possible value.
    count = int(positive.sum())
    ranks = rankdata(values)[positive].sum()
    return float((ranks - count * (count + 1) / 2) / (count * (len(values) - count)))


def d_prime(values: np.ndarray, positive: np.ndarray) -> float:
    """Returns the distance of two groups' means in units of their mean standard deviation; 0 without any spread.

    References:
        Green & Swets, Signal detection theory and psychophysics (1966)

    Args:
        values: Shape `(N,)`.
        positive: Which belong to the second group, bool, shape `(N,)`.
    """
    above = values[positive]
    below = values[~positive]
    spread = np.sqrt((above.var() + below.var()) / 2)
    return float((above.mean() - below.mean()) / spread) if spread > 0 else 0.0


def best_axis(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], dimension: int | None = None
) -> Axis:
    """Returns how well a dimension separates test items; the best one on the training items if none is given.

    Args:
        train: Positions `(N, Z)`, and which belong to the second group `(N,)`.
        test: The same of other items, on which it is measured.
        dimension: Index of the dimension; its sign is such that the training items of the second group lie above.
    """
    # Dimension and sign are chosen on the training items: chosen on the test items, noise would separate them too.
    positions, positive = train
    areas = np.array([area_under_curve(column, positive) for column in positions.T])
    chosen = int(np.argmax(np.abs(areas - 0.5))) if dimension is None else dimension
    values = test[0][:, chosen] * (1.0 if areas[chosen] >= 0.5 else -1.0)
    return Axis(chosen, area_under_curve(values, test[1]), d_prime(values, test[1]))


def classify(train: tuple[np.ndarray, np.ndarray], features: np.ndarray, penalty: float = 1.0) -> np.ndarray:
    """Fits a logistic regression in which both groups weigh the same, and classifies other items by it.

    Features are standardised by the training items.

    Args:
        train: Features `(N, D)`, and which belong to the second group `(N,)`.
        features: Features of the items to classify, shape `(K, D)`.
        penalty: Weight of the squared coefficients, at least 0.

    Returns:
        Which are classified as of the second group, bool, shape `(K,)`.
    """
    x, positive = train
    mean = x.mean(0)
    spread = np.where(x.std(0) > 0, x.std(0), 1.0)
    known = (x - mean) / spread
    sign = np.where(positive, 1.0, -1.0)
    share = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())

    # w[0] is the offset, which is not penalised. The loss of an item is log(1 + exp(-margin)), and the derivative of
    # that by the margin is -expit(-margin).
    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (known @ w[1:] + w[0])
        pull = -share * sign * expit(-margin)
        gradient = np.append(pull.sum(), known.T @ pull + penalty / len(known) * w[1:])
        value = share @ np.logaddexp(0, -margin) + penalty / len(known) / 2 * w[1:] @ w[1:]
        return float(value), gradient

    w = minimize(loss, np.zeros(1 + x.shape[1]), jac=True, method="L-BFGS-B").x
    return (features - mean) / spread @ w[1:] + w[0] > 0


def balanced_accuracy(found: np.ndarray, positive: np.ndarray) -> float:
    """Returns the mean of the shares of both groups that were classified correctly; 0.5 is chance.

    Args:
        found: Which were classified as of the second group, bool, shape `(N,)`.
        positive: Which belong to it, bool, shape `(N,)`.

    Example:
        >>> balanced_accuracy(np.array([True, True, True, False]), np.array([True, False, False, False]))
        0.6666666666666666
    """
    return float((found[positive].mean() + (~found[~positive]).mean()) / 2)


FEWEST = 8
"""An attribute is left out if one of its ends has fewer families than this in the training or the test part."""


def tag_accuracy(examples: Examples) -> dict[str, Any]:
    """Fits a linear classifier for each attribute and measures it on other families of presets.

    The features of a sound are the mean and the standard deviation of each band of the spectrogram over time.

    Args:
        examples: Sounds, presets and tags, with their fold.

    Returns:
        For each attribute the balanced accuracy from the sound and from the parameters, where chance is 0.5, and how
        many families there were; accuracies are missing where these were too few.
    """
    attributes = []
    for attribute, ends in enumerate(examples.attributes):
        train, train_positive = tagged(examples, attribute, "train")
        test, test_positive = tagged(examples, attribute, "test")
        counts = {"train": _counts(train_positive), "test": _counts(test_positive)}
        entry: dict[str, Any] = {"words": list(ends), "counts": counts}
        if min(*counts["train"], *counts["test"]) >= FEWEST:
            for name, features in (("sound", _sound_features), ("parameters", _parameters)):
                known = (features(examples, train), train_positive)
                found = classify(known, features(examples, test))
                entry[name] = round(balanced_accuracy(found, test_positive), 4)
        attributes.append(entry)
    return {
        "format": "patchflow tags 1",
        "synth": examples.synth,
        "fold": examples.fold,
        "chance": 0.5,
        "attributes": attributes,
    }


def tagged(examples: Examples, attribute: int, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the tagged rows of a part for one attribute, and which of them have its second end, both `(N,)`.

    Sounds of a family are alike: an end gets one sound of a family, or a family of thousands would decide everything.

    Args:
        examples: The examples.
        attribute: Index of the attribute.
        part: `"train"` or `"test"`.
    """
    rows = examples.rows(part)
    rows = rows[np.asarray(examples.tags[rows, attribute]) != 0]
    tags = np.asarray(examples.tags[rows, attribute])
    _, first = np.unique(np.stack([examples.family[rows], tags], 1), axis=0, return_index=True)
    kept = np.sort(first)
    return rows[kept], tags[kept] > 0


def _counts(positive: np.ndarray) -> list[int]:
    return [int((~positive).sum()), int(positive.sum())]


def _sound_features(examples: Examples, rows: np.ndarray) -> np.ndarray:
    mels = np.asarray(examples.mels[rows], np.float32)
    return np.concatenate([mels.mean(2), mels.std(2)], 1).astype(float)


def _parameters(examples: Examples, rows: np.ndarray) -> np.ndarray:
    return np.asarray(examples.points[rows], float)


_BATCH = 64
_MOST = 4_000  # training sounds by which the best dimension is chosen

Tagged = tuple[np.ndarray, np.ndarray]
"""Rows of the examples, and which of them have the second end of an attribute."""

_Encode = Callable[[Tensor, Tensor], Tensor]


@torch.no_grad()
def latent_separation(model: Model, examples: Examples, device: str = "cpu") -> list[dict[str, Any]]:
    """Measures how well single dimensions separate the two ends of each attribute, on sounds of the test part.

    In the latent space it is the dimension that separates training sounds best; among a model's macro-controls the one
    that stands for the attribute.

    Args:
        model: On the device; one that is no auto-encoder has no latent space.
        examples: Sounds with tags, of the fold the model was trained on.
        device: `"cpu"` or `"cuda"`.

    Returns:
        For each attribute with enough sounds, and each space, the dimension, the area under the curve (0.5 is chance)
        and the distance of the means in standard deviations.
    """
    if not isinstance(model, AutoEncoder):
        return []
    found = []
    for attribute, ends in enumerate(examples.attributes):
        known = tagged(examples, attribute, "train")
        unknown = tagged(examples, attribute, "test")
        if min(*_counts(known[1]), *_counts(unknown[1])) < FEWEST:
            continue
        chosen = np.random.default_rng(0).permutation(len(known[0]))[:_MOST]
        training: Tagged = (known[0][chosen], known[1][chosen])
        for space, (encode, dimension) in _spaces(model, attribute).items():
            train = (_positions(examples, training[0], encode, device), training[1])
            test = (_positions(examples, unknown[0], encode, device), unknown[1])
            axis = best_axis(train, test, dimension)
            numbers = {"auc": round(axis.auc, 4), "d_prime": round(axis.d_prime, 4)}
            found.append({"words": list(ends), "space": space, "dimension": axis.dimension, **numbers})
    return found


_MOST_PLAYED = 60  # test sounds, one a family where there are enough; each is played twice for every attribute
_ENDS = (-1.0, 1.0)  # values of a macro-control for the first and the second end of an attribute
_LEAST = 0.01  # smallest difference that counts, in standard deviations over everything that was played


@torch.no_grad()
def measure_traversal(
    model: Model, examples: Examples, device: str = "cpu", workers: int | None = None
) -> list[dict[str, Any]]:
    """Sets each macro-control of test sounds' latents to both ends of its attribute, and compares the sounds.

    They are compared by what the attribute is measured by, so attributes that were inferred from names are left out. A
    preset that cannot be played or is silent counts as no difference, and so do two sounds whose measures are within a
    hundredth of their standard deviation.

    Args:
        model: On the device; the result is empty for one without macro-controls.
        examples: Test sounds and attributes.
        device: `"cpu"` or `"cuda"`.
        workers: Threads that render; all cores if not given.

    Returns:
        For each attribute its `words`, low and high end; the number of `sounds`; `heard`, the share of sounds that have
        more of the high end at the high end than at the low one, those without a difference counting half, so that 0.5
        is chance; and `others`, how far the same number of the other attributes is from 0.5, on average: for a
        macro-control that does not change them it is 0, up to chance.
    """
    if not (isinstance(model, AutoEncoder) and isinstance(model, Macros)):
        return []
    measured = {(known.low, known.high): column for column, known in enumerate(MEASURED_ATTRIBUTES)}
    columns: dict[int, int] = {}  # of a macro-control: where the measure of its attribute stands
    for attribute, ends in enumerate(examples.attributes[: model.attributes]):
        if ends in measured:
            columns[attribute] = measured[ends]
    if not columns:
        return []
    sounds = held_out(examples, _MOST_PLAYED)
    mel = torch.from_numpy(np.asarray(sounds.mels, np.float32)).to(device)
    note = torch.from_numpy(np.asarray(sounds.notes, np.float32)).to(device)
    context = model.encode(mel, note)
    latent = model.draw(context, torch.zeros(len(mel), model.latent_size, device=device))
    macro = model.macro(latent)
    points = []
    for attribute in columns:
        for end in _ENDS:
            moved = macro.clone()
            moved[:, attribute] = end
            points.append(model.presets(model.from_macro(moved), context).double().cpu().numpy())
    values = _played(examples, sounds, points, workers)
    shares = _share_with_more(values)[:, list(columns.values())]
    found = []
    for own, attribute in enumerate(columns):
        found.append(_entry(examples.attributes[attribute], len(mel), own, shares[own]))
    return found


def _spaces(model: AutoEncoder, attribute: int) -> dict[str, tuple[_Encode, int | None]]:
    """For each space how sounds and notes are encoded there, and the dimension to measure, if it is given."""
    spaces: dict[str, tuple[_Encode, int | None]] = {"latent": (model.latent, None)}
    if isinstance(model, Macros) and model.attributes:

        def macro_controls(mel: Tensor, note: Tensor) -> Tensor:
            return model.macro(model.latent(mel, note))

        spaces["disentangled"] = (macro_controls, attribute)
    return spaces


def _positions(examples: Examples, rows: np.ndarray, encode: _Encode, device: str) -> np.ndarray:
    """Where sounds lie in a space, shape (N, Z)."""
    positions = []
    for first in range(0, len(rows), _BATCH):
        mels, _, notes, _ = examples.take(rows[first : first + _BATCH])
        mel = torch.from_numpy(np.asarray(mels, np.float32)).to(device)
        note = torch.from_numpy(np.asarray(notes, np.float32)).to(device)
        positions.append(encode(mel, note).double().cpu().numpy())
    return np.concatenate(positions)


def _entry(ends: Sequence[str], sounds: int, own: int, shares: np.ndarray) -> dict[str, Any]:
    """What one macro-control does, of its shares for each attribute, shape (M,): its own is one of them."""
    others = np.delete(shares, own)
    return {
        "words": list(ends),
        "sounds": sounds,
        "heard": round(float(shares[own]), 4),
        "others": round(float(np.abs(others - 0.5).mean()) if len(others) else 0.0, 4),
    }


def _share_with_more(values: np.ndarray) -> np.ndarray:
    """The share of sounds that have more of each measure at the second end, for each macro-control: (macros, M)."""
    difference = values[:, 1] - values[:, 0]
    # Rounding in the render moves a measure a little whatever is played: so small a difference has no sign. What was
    # not played is NaN, and no comparison with NaN is true, so it counts as no difference.
    least = _LEAST * np.ma.masked_invalid(values).std((0, 1, 2)).filled(0)
    return 0.5 + np.where(np.abs(difference) > least, np.sign(difference), 0.0).mean(1) / 2


def _played(examples: Examples, sounds: TestSet, points: Sequence[np.ndarray], workers: int | None) -> np.ndarray:
    """Plays presets (N, P) of each macro-control and end: their measures (macros, 2, N, M), NaN for silence."""
    rate = inputs[examples.input].rate
    make = engines[examples.synth]
    jobs = []
    for some in points:
        jobs += [(point, item.note) for point, item in zip(some, sounds.items, strict=True)]

    def work(engine: Engine, job: tuple[np.ndarray, Note]) -> np.ndarray:
        point, note = job
        silence = np.full(len(MEASURED_ATTRIBUTES), np.nan)
        if not np.isfinite(point).all():
            return silence
        try:
            sound = engine.render(make.space.snap(point), note, rate)
        except RenderError:
            return silence
        if np.abs(sound).max() < INAUDIBLE:
            return silence
        return measure_attributes(sound, note.hold, rate)

    with one_torch_thread(), Renderer(make, workers) as renderer:
        found = np.stack(list(renderer.map(work, jobs)))
    return found.reshape(-1, len(_ENDS), len(sounds.items), len(MEASURED_ATTRIBUTES))
