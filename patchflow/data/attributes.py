"""Pairs of opposite words, and which of them presets get."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..presets.categories import guess_category

__all__ = ["MEASURED", "NAMED", "Opposites", "kind_by_name", "tags_of"]


@dataclass(frozen=True)
class Opposites:
    """Two words that mean the opposite.

    Args:
        low: The word for small values, tag -1.
        high: The word for large values, tag +1.
        measure: What tells them apart: a name of `features.descriptors.UNITS` or `features.character.CHARACTER`, or
            `"name"` where the values are tags already, guessed from what presets are called.
    """

    low: str
    high: str
    measure: str


MEASURED = (
    Opposites("Dark", "Bright", "brightness"),
    Opposites("Clean", "Dirty", "noisiness"),
    Opposites("Thin", "Phat", "weight"),
    Opposites("Soft", "Aggressive", "roughness"),
    Opposites("Constant", "Moving", "movement"),
    Opposites("Inharmonic", "Harmonic", "harmonicity"),
    Opposites("Static", "Dynamic", "swing"),
)
"""Those that can be measured on one note. Of the paper's ten, Wide and Narrow need two channels, and nobody has said
how to hear Modern and Vintage."""

NAMED = Opposites("Natural", "Synthetic", "name")
"""Guessed from names, so only where presets sound as whoever named them heard them."""

_NATURAL = {"Drums", "Bells", "Mallets", "Keys", "Plucked", "Brass", "Woodwind", "Strings", "Voice"}
_SYNTHETIC = {"Lead", "Pad", "Sequence", "Effects"}


def kind_by_name(names: Sequence[str] | np.ndarray) -> np.ndarray:
    """Returns -1 for names of what is played by hand or mouth, +1 for what only synths do, else 0, shape `(N,)`.

    Example:
        >>> kind_by_name(["TUB BELLS", "SyncLead", "Blue"]).tolist()
        [-1, 1, 0]
    """
    kinds = (guess_category(str(name)) for name in names)
    return np.array([(kind in _SYNTHETIC) - (kind in _NATURAL) for kind in kinds], np.int8)


def tags_of(values: np.ndarray, pairs: Sequence[Opposites], training: np.ndarray, tagged: float) -> np.ndarray:
    """Returns the tags of presets: of every measure the extremes of the training presets, and what goes beyond.

    Args:
        values: A measure a pair, shape `(N, M)`.
        pairs: The words, M of them.
        training: Rows of the training presets; nothing else decides where a word begins.
        tagged: Share of the training presets that get one of the two words, half of them each.

    Returns:
        -1, +1 or 0, int8, shape `(N, M)`.

    Example:
        >>> values = np.array([[1.0], [2.0], [3.0], [9.0]])
        >>> tags_of(values, MEASURED[:1], np.array([0, 1, 2]), tagged=0.6).ravel().tolist()
        [-1, 0, 1, 1]
    """
    tags = np.zeros(values.shape, np.int8)
    for column, pair in enumerate(pairs):
        found = values[:, column]
        if pair.measure == NAMED.measure:
            tags[:, column] = np.sign(found)
        elif len(training) and tagged:
            low, high = np.quantile(found[training], [tagged / 2, 1 - tagged / 2])
            tags[:, column] = (found >= high).astype(np.int8) - (found <= low).astype(np.int8)
    return tags
