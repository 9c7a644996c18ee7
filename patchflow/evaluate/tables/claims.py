"""The claims of the paper and of this project, and the statistical tests that say of each: yes, no, or not shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy import stats

from ...metrics import metrics
from .board import Board, Row

__all__ = [
    "AUTO_ENCODERS",
    "CLAIMS",
    "FEED_FORWARD",
    "REGRESSION_FLOWS",
    "SIGNIFICANCE",
    "TESTED_METRICS",
    "WITHOUT_MAP",
    "Anova",
    "ByFamily",
    "Claim",
    "Comparison",
    "Verdict",
    "anova",
    "holm",
    "paired",
    "unpaired",
    "verdicts",
]

_FEWEST = 6  # below so many pairs no arrangement of signs has a p below 0.05

FEED_FORWARD = ("mlp", "cnn", "resnet")
"""Models that regress a preset directly from a sound."""

AUTO_ENCODERS = ("ae", "vae", "wae", "vaeflow")
"""Models that reconstruct the sound as well, and regress the preset from the latent by an MLP."""

REGRESSION_FLOWS = ("flow_reg", "flow_dis")
"""The paper's models whose presets come from an invertible map; a group of its own, for its answers differ."""

WITHOUT_MAP = (*FEED_FORWARD, *AUTO_ENCODERS)
"""The paper's models whose presets come from no invertible map."""

TESTED_METRICS = ("spectral_convergence", "log_mel_l1")
"""The metrics that claims are tested on: the paper's, and the one that ranks candidates in this project."""

SIGNIFICANCE = 0.05
"""Significance level: a difference counts if its corrected p-value is below this."""

ByFamily = Mapping[object, float]
"""The mean of a metric over the sounds of each family."""


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


@dataclass(frozen=True)
class Claim:
    """One model, or the mean of several, against another.

    Args:
        text: The claim in words; it holds where the first rows are better.
        first: Names of rows.
        second: Names of the rows they are compared with.
    """

    text: str
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The result of testing a claim on one board with one metric.

    Args:
        claim: The claim in words, with the models' names where some of them are missing.
        where: Synth, parameters and size.
        metric: Name of the metric.
        comparison: First rows against second, over families of sounds.
        p: Corrected for the number of all tests; None where there were too few numbers for a test.
        answer: `"yes"` or `"no"` where the difference is significant; `"not shown"` where it is not, or where mean and
            ranks point in different directions.
        test: Name of the test.
    """

    claim: str
    where: str
    metric: str
    comparison: Comparison
    p: float | None
    answer: Literal["yes", "no", "not shown"]
    test: str


CLAIMS = (
    Claim("Auto-encoders match sounds better than feed-forward models", AUTO_ENCODERS, FEED_FORWARD),
    Claim("Regression flows match sounds better than feed-forward models", REGRESSION_FLOWS, FEED_FORWARD),
    Claim("Flow_reg matches sounds better than VAEFlow", ("flow_reg",), ("vaeflow",)),
    Claim("Disentangling costs accuracy: Flow_reg matches sounds better than Flow_dis", ("flow_reg",), ("flow_dis",)),
    Claim("Flow_reg matches sounds better than the nearest training preset", ("flow_reg",), ("nearest",)),
    Claim("Flow_joint matches sounds better than Flow_reg", ("flow_joint",), ("flow_reg",)),
    Claim("Flow_joint matches sounds better than models without an invertible map", ("flow_joint",), WITHOUT_MAP),
    Claim("Flow_joint matches sounds better than the nearest training preset", ("flow_joint",), ("nearest",)),
    Claim(
        "Attributes cost accuracy: Flow_joint matches sounds better without",
        ("flow_joint (attributes=0)",),
        ("flow_joint",),
    ),
    Claim("Flow_joint matches sounds better with splines", ("flow_joint",), ("flow_joint (flow=realnvp)",)),
    Claim("Flow_reg matches sounds better with splines", ("flow_reg (flow=spline)",), ("flow_reg",)),
)
"""Tested on every board that has the rows."""

_GROWTH = "The lead of Flow_reg over models without flows grows from {} to {} parameters"
_LEADER = "flow_reg"
_WITHOUT_FLOWS = ("mlp", "cnn", "resnet", "ae", "vae", "wae")


def verdicts(boards: Sequence[Board]) -> list[Verdict]:
    """Tests all claims on all boards; p-values are corrected by Holm's method for the number of tests made.

    Sounds of a family are alike, so they count as one: its numbers are averaged first, over folds and seeds too.

    Args:
        boards: The results.
    """
    found: list[Verdict] = []
    for board in boards:
        for claim in CLAIMS:
            found += _tested(board, claim)
    for few, many in _smallest_and_largest(boards):
        found += _growth(few, many)
    # All tests of the page are one family of tests for Holm, so no answer is final before the last test is made.
    p_values = [verdict.p for verdict in found if verdict.p is not None]
    corrected = iter(holm(p_values))
    answered = []
    for verdict in found:
        p = None if verdict.p is None else next(corrected)
        answered.append(replace(verdict, p=p, answer=_answer(verdict, p)))
    return answered


def _tested(board: Board, claim: Claim) -> list[Verdict]:
    first = [row for row in board.rows if row.name in claim.first]
    second = [row for row in board.rows if row.name in claim.second]
    if not first or not second:
        return []
    text = claim.text
    if len(first) + len(second) < len(claim.first) + len(claim.second):
        text += f" (only {_names(first)} against {_names(second)})"
    found = []
    for metric in TESTED_METRICS:
        mean_of_first = _mean_of(first, metric)
        mean_of_second = _mean_of(second, metric)
        ours, theirs = _shared(mean_of_first, mean_of_second)
        compared = paired(ours, theirs)
        found.append(Verdict(text, board.title, metric, compared, compared.p, "not shown", "Wilcoxon, paired"))
    return found


def _growth(few: Board, many: Board) -> list[Verdict]:
    """The lead at few and at many parameters, over the same models; the sounds differ, so they are not paired."""
    there = {row.name for row in many.models(_WITHOUT_FLOWS)}
    others = [row.name for row in few.models(_WITHOUT_FLOWS) if row.name in there]
    text = _GROWTH.format(few.parameters, many.parameters)
    if len(others) < len(_WITHOUT_FLOWS):
        text += f" (only over {', '.join(others)})"
    where = f"{few.series}, models of {few.size} size" if few.size else few.series
    found = []
    for metric in TESTED_METRICS:
        lead_at_many = _lead(many, metric, others)
        lead_at_few = _lead(few, metric, others)
        if len(lead_at_many) and len(lead_at_few):
            compared = unpaired(lead_at_many, lead_at_few)
            found.append(Verdict(text, where, metric, compared, compared.p, "not shown", "Mann-Whitney"))
    return found


def _lead(board: Board, metric: str, names: Sequence[str]) -> np.ndarray:
    """By how much the leader is better than the others' mean, in units of the metric, of each family."""
    leader = board.models([_LEADER])
    others = board.models(names)
    if not leader or not others:
        return np.empty(0)
    own, their = _shared(_mean_of(leader, metric), _mean_of(others, metric))
    return own - their  # negative where lower is better and the leader leads, as in every other comparison


def _smallest_and_largest(boards: Sequence[Board]) -> list[tuple[Board, Board]]:
    """For each series and size the boards with the fewest and the most parameters that are a subset's, if any."""
    found = []
    for key in sorted({(board.series, board.size) for board in boards}):
        # The whole synth bears the name of the series. It is no subset: its parameters were not chosen.
        subsets = [b for b in boards if (b.series, b.size) == key and b.synth != b.series]
        if len(subsets) > 1:
            subsets.sort(key=lambda board: board.parameters)
            found.append((subsets[0], subsets[-1]))
    return found


def _mean_of(rows: Sequence[Row], metric: str) -> ByFamily:
    """The mean of several rows, of each family that all of them have."""
    each = [row.by_family(metric) for row in rows]
    means = {}
    for family in each[0]:
        if all(family in numbers for numbers in each):
            means[family] = float(np.mean([numbers[family] for numbers in each]))
    return means


def _shared(first: ByFamily, second: ByFamily) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the families that both have, in the same order."""
    families = [family for family in first if family in second]
    return _numbers(first, families), _numbers(second, families)


def _numbers(numbers: ByFamily, families: Sequence[object]) -> np.ndarray:
    return np.array([numbers[family] for family in families], float)


def _names(rows: Sequence[Row]) -> str:
    return ", ".join(row.name for row in rows)


def _answer(verdict: Verdict, p: float | None) -> Literal["yes", "no", "not shown"]:
    compared = verdict.comparison
    if p is None or p >= SIGNIFICANCE:
        return "not shown"
    # A few loud misses can pull the mean to one side while most sounds are on the other: then nothing is shown.
    if compared.rank * compared.difference <= 0:
        return "not shown"
    first_is_lower = compared.difference < 0
    lower_is_better = metrics[verdict.metric].better == "lower"
    return "yes" if first_is_lower == lower_is_better else "no"
