"""How well attributes are told apart: along one dimension of a latent, or by a linear classifier of inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata
from torch import Tensor

from ..data.examples import Examples
from ..models import AutoEncoder, Macros, Model

__all__ = [
    "FEWEST",
    "Axis",
    "area_under_curve",
    "balanced_accuracy",
    "best_axis",
    "classify",
    "d_prime",
    "latent_separation",
    "tag_accuracy",
    "tagged",
]


@dataclass(frozen=True)
class Axis:
    """How far apart two groups lie along one dimension.

    Args:
        dimension: Which.
        auc: Chance that one of the second group lies above one of the first: 0.5 if they cannot be told apart.
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
    above, below = values[positive], values[~positive]
    spread = np.sqrt((above.var() + below.var()) / 2)
    return float((above.mean() - below.mean()) / spread) if spread > 0 else 0.0


def best_axis(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], dimension: int | None = None
) -> Axis:
    """Returns how well a dimension separates test items; the one that does best on training items if none is given.

    Args:
        train: Positions `(N, Z)`, and which belong to the second group `(N,)`.
        test: The same of other items, on which it is measured.
        dimension: Which to measure; turned so that the training items of the second group lie above.
    """
    positions, positive = train
    areas = np.array([area_under_curve(column, positive) for column in positions.T])
    chosen = int(np.argmax(np.abs(areas - 0.5))) if dimension is None else dimension
    values = test[0][:, chosen] * (1.0 if areas[chosen] >= 0.5 else -1.0)
    return Axis(chosen, area_under_curve(values, test[1]), d_prime(values, test[1]))


def classify(train: tuple[np.ndarray, np.ndarray], features: np.ndarray, penalty: float = 1.0) -> np.ndarray:
    """Fits a logistic regression in which both groups weigh the same, and returns what it takes other items for.

    Features are standardised by the training items.

    Args:
        train: Features `(N, D)`, and which belong to the second group `(N,)`.
        features: Of the items to tell apart, shape `(K, D)`.
        penalty: Weight of the squared coefficients, at least 0.

    Returns:
        Which belong to the second group, bool, shape `(K,)`.
    """
    x, positive = train
    mean, spread = x.mean(0), np.where(x.std(0) > 0, x.std(0), 1.0)
    known, sign = (x - mean) / spread, np.where(positive, 1.0, -1.0)
    share = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (known @ w[1:] + w[0])
        pull = -share * sign * expit(-margin)
        gradient = np.append(pull.sum(), known.T @ pull + penalty / len(known) * w[1:])
        return float(share @ np.logaddexp(0, -margin) + penalty / len(known) / 2 * w[1:] @ w[1:]), gradient

    w = minimize(loss, np.zeros(1 + x.shape[1]), jac=True, method="L-BFGS-B").x
    return (features - mean) / spread @ w[1:] + w[0] > 0


def balanced_accuracy(found: np.ndarray, positive: np.ndarray) -> float:
    """Returns the mean of the shares of both groups that were recognised; 0.5 is chance.

    Args:
        found: Which were taken for the second group, bool, shape `(N,)`.
        positive: Which belong to it, bool, shape `(N,)`.

    Example:
        >>> balanced_accuracy(np.array([True, True, True, False]), np.array([True, False, False, False]))
        0.6666666666666666
    """
    return float((found[positive].mean() + (~found[~positive]).mean()) / 2)


FEWEST = 8
"""A pair of words is left out if one of them has fewer families than so many in the training or the test part."""


def tag_accuracy(examples: Examples) -> dict[str, Any]:
    """Fits a linear classifier for each pair of opposite words and measures it on other families of presets.

    Heard are the mean and the standard deviation of each band of the spectrogram over time.

    Args:
        examples: Sounds, presets and tags; the fold is theirs.

    Returns:
        For each pair the balanced accuracy from the sound and from the parameters, where chance is 0.5, and how many
        families there were; or why it was left out.
    """
    pairs = []
    for column, words in enumerate(examples.pairs):
        parts = {part: tagged(examples, column, part) for part in ("train", "test")}
        counts = {part: [int((~positive).sum()), int(positive.sum())] for part, (_, positive) in parts.items()}
        entry: dict[str, Any] = {"words": list(words), "counts": counts}
        if min(min(count) for count in counts.values()) >= FEWEST:
            for name, features in (("sound", _heard), ("parameters", _set)):
                known, unknown = ((features(examples, rows), positive) for rows, positive in parts.values())
                entry[name] = round(balanced_accuracy(classify(known, unknown[0]), unknown[1]), 4)
        pairs.append(entry)
    return {"format": "patchflow tags 1", "synth": examples.synth, "fold": examples.fold, "chance": 0.5, "pairs": pairs}


def tagged(examples: Examples, pair: int, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows of a part that have one of two words, and which of them have the second, both `(N,)`.

    Sounds of a family are alike, so each word gets one of a family; one of thousands would else be all that counts.

    Args:
        examples: Where they are.
        pair: Number of the pair of words.
        part: `"train"` or `"test"`.
    """
    rows = examples.rows(part)
    rows = rows[np.asarray(examples.tags[rows, pair]) != 0]
    tags = np.asarray(examples.tags[rows, pair])
    _, first = np.unique(np.stack([examples.family[rows], tags], 1), axis=0, return_index=True)
    kept = np.sort(first)
    return rows[kept], tags[kept] > 0


def _heard(examples: Examples, rows: np.ndarray) -> np.ndarray:
    mels = np.asarray(examples.mels[rows], np.float32)
    return np.concatenate([mels.mean(2), mels.std(2)], 1).astype(float)


def _set(examples: Examples, rows: np.ndarray) -> np.ndarray:
    return np.asarray(examples.points[rows], float)


_BATCH = 64
_MOST = 4_000  # training sounds that tell which dimension separates best

Tagged = tuple[np.ndarray, np.ndarray]
"""Rows of the examples, and which of them have the second word of a pair."""


@torch.no_grad()
def latent_separation(model: Model, examples: Examples, device: str = "cpu") -> list[dict[str, Any]]:
    """Measures how well single dimensions tell opposite words apart, on sounds of the test part.

    In the latent space it is the dimension that does best on training sounds; among a model's macro-controls the one
    that stands for the pair.

    Args:
        model: On the device; one that is no auto-encoder has no latent space.
        examples: Sounds with tags, of the fold the model was trained on.
        device: `"cpu"` or `"cuda"`.

    Returns:
        For each pair with enough sounds, and each space, the dimension, the area under the curve (0.5 is chance) and
        the distance of the means in standard deviations.
    """
    if not isinstance(model, AutoEncoder):
        return []
    found = []
    for pair, words in enumerate(examples.pairs):
        known, unknown = (tagged(examples, pair, part) for part in ("train", "test"))
        if min(min(positive.sum(), (~positive).sum()) for _, positive in (known, unknown)) < FEWEST:
            continue
        chosen = np.random.default_rng(0).permutation(len(known[0]))[:_MOST]
        parts: list[Tagged] = [(known[0][chosen], known[1][chosen]), unknown]
        for space, (way, dimension) in _spaces(model, pair).items():
            train, test = ((_positions(examples, rows, way, device), positive) for rows, positive in parts)
            axis = best_axis(train, test, dimension)
            numbers = {"auc": round(axis.auc, 4), "d_prime": round(axis.d_prime, 4)}
            found.append({"words": list(words), "space": space, "dimension": axis.dimension, **numbers})
    return found


def _spaces(model: AutoEncoder, pair: int) -> dict[str, tuple[Callable[[Tensor, Tensor], Tensor], int | None]]:
    """For each space the way from sounds and notes there, and the dimension to look at, if it is given."""
    spaces: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], int | None]] = {"latent": (model.latent, None)}
    if isinstance(model, Macros) and model.pairs:
        spaces["disentangled"] = (lambda mel, note: model.macro(model.latent(mel, note)), pair)
    return spaces


def _positions(
    examples: Examples, rows: np.ndarray, way: Callable[[Tensor, Tensor], Tensor], device: str
) -> np.ndarray:
    """Shape (N, Z)."""
    places = []
    for first in range(0, len(rows), _BATCH):
        mels, _, notes, _ = examples.take(rows[first : first + _BATCH])
        mel, note = (torch.from_numpy(np.asarray(x, np.float32)).to(device) for x in (mels, notes))
        places.append(way(mel, note).double().cpu().numpy())
    return np.concatenate(places)
