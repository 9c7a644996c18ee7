"""Presets of a bank for a synth: its own, or those of the whole synth for one with fewer parameters."""

from pathlib import Path

import numpy as np

from ..engines import Engine, Subset
from ..errors import StorageError

__all__ = ["fitting"]


def fitting(points: np.ndarray, make: type[Engine], synth: str, path: str | Path) -> np.ndarray:
    """Returns presets with the parameters of a synth; of a whole synth's what is not free is forgotten.

    Args:
        points: Encoded presets of the synth, or of the whole one it is a `Subset` of, shape `(N, Q)`.
        make: The engine.
        synth: Its name, for the message.
        path: Where they were read.

    Returns:
        Encoded presets of the synth, shape `(N, P)`.

    Raises:
        StorageError: If they are of another synth.

    Example:
        >>> from patchflow.engines import engines
        >>> fitting(np.full((2, 145), 0.5), engines["dexed_16"], "dexed_16", "bank.npz").shape
        (2, 16)
    """
    found = points.shape[1]
    if found == len(make.space):
        return points
    if issubclass(make, Subset) and found == len(make.base.space):
        return make.projected(points)
    wanted = f"the {len(make.space)} of synth {synth!r}"
    if issubclass(make, Subset):
        wanted += f" or the {len(make.base.space)} of {make.selection.engine!r}"
    raise StorageError(f"{path}: has {found} parameters, not {wanted}")
