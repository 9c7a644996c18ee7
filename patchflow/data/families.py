"""Sound families: presets that are near-duplicates, by their bytes or by ear, belong together."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

__all__ = ["join_families", "near_duplicates", "split_families"]

_BLOCK = 1024


def near_duplicates(
    mels: np.ndarray, radius_db: float = 1.0, progress: Callable[[float], None] = lambda done: None
) -> np.ndarray:
    """Finds all pairs of sounds whose log-mel L1 distance is at most `radius_db`.

    Exact: the mean difference of pooled spectrograms never exceeds that of the full ones (Jensen), so
    pairs are first found on pooled ones and then checked on the full ones.

    Args:
        mels: Log-mel spectrograms in dB, shape `(S, F, N)`, any dtype.
        radius_db: Largest distance of a pair, in dB.
        progress: Called with the share done, 0 to 1.

    Returns:
        Pairs `(i, j)` with `i < j`, shape `(pairs, 2)`.
    """
    pooled = _pool(mels)
    found = []
    for start in range(0, len(pooled), _BLOCK):
        block = pooled[start : start + _BLOCK]
        distance = torch.cdist(block, pooled[start:], p=1) / pooled.shape[1]
        i, j = torch.nonzero(distance <= radius_db, as_tuple=True)
        later = i < j
        i, j = i[later].numpy() + start, j[later].numpy() + start
        for part in range(0, len(i), 4 * _BLOCK):
            a, b = i[part : part + 4 * _BLOCK], j[part : part + 4 * _BLOCK]
            gap = np.abs(mels[a].astype(np.float32) - mels[b].astype(np.float32)).mean((1, 2))
            found.append(np.stack([a, b], 1)[gap <= radius_db])
        progress(min(1.0, (start + _BLOCK) / len(pooled)))
    return np.concatenate(found) if found else np.empty((0, 2), int)


def join_families(family: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Returns families joined wherever a pair links them (single linkage).

    Args:
        family: Family numbers known so far, shape `(S,)`.
        pairs: Related sounds, shape `(pairs, 2)`.

    Returns:
        New family numbers from 0, shape `(S,)`.
    """
    _, first = np.unique(family, return_inverse=True)
    links = first[pairs]
    size = int(first.max()) + 1
    graph = coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(size, size))
    return connected_components(graph, directed=False)[1][first]


def split_families(family: np.ndarray, seed: int = 0, *, valid: float = 0.03, test: float = 0.05) -> np.ndarray:
    """Deals whole families to training, validation and test.

    Args:
        family: Family numbers, shape `(S,)`.
        seed: Of the deal.
        valid: Share of the families for validation.
        test: Share of the families for test.

    Returns:
        `"train"`, `"valid"` or `"test"`, shape `(S,)`.
    """
    names, member = np.unique(family, return_inverse=True)
    draw = np.random.default_rng(seed).random(len(names))[member]
    return np.where(draw < test, "test", np.where(draw < test + valid, "valid", "train"))


def _pool(mels: np.ndarray) -> torch.Tensor:
    tensors = [
        torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(mels[i : i + _BLOCK]).float(), (10, 12)).flatten(1)
        for i in range(0, len(mels), _BLOCK)
    ]
    return torch.cat(tensors)
