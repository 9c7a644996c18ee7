"""Picks candidates that sound different, and estimates how certain each parameter is."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
import torch

from ..presets import ParamSpace
from .scorer import STEPS_PER_DB, Scored

__all__ = ["keep_apart", "keep_distinct", "pick_among", "pick_distinct", "uncertainty"]

_APART_DB = 2.0  # smallest log-mel L1 between two candidates, if there are enough such
_SOFTEN = 0.7  # factor of that bound while there are not
_LEAST_APART_DB = 0.02  # below this bound, presets that sound the same are taken too
_WITHIN = 1.25  # presets whose distance is at most this many times the best are good
_SLACK_DB = 0.5  # and this much more, so that a perfect match does not stand alone


def keep_distinct(kept: Scored | None, new: Scored, most: int) -> Scored:
    """Returns the best presets rendered so far of which no two sound nearly the same.

    Args:
        kept: What this function returned before, best first; None at first.
        new: Presets to consider.
        most: How many to keep.
    """
    return keep_apart(kept, new, _APART_DB, most)


def keep_apart(kept: Scored | None, new: Scored, apart: float, most: int) -> Scored:
    """Returns the best presets of both without those that sound like a better one, best first.

    Args:
        kept: What this function returned before; None at first. It is taken to be apart.
        new: Presets to consider.
        apart: Log-mel L1 of coarse spectrograms below which two sound alike, in dB; nothing does at 0.
        most: How many to keep.
    """
    if kept is not None and len(kept) >= most:
        # A preset farther away than the last entry cannot enter: most of a batch is dropped before it is compared.
        new = new.take(np.nonzero(new.distance < kept.distance[-1])[0])
        if not len(new):
            return kept
    both = new if kept is None else kept.join(new)
    order = np.argsort(both.distance, kind="stable")
    is_new = order >= len(both) - len(new)
    number = np.cumsum(is_new) - 1
    coarse = torch.from_numpy(both.coarse[order])
    # What was kept is apart already, so only the new are compared, with each other and with the kept.
    gaps = torch.cdist(coarse[torch.from_numpy(is_new)], coarse, p=1).numpy() / coarse.shape[1]
    alike = np.zeros(len(order), bool)  # like a better one
    rows: list[int] = []
    for row in range(len(order)):
        if alike[row]:
            continue
        rows.append(row)
        if len(rows) == most:
            break
        if is_new[row]:
            alike |= gaps[number[row]] < apart
        else:
            alike[is_new] |= gaps[:, row] < apart
    return both.take(order[rows])


def pick_distinct(found: Scored, distinct: Scored, count: int) -> Scored:
    """Returns up to `count` presets, best first, no two of which sound nearly the same.

    Two candidates are at least 2 dB of log-mel L1 apart; if there are too few such presets the bound is
    lowered step by step.

    Args:
        found: The best presets, best first.
        distinct: Presets of all kinds, from `keep_distinct`.
        count: How many are wanted.
    """
    # Both lists are of the same search, so they share presets; of one on two keys the nearer stays.
    both = distinct.join(found)
    both = both.take(np.argsort(both.distance, kind="stable"))
    first = {point.tobytes(): row for row, point in reversed(list(enumerate(both.points)))}
    both = both.take(np.sort(list(first.values())))
    apart = _APART_DB
    while True:
        rows = _greedy(both, count, apart)
        if len(rows) >= min(count, len(both)) or apart < _LEAST_APART_DB:
            return both.take(rows)
        apart *= _SOFTEN


def pick_among(pools: Sequence[Scored], kinds: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Returns pool and row of up to `count` presets of several kinds, best first.

    No two of one kind sound nearly alike; what another kind makes of the same sound is a candidate of its own. If there
    is room for one of each kind, the best of each is among them.

    Args:
        pools: Presets, best first, each pool from `pick_distinct`.
        kinds: The kind of each pool.
        count: How many are wanted.
    """
    picked: list[tuple[float, int, tuple[int, int]]] = []  # distance, how many of the kind are better, place
    for kind in sorted(set(kinds)):
        # Presets of two states have nothing in common but their sound: their place stands for them.
        placed = []
        for place, pool in enumerate(pools):
            if kinds[place] == kind:
                rows = np.arange(len(pool))
                placed.append(replace(pool, points=np.stack([np.full(len(pool), place), rows], axis=1)))
        both = reduce(Scored.join, placed)
        distinct = pick_distinct(both, both, count)
        for rank, (place, row) in enumerate(distinct.points.tolist()):
            picked.append((float(distinct.distance[rank]), rank, (place, row)))
    picked.sort()
    if count >= len(set(kinds)):
        picked.sort(key=lambda one: one[1] > 0)  # the best of each kind first, all others after them by distance
    return [place for _, _, place in sorted(picked[:count])]


def uncertainty(found: Scored, space: ParamSpace) -> dict[str, float]:
    """Returns how much every parameter varies over the good presets, 0 to 1.

    That is the standard deviation of the encoded value for ordered parameters, and for categories the share of presets
    that do not agree with the best.

    Args:
        found: Presets, best first.
        space: The synth's parameters.
    """
    good = found.points[found.distance <= _WITHIN * found.distance[0] + _SLACK_DB]
    spread = good.std(0)
    differ = (good != good[0]).mean(0)
    varies = np.where(space.categorical, differ, spread).round(4)
    return dict(zip(space.names, varies.tolist(), strict=True))


def _greedy(found: Scored, count: int, apart: float) -> np.ndarray:
    """Rows, from the first on, no two of which are nearer than `apart`, at most `count`."""
    # Every other band and frame is enough to tell presets apart: a quarter of the work.
    mels = torch.from_numpy(found.mels[:, ::2, ::2]).float().flatten(1) / STEPS_PER_DB
    rows = [0]
    near = _gap(mels, 0)
    while len(rows) < count and (near >= apart).any():
        rows.append(int(np.argmax(near >= apart)))
        near = np.minimum(near, _gap(mels, rows[-1]))
    return np.array(rows)


def _gap(mels: torch.Tensor, row: int) -> np.ndarray:
    """Log-mel L1 from one preset to all, in dB, shape `(N,)`."""
    return (mels - mels[row]).abs_().mean(1).numpy()
