"""Sound families: near-duplicates belong together, and no fold or split divides them."""

import numpy as np
import torch

from ..progress import Progress, ProgressCallback, ignore

__all__ = ["PARTS", "deal", "join_families", "near_duplicates", "split_families"]

_BLOCK = 1024  # sounds that are compared with all others at once
_ROUNDING_DB = 1e-3  # more than float32 loses in the sums


def near_duplicates(mels: np.ndarray, radius_db: float = 1.0, progress: ProgressCallback = ignore) -> np.ndarray:
    """Finds all pairs of sounds whose log-mel L1 distance is at most `radius_db`.

    Exact: summed over the tiles of a partition, absolute differences only shrink (triangle inequality), so
    pairs are first found on a few sums and then checked on the full spectrograms.

    Args:
        mels: Log-mel spectrograms in dB, shape `(S, F, N)`, any dtype.
        radius_db: Largest distance of a pair, in dB.
        progress: Called with the number of sounds that were compared with all others.

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
    # Families are the nodes of a graph and pairs its edges; its connected components are the new families.
    names, member = np.unique(family, return_inverse=True)
    links = member[pairs]
    # Imported here: a match loads banks, and no families.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(names), len(names)))
    _, component = connected_components(graph, directed=False)
    return component[member]


def split_families(family: np.ndarray, seed: int = 0, *, valid: float = 0.03, test: float = 0.05) -> np.ndarray:
    """Deals whole families to training, validation and test.

    Args:
        family: Family numbers, shape `(S,)`.
        seed: Seed of the deal.
        valid: Share of the families for validation.
        test: Share of the families for test.

    Returns:
        `"train"`, `"valid"` or `"test"`, shape `(S,)`.
    """
    # By number, so a pair that another machine's rounding joins or parts moves all families after it to other splits.
    # Banks whose split must hold everywhere name their presets instead, see `benchmarks/split.csv`.
    names, member = np.unique(family, return_inverse=True)
    draw = np.random.default_rng(seed).random(len(names))[member]
    valid_or_train = np.where(draw < test + valid, "valid", "train")
    return np.where(draw < test, "test", valid_or_train)


def _tile_sums(mels: np.ndarray) -> np.ndarray:
    """Sums over at most 10 by 12 tiles, as a share of the points of a spectrogram, shape `(S, tiles)`."""
    count, bands, frames = mels.shape
    rows = np.unique(np.arange(10) * bands // 10)  # first band of each tile; fewer than 10 if there are fewer bands
    columns = np.unique(np.arange(12) * frames // 12)
    sums = np.empty((count, len(rows), len(columns)), np.float32)
    for i in range(0, count, _BLOCK):
        block = mels[i : i + _BLOCK].astype(np.float32)
        strips = np.add.reduceat(block, rows, axis=1)
        sums[i : i + _BLOCK] = np.add.reduceat(strips, columns, axis=2)
    return sums.reshape(count, len(rows) * len(columns)) / np.float32(bands * frames)


PARTS = ("train", "valid", "test")
"""Names of the parts, in the order of their numbers."""

_LARGE = 0.25  # share of a fold
_FEW = 100  # items that are not too many for any fold


def deal(family: np.ndarray, folds: int, valid: float, seed: int) -> np.ndarray:
    """Returns the part of every item in every fold; a family is never divided.

    Large families are dealt first, each to the fold that has fewest items so far, so that folds are of about
    equal size. Validation takes families in random order, as long as they fit into its share.

    A family of more than 100 items and more than a quarter of a fold is for training in every fold, never for test.
    It is a chain of sounds, each near the next, whose ends have nothing in common. In one fold it would be most of
    the test set, and that fold's training would have no sounds like these.

    Args:
        family: Family numbers, shape `(N,)`.
        folds: Number of folds, K.
        valid: Share of what is not the test set that is for validation.
        seed: Seed of all random draws.

    Returns:
        Indices of `PARTS`, uint8, shape `(N, K)`.

    Example:
        >>> deal(np.array([0, 0, 1, 2, 3]), folds=2, valid=0.0, seed=0).tolist()
        [[2, 0], [2, 0], [0, 2], [0, 2], [2, 0]]
    """
    names, member, size = np.unique(family, return_inverse=True, return_counts=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    full = np.zeros(folds, int)
    fold = np.full(len(names), -1)
    chain = size > max(_FEW, _LARGE * len(family) / folds)
    for name in shuffled[np.argsort(-size[shuffled], kind="stable")]:
        if not chain[name]:
            fold[name] = full.argmin()
            full[fold[name]] += size[name]
    parts = np.zeros((len(names), folds), np.uint8)
    for k in range(folds):
        parts[fold == k, k] = PARTS.index("test")
        candidates = np.flatnonzero((fold != k) & ~chain)
        wanted = valid * size[fold != k].sum()
        parts[_random_families(size, candidates, wanted, (seed, k)), k] = PARTS.index("valid")
    return parts[member]


def _random_families(size: np.ndarray, names: np.ndarray, wanted: float, seed: tuple[int, int]) -> np.ndarray:
    """Families of about `wanted` items together, taken in random order as long as they fit."""
    chosen: list[int] = []
    for name in np.random.default_rng(seed).permutation(names):
        if size[name] <= wanted:
            chosen.append(name)
            wanted -= int(size[name])
    return np.array(chosen, int)
