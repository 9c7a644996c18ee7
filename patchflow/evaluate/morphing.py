"""How smooth and how linear morphs are: the measures of published work, and their comparison with a reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from ..features.timbre_toolbox import TOOLBOX, on_log_scale

__all__ = ["Corpus", "MorphComparison", "compare_morphs", "nonlinearity", "nonsmoothness"]

_FLOOR_SHARE = 0.05  # of the sounds of a corpus that have less than what is added before a logarithm
_SURE = 0.05


@dataclass(frozen=True)
class Corpus:
    """What the features of many sounds of a synth are like: the scale on which those of a morph are measured.

    Args:
        floors: What is added before a logarithm is taken, shape `(46,)`.
        mean: Of the scaled features, shape `(46,)`.
        std: Of the scaled features, shape `(46,)`.
        median: Of the scaled features, shape `(46,)`, for sounds of which one is not defined.
    """

    floors: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    median: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> "Corpus":
        """Learns the scale.

        Args:
            features: Of sounds that no morph is evaluated on, see `toolbox_features`, shape `(N, 46)`.
        """
        known = features[np.isfinite(features).all(1)]
        floors = np.quantile(known, _FLOOR_SHARE, axis=0)
        # a feature that many sounds have nothing of: the least that others have
        positive = np.where(known > 0, known, np.inf).min(0)
        floors = np.where(floors > 0, floors, np.where(np.isfinite(positive), positive, 1.0))
        scaled = on_log_scale(known, floors)
        std = scaled.std(0)
        return cls(floors, scaled.mean(0), np.where(std > 0, std, 1.0), np.median(scaled, 0))

    def z_scores(self, features: np.ndarray) -> np.ndarray:
        """Returns features on perceptual scales, in deviations of the corpus from its mean, shape `(..., 46)`.

        Args:
            features: See `toolbox_features`, shape `(..., 46)`. What is not defined counts as the median of the corpus.
        """
        scaled = on_log_scale(features, self.floors)
        return (np.where(np.isfinite(scaled), scaled, self.median) - self.mean) / self.std


def nonsmoothness(features: np.ndarray) -> np.ndarray:
    """Returns the root mean square of the second difference of each feature along a morph, 0 for a line.

    References:
        Le Vaillant & Dutoit, Synthesizer preset interpolation using transformer auto-encoders (2023)
        https://arxiv.org/abs/2210.16984

    Args:
        features: One row a step, at equal distances, at least 3, shape `(T, F)`.

    Returns:
        Per square of the whole length, shape `(F,)`.

    Example:
        >>> nonsmoothness(np.array([[0.0], [1.0], [0.0]]))
        array([8.])
    """
    step = 1 / (len(features) - 1)
    second = features[:-2] - 2 * features[1:-1] + features[2:]
    return np.sqrt(np.square(second / step**2).mean(0))


def nonlinearity(features: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Returns the root mean square of how far each feature is from the line between the two sounds to be morphed.

    Args:
        features: One row a step, at equal distances, shape `(T, F)`.
        start: Of the first sound itself, shape `(F,)`: a morph that does not begin with it is not linear.
        end: Of the last sound itself, shape `(F,)`.

    Returns:
        In the units of the features, shape `(F,)`.

    Example:
        >>> nonlinearity(np.array([[0.0], [3.0], [2.0]]), np.array([0.0]), np.array([2.0])).round(3)
        array([1.155])
    """
    place = np.linspace(0, 1, len(features))[:, None]
    return np.sqrt(np.square(features - ((1 - place) * start + place * end)).mean(0))


@dataclass(frozen=True)
class MorphComparison:
    """One way to morph against a reference, by one measure that is better when it is lower.

    Args:
        improved: Features of which it is better with p < .05, by a one-sided Wilcoxon test of signed ranks.
        worse: Features of which it is worse with p < .05.
        change: Mean over the features of the change of their means, as a share of the reference: -0.3 is 30 % less.
        by_feature: That change, by the name of the feature.
    """

    improved: int
    worse: int
    change: float
    by_feature: dict[str, float]


def compare_morphs(ours: np.ndarray, reference: np.ndarray, names: Sequence[str] = TOOLBOX) -> MorphComparison:
    """Compares measures of the same pairs of sounds.

    Args:
        ours: One row a pair, shape `(pairs, F)`.
        reference: The same of the reference, shape `(pairs, F)`.
        names: Of the features.
    """
    improved = 0
    worse = 0
    changes = {}
    for column, name in enumerate(names):
        gap = ours[:, column] - reference[:, column]
        if np.any(gap):
            improved += _p_value(gap, "less") < _SURE
            worse += _p_value(gap, "greater") < _SURE
        before = float(reference[:, column].mean())
        changes[name] = float(gap.mean()) / before if before else 0.0
    return MorphComparison(improved, worse, float(np.mean(list(changes.values()))), changes)


def _p_value(gap: np.ndarray, alternative: str) -> float:
    """Chance of such signed ranks if neither were better."""
    result: Any = wilcoxon(gap, alternative=alternative)
    return float(result.pvalue)
