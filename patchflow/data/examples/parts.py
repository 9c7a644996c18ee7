"""Deals families to folds, and keeps some of what is left for validation."""

import numpy as np

__all__ = ["PARTS", "deal"]

PARTS = ("train", "valid", "test")
"""Names of the parts, in the order of their numbers."""

_LARGE = 0.25  # share of a fold
_FEW = 100  # items that are not too many for any fold


def deal(family: np.ndarray, folds: int, valid: float, seed: int) -> np.ndarray:
    """Returns the part of every item in every fold; a family is never divided.

    Large families are dealt first, each to the fold that has fewest items so far, so that folds are of about
    equal size. Validation takes families in random order, as long as they fit into its share.

    A family of more than 100 items and more than a quarter of a fold is learned from in every fold and tested in none.
    It is a chain of sounds, each near the next, whose ends have nothing in common. In one fold it would be most of
    the test set, and that fold's training would know nothing of sounds like these.

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
    chain = size > max(_FEW, _LARGE * len(family) / folds)
    for name in shuffled[np.argsort(-size[shuffled], kind="stable")]:
        if not chain[name]:
            fold[name] = full.argmin()
            full[fold[name]] += size[name]
    parts = np.zeros((len(names), folds), np.uint8)
    for k in range(folds):
        parts[fold == k, k] = PARTS.index("test")
        rest = np.flatnonzero((fold != k) & ~chain)
        parts[_some(size, rest, valid * size[fold != k].sum(), (seed, k)), k] = PARTS.index("valid")
    return parts[member]


def _some(size: np.ndarray, names: np.ndarray, wanted: float, seed: tuple[int, int]) -> np.ndarray:
    """Families of about so many items, taken in random order as long as they fit."""
    chosen: list[int] = []
    for name in np.random.default_rng(seed).permutation(names):
        if size[name] <= wanted:
            chosen.append(name)
            wanted -= int(size[name])
    return np.array(chosen, int)
