"""Attributes of training presets: pairs of opposites, and how presets get tags of them.

These are the semantic attributes of the paper, for macro-controls. An attribute has two ends, such as Dark and Bright,
and one measure on a continuous scale. A preset gets tag -1 or +1 if it is among the extremes of the *training presets*,
so the thresholds differ from data set to data set and from fold to fold. Models learn from the tags.

The words that people search a preset library by are another system: single words such as "bright", each with a fixed
range in Hz, s or dB, the same for every synth. See `data.label_library`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..presets.categories import category_from_name

__all__ = ["MEASURED_ATTRIBUTES", "NAMED_ATTRIBUTE", "Attribute", "kind_by_name", "tags_of"]


@dataclass(frozen=True)
class Attribute:
    """A quality of sounds that has two opposite ends.

    Args:
        low: Name of the end of small values, tag -1.
        high: Name of the end of large values, tag +1.
        measure: What is measured: a name of `UNITS` or `CHARACTER` of `features.descriptors`, or `"name"`
            where the values are tags already, inferred from the names of presets.
    """

    low: str
    high: str
    measure: str


MEASURED_ATTRIBUTES = (
    Attribute("Dark", "Bright", "brightness"),
    Attribute("Clean", "Dirty", "noisiness"),
    Attribute("Thin", "Phat", "weight"),
    Attribute("Soft", "Aggressive", "roughness"),
    Attribute("Constant", "Moving", "movement"),
    Attribute("Inharmonic", "Harmonic", "harmonicity"),
    Attribute("Static", "Dynamic", "dynamics"),
)
"""The attributes that can be measured on one note. Two of the paper's ten are missing: Wide and Narrow need two
channels, and for Modern and Vintage there is no known measure."""

NAMED_ATTRIBUTE = Attribute("Natural", "Synthetic", "name")
"""Inferred from names of presets, so only for whole synths: with fewer parameters the named sound may be gone."""

_NATURAL = {"Drums", "Bells", "Mallets", "Keys", "Plucked", "Brass", "Woodwind", "Strings", "Voice"}
_SYNTHETIC = {"Lead", "Pad", "Sequence", "Effects"}


def kind_by_name(names: Sequence[str] | np.ndarray) -> np.ndarray:
    """Returns -1 for names of acoustic instruments, +1 for names of synth sounds, else 0, int8, shape `(N,)`.

    Example:
        >>> kind_by_name(["TUB BELLS", "SyncLead", "Blue"]).tolist()
        [-1, 1, 0]
    """
    kinds = (category_from_name(str(name)) for name in names)
    return np.array([(kind in _SYNTHETIC) - (kind in _NATURAL) for kind in kinds], np.int8)


def tags_of(values: np.ndarray, attributes: Sequence[Attribute], training: np.ndarray, tagged: float) -> np.ndarray:
    """Returns the tags of presets: the extremes of the training presets, and whatever lies beyond them.

    Args:
        values: The measure of each attribute, shape `(N, M)`.
        attributes: The attributes, M of them.
        training: Rows of the training presets; only these decide the thresholds.
        tagged: Share of the training presets that get a tag of each attribute, half of them each end.

    Returns:
        -1, +1 or 0, int8, shape `(N, M)`.

    Example:
        >>> values = np.array([[1.0], [2.0], [3.0], [9.0]])
        >>> tags_of(values, MEASURED_ATTRIBUTES[:1], np.array([0, 1, 2]), tagged=0.6).ravel().tolist()
        [-1, 0, 1, 1]
    """
    tags = np.zeros(values.shape, np.int8)
    for column, attribute in enumerate(attributes):
        measured = values[:, column]
        if attribute.measure == NAMED_ATTRIBUTE.measure:
            tags[:, column] = np.sign(measured)
        elif len(training) and tagged:
            low, high = np.quantile(measured[training], [tagged / 2, 1 - tagged / 2])
            # The difference is 0 where both hold: training presets that all measure the same have no extremes.
            tags[:, column] = (measured >= high).astype(np.int8) - (measured <= low).astype(np.int8)
    return tags
