"""How far apart opposite words lie in a model's latent space, and along its macro-controls."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data.examples import Examples
from ..models import AutoEncoder, Macros, Model
from .semantics import FEWEST, tagged
from .separation import best_axis

__all__ = ["latent_separation"]

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
