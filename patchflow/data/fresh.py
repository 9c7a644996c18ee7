"""Presets drawn around one: the fresh one, for a synth nothing is known about but its parameters."""

import numpy as np

from ..presets import ParamSpace

__all__ = ["draw_around_fresh"]


def draw_around_fresh(
    space: ParamSpace, count: int, rng: np.random.Generator, *, fresh: np.ndarray | None = None
) -> np.ndarray:
    """Returns presets that differ from the fresh one in some groups, and there in some parameters.

    Drawn evenly from the whole space most presets of a large synth are noise or silence. So each
    preset leaves some groups as they are in the fresh preset, and in the others some parameters, from nearly all to
    none, so that two of either are changed on average at least; these are drawn evenly. A space of two groups of two
    is drawn evenly as a whole. See `benchmarks/draws.py`.

    Args:
        space: The synth's parameters; one without a group is on its own.
        count: How many presets to draw.
        rng: Source of chance.
        fresh: What to draw around, encoded, shape `(P,)`; the synth's fresh preset if not given.

    Returns:
        Points of the unit cube, not yet snapped, shape `(count, P)`.

    Example:
        >>> from patchflow.engines import engines
        >>> draw_around_fresh(engines["tone"].space, 4, np.random.default_rng(0)).shape
        (4, 3)
    """
    block = np.arange(len(space)) + len(space.groups)
    for number, members in enumerate(space.groups.values()):
        block[list(members)] = number
    blocks, block, sizes = np.unique(block, return_inverse=True, return_counts=True)
    of_groups, of_parameters = (
        np.maximum(rng.random((count, 1)), least) for least in (2 / len(blocks), (2 / sizes)[block])
    )
    groups = rng.random((count, len(blocks))) < of_groups
    changed = groups[:, block] & (rng.random((count, len(space))) < of_parameters)
    return np.where(changed, rng.random((count, len(space))), space.default() if fresh is None else fresh)
