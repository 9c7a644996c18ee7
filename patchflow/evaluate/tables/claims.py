"""The claims of the paper and of this project, put to the test on what was measured: yes, no, or not shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...metrics import metrics
from .board import Board, Row
from .statistics import Comparison, holm, paired, unpaired

__all__ = [
    "AUTO_ENCODERS",
    "CLAIMS",
    "FEED_FORWARD",
    "JUDGED_BY",
    "REGRESSION_FLOWS",
    "WITHOUT_MAP",
    "Claim",
    "Family",
    "Verdict",
    "verdicts",
]

FEED_FORWARD = ("mlp", "cnn", "resnet")
"""Models that go from a sound to a preset at once."""

AUTO_ENCODERS = ("ae", "vae", "wae", "vaeflow")
"""Models that learn to draw the sound as well, and the preset by an MLP from the latent."""

REGRESSION_FLOWS = ("flow_reg", "flow_dis")
"""The paper's, whose presets come from an invertible map; held apart, for their answers differ from the others'."""

WITHOUT_MAP = (*FEED_FORWARD, *AUTO_ENCODERS)
"""The paper's models whose presets come from no invertible map."""

JUDGED_BY = ("spectral_convergence", "log_mel_l1")
"""The audio accuracies that claims are tested on: the paper's, and the one that ranks in this project."""

SURE = 0.05
"""Corrected p-value below which a difference is taken as real."""

Family = Mapping[object, float]


@dataclass(frozen=True)
class Claim:
    """One model, or the mean of several, against another.

    Args:
        text: What is claimed; it holds where the first are better.
        first: Names of rows.
        second: Names of rows.
    """

    text: str
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What the numbers say of a claim.

    Args:
        claim: What is claimed, and of which models where not all of them are there.
        where: Synth, parameters and size.
        metric: What it was tested on.
        comparison: First against second, over families of sounds.
        p: Corrected for the number of all tests; None where there were too few numbers for one.
        answer: `"yes"` and `"no"` where the difference is real; `"not shown"` where it is not, or where mean and
            ranks point to different sides.
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
    Claim("Words cost accuracy: Flow_joint matches sounds better without", ("flow_joint (pairs=0)",), ("flow_joint",)),
    Claim("Flow_joint matches sounds better with splines", ("flow_joint",), ("flow_joint (flow=realnvp)",)),
    Claim("Flow_reg matches sounds better with splines", ("flow_reg (flow=spline)",), ("flow_reg",)),
)
"""Tested on every board that has the rows."""

_GROWS = "The lead of Flow_reg over models without flows grows from {} to {} parameters"
_LEADER, _WITHOUT_FLOWS = "flow_reg", ("mlp", "cnn", "resnet", "ae", "vae", "wae")


def verdicts(boards: Sequence[Board]) -> list[Verdict]:
    """Tests all claims on all boards; p-values are corrected by Holm's method for the number of tests made.

    Sounds of a family are alike, so they count as one: its numbers are averaged first, over folds and seeds too.

    Args:
        boards: What was measured.
    """
    found = [verdict for board in boards for claim in CLAIMS for verdict in _tested(board, claim)]
    found += [verdict for few, many in _pairs(boards) for verdict in _growth(few, many)]
    tested = [place for place, verdict in enumerate(found) if verdict.p is not None]
    corrected = dict(zip(tested, holm([p for v in found if (p := v.p) is not None]), strict=True))
    chances = [corrected.get(place) for place in range(len(found))]
    return [replace(v, p=p, answer=_answer(v, p)) for v, p in zip(found, chances, strict=True)]


def _tested(board: Board, claim: Claim) -> list[Verdict]:
    first, second = ([row for row in board.rows if row.name in names] for names in (claim.first, claim.second))
    if not first or not second:
        return []
    text, verdicts = claim.text, []
    if len(first) + len(second) < len(claim.first) + len(claim.second):
        text += f" (only {_listed(first)} against {_listed(second)})"
    for metric in JUDGED_BY:
        a, b = _common([_together(rows, metric) for rows in (first, second)])
        compared = paired(a, b)
        verdicts.append(Verdict(text, board.title, metric, compared, compared.p, "not shown", "Wilcoxon, paired"))
    return verdicts


def _growth(few: Board, many: Board) -> list[Verdict]:
    """The lead at few and at many parameters, over the same models; the sounds differ, so they are not paired."""
    text, where = _GROWS.format(few.parameters, many.parameters), f"{few.series}{_size(few)}"
    here, there = ([row.name for row in board.models(_WITHOUT_FLOWS)] for board in (few, many))
    others = [name for name in here if name in there]
    if len(others) < len(_WITHOUT_FLOWS):
        text += f" (only over {', '.join(others)})"
    found = []
    for metric in JUDGED_BY:
        leads = [_lead(board, metric, others) for board in (many, few)]
        if all(len(lead) for lead in leads):
            compared = unpaired(*leads)
            found.append(Verdict(text, where, metric, compared, compared.p, "not shown", "Mann-Whitney"))
    return found


def _lead(board: Board, metric: str, names: Sequence[str]) -> np.ndarray:
    """By how much the leader is better than the others' mean, in units of the metric, of each family."""
    leader, others = board.models([_LEADER]), board.models(names)
    if not leader or not others:
        return np.empty(0)
    own, their = _common([_together(rows, metric) for rows in (leader, others)])
    return own - their  # negative where lower is better and the leader leads, as in every other comparison


def _pairs(boards: Sequence[Board]) -> list[tuple[Board, Board]]:
    """For each series and size the boards with the fewest and the most parameters that are a subset's, if any."""
    pairs = []
    for key in sorted({(board.series, board.size) for board in boards}):
        subsets = [b for b in boards if (b.series, b.size) == key and b.synth != b.series]
        if len(subsets) > 1:
            ordered = sorted(subsets, key=lambda board: board.parameters)
            pairs.append((ordered[0], ordered[-1]))
    return pairs


def _together(rows: Sequence[Row], metric: str) -> Family:
    """The mean of several rows, of each family that all of them have."""
    each = [row.by_family(metric) for row in rows]
    shared = [family for family in each[0] if all(family in numbers for numbers in each)]
    return {family: float(np.mean([numbers[family] for numbers in each])) for family in shared}


def _listed(rows: Sequence[Row]) -> str:
    return ", ".join(row.name for row in rows)


def _common(both: Sequence[Family]) -> tuple[np.ndarray, np.ndarray]:
    shared = [family for family in both[0] if family in both[1]]
    first, second = (np.array([numbers[family] for family in shared], float) for numbers in both)
    return first, second


def _answer(verdict: Verdict, p: float | None) -> Literal["yes", "no", "not shown"]:
    if p is None or p >= SURE or verdict.comparison.rank * verdict.comparison.difference <= 0:
        return "not shown"
    first_is_lower = verdict.comparison.difference < 0
    return "yes" if first_is_lower == (metrics[verdict.metric].better == "lower") else "no"


def _size(board: Board) -> str:
    return f", models of {board.size} size" if board.size else ""
