"""The numbers of a board as JSON: what its tables show, and what is written for machines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ...metrics import metrics
from .board import Board, Row
from .claims import TESTED_METRICS, anova

__all__ = ["better", "measured", "numbers_of"]

_COSTS = ("minutes", "epochs", "steps")


def measured() -> tuple[str, ...]:
    """Returns the names of all numbers of a line: the paper's three, then the project's own."""
    first = ("mse_n", "spectral_convergence", "mel_mse", "log_mel_l1")
    return (*first, *(name for name in metrics if name not in first))


def better(name: str) -> str:
    """Returns whether a `"lower"` or a `"higher"` number is better."""
    return "lower" if name == "mse_n" else metrics[name].better


def numbers_of(board: Board) -> dict[str, Any]:
    """Returns all numbers of a board, JSON-serialisable.

    Each is a mean over families of sounds, then over folds and seeds; `sd` is the standard deviation over these, None
    for one. `median` is that of the families, `se` the standard error of their mean.

    Args:
        board: Its rows.
    """
    variance = {}
    for name in TESTED_METRICS:
        groups = [_family_means(row, name) for row in board.models()]
        found = anova(groups)
        variance[name] = None if found is None else asdict(found)
    return {
        "title": board.title,
        "synth": board.synth,
        "series": board.series,
        "parameters": board.parameters,
        "size": board.size,
        "anova": variance,
        "rows": [_row(row) for row in board.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    summaries = [result.summary for result in row.results]
    runs = sorted({(result.head["fold"], result.head["seed"]) for result in row.results})
    trained = [summary.get("trained", {}) for summary in summaries]
    return {
        "name": row.name,
        "model": row.results[0].head["row"],
        "kind": row.kind,
        "runs": [list(run) for run in runs],
        "folds": list(row.folds),
        "items": row.count(),
        "families": row.families(),
        "faults": row.faults(),
        "test": {name: _spread(row, name) for name in measured()},
        "sounds": _out_of_domain(row),
        "capacity": _mean_at("capacity", summaries),
        "prediction_ms": _mean_at("prediction_ms", summaries),
        "devices": sorted({summary["device"] for summary in summaries if "device" in summary}),
        **{cost: _mean_at(cost, trained) for cost in _COSTS},
        "separation": _separation(summaries),
        "traversal": _traversal(summaries),
    }


def _spread(row: Row, name: str, part: str = "lines", category: str | None = None) -> dict[str, float | None]:
    means = row.means(name, part, category)
    values = _family_means(row, name, part, category)
    return {
        "mean": float(means.mean()) if len(means) else None,
        "sd": float(means.std(ddof=1)) if len(means) > 1 else None,
        "se": float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None,
        "median": float(np.median(values)) if len(values) else None,
    }


def _family_means(row: Row, name: str, part: str = "lines", category: str | None = None) -> np.ndarray:
    return np.array(list(row.by_family(name, part, category).values()))


def _out_of_domain(row: Row) -> dict[str, Any] | None:
    """Of out-of-domain sounds: all of them under "", and each category."""
    categories: set[str] = set()
    for result in row.results:
        categories |= {line["category"] for line in result.sounds}
    if not categories:
        return None
    names = [name for name in measured() if name != "mse_n"]  # nobody knows the preset of a recording
    numbers = {"": {name: _spread(row, name, "sounds") for name in names}}
    for category in sorted(categories - {""}):  # sounds without one are among all, and nowhere else
        numbers[category] = {name: _spread(row, name, "sounds", category) for name in names}
    # Every fold has the same sounds, and `count` counts them once a fold.
    folds = {result.head["fold"] for result in row.results if result.sounds}
    return {"items": row.count("sounds") // len(folds), "numbers": numbers}


def _separation(summaries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over runs for each attribute and each space of the model."""
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for summary in summaries:
        for entry in summary.get("separation", []):
            found.setdefault((*entry["words"], entry["space"]), []).append(entry)
    rows = []
    for key, entries in sorted(found.items()):
        row: dict[str, Any] = {"words": list(key[:-1]), "space": key[-1], "runs": len(entries)}
        rows.append(row | {"auc": _mean_at("auc", entries), "d_prime": _mean_at("d_prime", entries)})
    return rows


def _traversal(summaries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over runs for each macro-control."""
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for summary in summaries:
        for entry in summary.get("traversal", []):
            found.setdefault(tuple(entry["words"]), []).append(entry)
    rows = []
    for words, entries in sorted(found.items()):
        row: dict[str, Any] = {"words": list(words), "runs": len(entries)}
        row["sounds"] = sum(entry["sounds"] for entry in entries)
        rows.append(row | {"heard": _mean_at("heard", entries), "others": _mean_at("others", entries)})
    return rows


def _mean_at(key: str, entries: Sequence[Mapping[str, Any]]) -> float | None:
    """The mean of those entries that have a value; older summaries lack some."""
    known = [entry[key] for entry in entries if entry.get(key) is not None]
    return float(np.mean(known)) if known else None
