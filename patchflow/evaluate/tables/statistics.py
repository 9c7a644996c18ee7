"""Statistical tests: one-way ANOVA, paired and unpaired rank tests, Holm's correction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

__all__ = ["Anova", "Comparison", "anova", "holm", "paired", "unpaired"]

_FEWEST = 6  # below so many pairs no arrangement of signs has a p below 0.05


@dataclass(frozen=True)
class Anova:
    """A one-way analysis of variance.

    Args:
        f: Variance between the groups over that within.
        p: Chance of so large an F if all groups were alike.
        between: Degrees of freedom between the groups.
        within: The same within.
    """

    f: float
    p: float
    between: int
    within: int


@dataclass(frozen=True)
class Comparison:
    """Two sets of numbers compared by rank.

    Args:
        count: Pairs, or the smaller of two groups.
        difference: Mean of the first minus mean of the second.
        rank: From -1, where all of the first are smaller, to 1.
        p: Chance of so large a difference, in either direction, if there were none; None with too few numbers.
    """

    count: int
    difference: float
    rank: float
    p: float | None


def anova(groups: Sequence[np.ndarray]) -> Anova | None:
    """Returns a one-way analysis of variance; None where there is nothing to analyse.

    References:
        Fisher, Statistical methods for research workers (1925)

    Args:
        groups: Numbers of each, shape `(N,)`.
    """
    within = sum(len(group) for group in groups) - len(groups)
    if len(groups) < 2 or within < 1 or all(np.ptp(group) == 0 for group in groups):
        return None
    found = stats.f_oneway(*groups)
    return Anova(float(found.statistic), float(found.pvalue), len(groups) - 1, within)


def paired(first: np.ndarray, second: np.ndarray) -> Comparison:
    """Compares pairs by Wilcoxon's signed-rank test, two-sided.

    References:
        Wilcoxon, Individual comparisons by ranking methods (1945), https://doi.org/10.2307/3001968
        Kerby, The simple difference formula (2014), https://doi.org/10.2466/11.IT.3.1

    Args:
        first: Shape `(N,)`.
        second: Of the same items, shape `(N,)`.
    """
    gap = first - second
    mean = float(gap.mean()) if len(gap) else 0.0
    moved = gap[gap != 0]
    if len(moved) < _FEWEST:
        return Comparison(len(gap), mean, 0.0, None)
    ranks = stats.rankdata(np.abs(moved))
    rank = float((ranks * np.sign(moved)).sum() / ranks.sum())
    return Comparison(len(gap), mean, rank, _p_of(stats.wilcoxon(first, second)))


def unpaired(first: np.ndarray, second: np.ndarray) -> Comparison:
    """Compares two groups by the Mann-Whitney test, two-sided.

    References:
        Mann & Whitney, On a test of whether one of two random variables is stochastically larger than the other (1947)
        https://doi.org/10.1214/aoms/1177730491

    Args:
        first: Shape `(N,)`.
        second: Shape `(M,)`.
    """
    count = min(len(first), len(second))
    if count < _FEWEST:
        return Comparison(count, float(first.mean() - second.mean()) if count else 0.0, 0.0, None)
    found: Any = stats.mannwhitneyu(first, second)
    # The statistic counts pairs in which the first is larger: as a share of all pairs, scaled to -1 ... 1.
    rank = 2 * float(found.statistic) / (len(first) * len(second)) - 1
    return Comparison(count, float(first.mean() - second.mean()), rank, float(found.pvalue))


def holm(chances: Sequence[float]) -> list[float]:
    """Returns p-values corrected for their number: the chance that any of the smaller ones is a false alarm.

    References:
        Holm, A simple sequentially rejective multiple test procedure (1979), https://www.jstor.org/stable/4615733

    Args:
        chances: The p-values, 0 to 1.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    corrected = [0.0] * len(chances)
    least = 0.0
    # From the smallest on; the running maximum keeps the order, for the factor shrinks from one to the next.
    for place, index in enumerate(np.argsort(chances, kind="stable").tolist()):
        least = max(least, min(1.0, (len(chances) - place) * chances[index]))
        corrected[index] = least
    return corrected


def _p_of(found: Any) -> float:
    """The p-value of a test; scipy's types do not know it."""
    return float(found.pvalue)
