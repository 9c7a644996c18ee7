"""Sound families: presets that are near-duplicates, by their bytes or by ear, belong together."""

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ..progress import Progress, ProgressCallback, ignore

__all__ = ["join_families", "near_duplicates", "split_families"]

_BLOCK = 1024
_ROUNDING_DB = 1e-3


def near_duplicates(mels: np.ndarray, radius_db: float = 1.0, progress: ProgressCallback = ignore) -> np.ndarray:
    """Finds all pairs of sounds whose log-mel L1 distance is at most `radius_db`.

    Exact: summed over the tiles of a partition, absolute differences only shrink (triangle inequality), so
    pairs are first found on a few sums and then checked on the full spectrograms.

    Args:
        mels: Log-mel spectrograms in dB, shape `(S, F, N)`, any dtype.
        radius_db: Largest distance of a pair, in dB.
        progress: Told how many sounds were compared with all.

    Returns:
        Pairs `(i, j)` with `i < j`, shape `(pairs, 2)`.
    """
    sums = torch.from_numpy(_tile_sums(mels))
    found = [np.empty((0, 2), int)]
    for start in range(0, len(sums), _BLOCK):
        least = torch.cdist(sums[start : start + _BLOCK], sums[start:], p=1)
        i, j = torch.nonzero(least <= radius_db + _ROUNDING_DB, as_tuple=True)
        near = np.stack([i.numpy(), j.numpy()], 1)[(i < j).numpy()] + start
        for part in range(0, len(near), 4 * _BLOCK):
            a, b = near[part : part + 4 * _BLOCK].T
            gap = np.abs(mels[a].astype(np.float32) - mels[b].astype(np.float32)).mean((1, 2))
            found.append(near[part : part + 4 * _BLOCK][gap <= radius_db])
        progress(Progress("relate", min(len(sums), start + _BLOCK), len(sums), "sounds"))
    return np.concatenate(found)


def join_families(family: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Returns families joined wherever a pair links them (single linkage).

    Args:
        family: Family numbers known so far, shape `(S,)`.
        pairs: Related sounds, shape `(pairs, 2)`.

    Returns:
        New family numbers from 0, shape `(S,)`.
    """
    names, first = np.unique(family, return_inverse=True)
    links = first[pairs]
    graph = coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(names), len(names)))
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


def _tile_sums(mels: np.ndarray) -> np.ndarray:
    """Sums over at most 10 by 12 tiles, as a share of the points of a spectrogram, shape `(S, tiles)`."""
    count, bands, frames = mels.shape
    rows, columns = (np.unique(np.arange(tiles) * size // tiles) for tiles, size in ((10, bands), (12, frames)))
    sums = np.empty((count, len(rows), len(columns)), np.float32)
    for i in range(0, count, _BLOCK):
        block = mels[i : i + _BLOCK].astype(np.float32)
        sums[i : i + _BLOCK] = np.add.reduceat(np.add.reduceat(block, rows, axis=1), columns, axis=2)
    return sums.reshape(count, len(rows) * len(columns)) / np.float32(bands * frames)
