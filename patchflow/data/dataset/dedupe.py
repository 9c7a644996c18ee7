"""Finds equal and nearly equal sounds: which to keep, and which families a split must keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...features.mel import BANDS, STEPS_PER_DB
from ...parsing import damage_named, json_value
from ...progress import Progress, ProgressCallback, ignore
from ..bank import join_families, near_duplicates
from .pool import DatasetRecipe, Pool

__all__ = ["Relations", "relate"]

_SLAB = 2.0  # distance from one slab of mean levels to the next, in radii
_COLUMNS = ("id", "sound", "point", "parent")


@dataclass(frozen=True)
class Relations:
    """Which items are kept, and which are related.

    Args:
        families: Number and family of each item that is kept, in order, int64, shape `(K, 2)`.
        counts: Numbers of sounds: drawn, failed, silent, clipped, duplicates, twins, kept; and of families.
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
        progress: Called with the percentage that is done.

    Raises:
        StorageError: If a part is damaged.
    """
    table = _columns(parts, _COLUMNS)
    numbers = table["id"].to_numpy()
    parent = table["parent"].to_numpy()
    same_sound = _equal_pairs(table["sound"].to_numpy())
    same_preset = _equal_pairs(table["point"].to_numpy())
    twins = np.empty((0, 2), int)
    if recipe.radius_db and len(numbers):
        twins = _twins(_prints(parts), recipe.radius_db * STEPS_PER_DB, progress)

    # Every item starts in a family of its own, numbered above those of the pool, or in the family of the one preset
    # that it is or was moved from. Then pairs join families.
    family = np.arange(len(numbers)) + (1 + pool.family.max(initial=-1))
    has_parent = parent >= 0
    family[has_parent] = pool.family[parent[has_parent]]
    if len(numbers):
        family = join_families(family, np.concatenate([same_sound, same_preset, twins]))

    kept = np.ones(len(numbers), bool)
    if "duplicates" in recipe.drop:
        kept[same_sound[:, 1]] = False
    related = np.stack([numbers[kept], _renumbered(family[kept])], 1)
    counts = {
        **_sum_counts(parts),
        "duplicates": len(same_sound),
        "twins": _count_twins(twins, same_sound),
        "kept": len(related),
        "families": len(np.unique(related[:, 1])),
    }
    return Relations(related, counts)


def _columns(parts: Sequence[Path], names: Sequence[str]) -> Any:
    from .parquet import pa, read_table  # here, so that `data.dataset` is imported without pyarrow

    # Metadata is removed, because each part counts its own sounds there and tables of unlike schemas do not join.
    tables = [read_table(part, names).replace_schema_metadata() for part in parts]
    return pa.concat_tables(tables)


def _prints(parts: Sequence[Path]) -> np.ndarray:
    """Fingerprints of all sounds, uint8, shape `(S, F, N)`."""
    prints = _columns(parts, ["print"])["print"].to_pylist()
    return np.frombuffer(b"".join(prints), np.uint8).reshape(len(prints), BANDS, -1)


def _equal_pairs(values: np.ndarray) -> np.ndarray:
    """Pairs of the first of its kind and each later one that equals it, shape `(pairs, 2)`."""
    _, first, member = np.unique(values, return_index=True, return_inverse=True)
    rows = np.arange(len(values))
    pairs = np.stack([first[member], rows], 1)
    return pairs[pairs[:, 0] < rows]


def _twins(prints: np.ndarray, radius: float, progress: ProgressCallback) -> np.ndarray:
    """All pairs of fingerprints at most `radius` apart, shape `(pairs, 2)`, found in slabs of similar mean level."""
    # The mean levels of two fingerprints never differ by more than their mean absolute difference, so only sounds whose
    # means lie within a radius can be twins. A slab is three radii high and begins two radii above the one before: the
    # two means of a pair are then together in one slab at least. Pairs that are in two slabs are found twice.
    level = prints.mean((1, 2), dtype=np.float64)
    order = np.argsort(level, kind="stable")
    edges = np.arange(level.min(), level.max() + _SLAB * radius, _SLAB * radius)
    found = [np.empty((0, 2), int)]
    for done, edge in enumerate(edges, 1):
        first = np.searchsorted(level[order], edge)
        last = np.searchsorted(level[order], edge + (_SLAB + 1) * radius, side="right")
        rows = np.sort(order[first:last])
        if len(rows) > 1:
            found.append(rows[near_duplicates(prints[rows], radius)])
        progress(Progress("relate", round(100 * done / len(edges)), 100, "%"))
    return np.unique(np.concatenate(found), axis=0)


def _count_twins(twins: np.ndarray, same_sound: np.ndarray) -> int:
    """Number of sounds that have a twin before them and do not equal a sound before them."""
    if not len(twins):
        return 0
    later = twins.max(1, initial=-1)
    return len(np.setdiff1d(later, same_sound[:, 1]))


def _renumbered(family: np.ndarray) -> np.ndarray:
    """Families from 0 in the order in which they first occur, int64."""
    # `member` numbers families by value. The rank of each family's first row is its number by first occurrence, and
    # the argsort of an argsort gives ranks.
    _, first, member = np.unique(family, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[member].astype(np.int64)


def _sum_counts(parts: Sequence[Path]) -> dict[str, int]:
    """Sums the counts that every part has in its metadata."""
    from .parquet import pq

    total: dict[str, int] = {}
    for part in parts:
        with damage_named(part):
            counts = json_value(pq.read_schema(part).metadata[b"patchflow"])
            for name, count in counts.items():
                total[name] = total.get(name, 0) + count
    return total
