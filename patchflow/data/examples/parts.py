"""Deals families to folds, and keeps some of what is left for validation."""

import numpy as np

__all__ = ["PARTS", "deal"]

_OTHERS = 10  # families that a fold must have so that one may be left out of all

PARTS = ("train", "valid", "test")
"""Names of the parts, in the order of their numbers."""


def deal(family: np.ndarray, folds: int, valid: float, seed: int) -> np.ndarray:
    """Returns the part of every item in every fold; a family is never divided.

    Large families are dealt first, each to the fold that has fewest items so far, so that folds are of about
    equal size. A family that would fill half a fold is for training in every fold: a test set of it would say little
    of other sounds. That is not done where a fold would have fewer than ten others. Validation takes families in
    random order, as long as they fit into its share.

    Args:
        family: Family numbers, shape `(N,)`.
        folds: Number of folds, K.
        valid: Share of what is not the test set that is for validation.
        seed: Of all chance.

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
    alike = size > len(family) / folds / 2
    if len(names) - alike.sum() < _OTHERS * folds:
        alike[:] = False
    dealt = shuffled[~alike[shuffled]]
    for name in dealt[np.argsort(-size[dealt], kind="stable")]:
        fold[name] = full.argmin()
        full[fold[name]] += size[name]
    parts = np.zeros((len(names), folds), np.uint8)
    for k in range(folds):
        parts[fold == k, k] = PARTS.index("test")
        parts[_some(size, np.flatnonzero((fold != k) & (fold >= 0)), valid, (seed, k)), k] = PARTS.index("valid")
    return parts[member]


def _some(size: np.ndarray, names: np.ndarray, share: float, seed: tuple[int, int]) -> np.ndarray:
    """Families of about a share of the items, taken in random order as long as they fit."""
    wanted, chosen = share * size[names].sum(), []
    for name in np.random.default_rng(seed).permutation(names):
        if size[name] <= wanted:
            chosen.append(name)
            wanted -= size[name]
    return np.array(chosen, int)
