"""The numbers of a board: what its tables show, and what is written for machines."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ...metrics import metrics
from .board import Board, Row
from .claims import JUDGED_BY
from .statistics import anova

__all__ = ["better", "measured", "numbers_of"]

_COSTS = ("minutes", "epochs", "steps")


def measured() -> tuple[str, ...]:
    """Returns the names of all numbers of a line: the paper's three, then the project's own."""
    papers = ("mse_n", "spectral_convergence", "mel_mse")
    return (*papers, "log_mel_l1", *(name for name in metrics if name not in (*papers, "log_mel_l1")))


def better(name: str) -> str:
    """Returns whether a `"lower"` or a `"higher"` number is better."""
    return "lower" if name == "mse_n" else metrics[name].better


def numbers_of(board: Board) -> dict[str, Any]:
    """Returns all numbers of a board, as JSON has them.

    Each is a mean over families of sounds, then over folds and seeds; `sd` is the standard deviation over these, None
    for one. `median` is that of the families, `se` the standard error of their mean.

    Args:
        board: Its rows.
    """
    models = board.models()
    variance = {}
    for name in JUDGED_BY:
        found = anova([np.array(list(row.by_family(name).values())) for row in models])
        variance[name] = None if found is None else asdict(found)
    about = {"title": board.title, "synth": board.synth, "series": board.series}
    about |= {"parameters": board.parameters, "size": board.size}
    return about | {"anova": variance, "rows": [_row(row) for row in board.rows]}


def _row(row: Row) -> dict[str, Any]:
    summaries = [result.summary for result in row.results]
    folds = sorted({(result.head["fold"], result.head["seed"]) for result in row.results})
    return {
        "name": row.name,
        "model": row.results[0].head["row"],
        "kind": row.kind,
        "runs": [list(run) for run in folds],
        "folds": list(row.folds),
        "items": row.count(),
        "families": row.families(),
        "faults": row.faults(),
        "test": {name: _spread(row, name) for name in measured()},
        "sounds": _sounds(row),
        "capacity": _mean([summary.get("capacity") for summary in summaries]),
        "one_shot_ms": _mean([summary.get("one_shot_ms") for summary in summaries]),
        "devices": sorted({summary["device"] for summary in summaries if "device" in summary}),
        **{cost: _mean([summary.get("trained", {}).get(cost) for summary in summaries]) for cost in _COSTS},
        "separation": _separation(summaries),
        "turning": _turning(summaries),
    }


def _spread(row: Row, name: str, part: str = "lines", category: str | None = None) -> dict[str, float | None]:
    means = row.means(name, part, category)
    values = np.array(list(row.by_family(name, part, category).values()))
    return {
        "mean": float(means.mean()) if len(means) else None,
        "sd": float(means.std(ddof=1)) if len(means) > 1 else None,
        "se": float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None,
        "median": float(np.median(values)) if len(values) else None,
    }


def _sounds(row: Row) -> dict[str, Any] | None:
    """Of foreign sounds: all of them under "", and each category."""
    categories = sorted({line["category"] for result in row.results for line in result.sounds})
    if not categories:
        return None
    heard = [name for name in measured() if name != "mse_n"]
    return {
        "items": row.count("sounds") // len({result.head["fold"] for result in row.results if result.sounds}),
        "numbers": {
            category or "": {name: _spread(row, name, "sounds", category) for name in heard}
            for category in dict.fromkeys([None, *categories])
        },
    }


def _separation(summaries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over runs for each pair of words and space of the model."""
    found: dict[tuple[str, ...], list[dict[str, float]]] = {}
    for summary in summaries:
        for entry in summary.get("separation", []):
            found.setdefault((*entry["words"], entry["space"]), []).append(entry)
    return [
        {"words": list(key[:-1]), "space": key[-1], "runs": len(entries),
         "auc": _mean([entry["auc"] for entry in entries]), "d_prime": _mean([entry["d_prime"] for entry in entries])}
        for key, entries in sorted(found.items())
    ]  # fmt: skip


def _turning(summaries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over runs for each macro-control."""
    found: dict[tuple[str, ...], list[dict[str, float]]] = {}
    for summary in summaries:
        for entry in summary.get("turning", []):
            found.setdefault(tuple(entry["words"]), []).append(entry)
    return [
        {"words": list(words), "runs": len(entries), "sounds": sum(entry["sounds"] for entry in entries),
         "heard": _mean([entry["heard"] for entry in entries]), "others": _mean([entry["others"] for entry in entries])}
        for words, entries in sorted(found.items())
    ]  # fmt: skip


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
