"""Finds the sounds that are the same, or nearly: which to keep, and the families that a split must not divide."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...features.fingerprint import BANDS, STEPS_PER_DB
from ...progress import Progress, ProgressCallback, ignore
from ..families import join_families, near_duplicates
from .dataset_recipe import DatasetRecipe
from .parquet import pa, pq, read_table
from .pool import Pool

__all__ = ["Relations", "relate"]

_SLAB = 2.0  # radii that the sounds of a slab lie apart in mean level, at least
_COLUMNS = ("id", "sound", "point", "parent")


@dataclass(frozen=True)
class Relations:
    """What is kept, and who is related to whom.

    Args:
        families: Number and family of each item that is kept, in order, int64, shape `(K, 2)`.
        counts: Sounds by what became of them: drawn, failed, silent, clipped, duplicates, twins, kept, families.
    """

    families: np.ndarray
    counts: dict[str, int]


def relate(parts: Sequence[Path], recipe: DatasetRecipe, pool: Pool, progress: ProgressCallback = ignore) -> Relations:
    """Compares all sounds of a data set.

    Items are of one family if they sound the same or nearly so, have the same preset, or if each is a preset of one
    family of the pool or was moved from one. A crossover belongs to neither of its parents' families.

    Args:
        parts: Files of the shards, in order.
        recipe: The recipe.
        pool: Its presets.
        progress: Told the percentage that is done.

    Raises:
        StorageError: If a part is damaged.
    """
    table = _columns(parts, _COLUMNS)
    numbers, sound, point, parent = (table[name].to_numpy() for name in _COLUMNS)
    same, alike = _equal(sound), _equal(point)
    twins = np.empty((0, 2), int)
    if recipe.radius_db and len(numbers):
        twins = _twins(_prints(parts), recipe.radius_db * STEPS_PER_DB, progress)
    family = np.arange(len(numbers)) + (1 + pool.family.max(initial=-1))
    family[parent >= 0] = pool.family[parent[parent >= 0]]
    family = join_families(family, np.concatenate([same, alike, twins])) if len(numbers) else family
    kept = np.ones(len(numbers), bool)
    if "duplicates" in recipe.drop:
        kept[same[:, 1]] = False
    related = np.stack([numbers[kept], _numbered(family[kept])], 1)
    found = {"duplicates": len(same), "twins": _later(twins, same), "kept": len(related)}
    return Relations(related, {**_sum_counts(parts), **found, "families": len(np.unique(related[:, 1]))})


def _columns(parts: Sequence[Path], names: Sequence[str]) -> Any:
    return pa.concat_tables([read_table(part, names).replace_schema_metadata() for part in parts])


def _prints(parts: Sequence[Path]) -> np.ndarray:
    """The fingerprints, shape `(S, F, N)`."""
    prints = _columns(parts, ["print"])["print"].to_pylist()
    return np.frombuffer(b"".join(prints), np.uint8).reshape(len(prints), BANDS, -1)


def _equal(values: np.ndarray) -> np.ndarray:
    """Pairs of the first of its kind and each that equals it, shape `(pairs, 2)`."""
    _, first, member = np.unique(values, return_index=True, return_inverse=True)
    rows = np.arange(len(values))
    pairs = np.stack([first[member], rows], 1)
    return pairs[pairs[:, 0] < rows]


def _twins(prints: np.ndarray, radius: float, progress: ProgressCallback) -> np.ndarray:
    """All pairs of fingerprints at most `radius` apart, found in slabs of sounds of about the same mean level.

    Means lie no further apart than the fingerprints, so a pair is never further apart than `radius` in them.
    """
    level = prints.mean((1, 2), dtype=np.float64)
    order = np.argsort(level, kind="stable")
    edges = np.arange(level.min(), level.max() + _SLAB * radius, _SLAB * radius)
    found = [np.empty((0, 2), int)]
    for done, edge in enumerate(edges, 1):
        first = np.searchsorted(level[order], edge)
        last = np.searchsorted(level[order], edge + (_SLAB + 1) * radius, side="right")
        rows = np.sort(order[first:last])
        found.append(rows[near_duplicates(prints[rows], radius)] if len(rows) > 1 else found[0])
        progress(Progress("relate", round(100 * done / len(edges)), 100, "%"))
    return np.unique(np.concatenate(found), axis=0)


def _later(twins: np.ndarray, same: np.ndarray) -> int:
    """How many sounds have a twin before them, not counting those that equal one."""
    return len(np.setdiff1d(twins.max(1, initial=-1), same[:, 1])) if len(twins) else 0


def _numbered(family: np.ndarray) -> np.ndarray:
    """Families from 0 in the order in which they first occur."""
    _, first, member = np.unique(family, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[member].astype(np.int64)


def _sum_counts(parts: Sequence[Path]) -> dict[str, int]:
    counts = [json.loads(pq.read_schema(part).metadata[b"patchflow"]) for part in parts]
    return {name: sum(count[name] for count in counts) for name in counts[0]}
