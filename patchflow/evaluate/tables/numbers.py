"""The numbers of a board: all of them as JSON, and each as the text of a cell in Markdown tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ...metrics import metrics
from ...printable import tame_markup
from .board import Board, Row
from .claims import TESTED_METRICS, anova

__all__ = ["better", "bold", "measured", "numbers_of", "p_value", "share", "short", "table"]

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


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table.

    Args:
        head: Names of the columns.
        rows: Cells, as many in each row.

    Example:
        >>> print(table(["model", "n"], [["vae", "3"]]))
        | model | n |
        |---|---|
        | vae | 3 |
    """
    lines = [_line(head), "|" + "---|" * len(head)]
    lines += [_line(row) for row in rows]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    # A bar in a cell would end it.
    return "| " + " | ".join(tame_markup(cell).replace("|", "/") for cell in cells) + " |"


def bold(cells: Sequence[str], values: Sequence[float | None], better: str) -> list[str]:
    """Returns the cells with those of the best value in bold; values of None take no part.

    Args:
        cells: Texts.
        values: Their numbers.
        better: `"lower"` or `"higher"`.

    Example:
        >>> bold(["1.0", "2.0", "–"], [1.0, 2.0, None], "lower")
        ['**1.0**', '2.0', '–']
    """
    known = [value for value in values if value is not None]
    best = (min if better == "lower" else max)(known) if known else None
    marked = []
    for cell, value in zip(cells, values, strict=True):
        is_best = value is not None and value == best
        marked.append(f"**{cell}**" if is_best else cell)
    return marked


def short(value: float | None, digits: int = 3) -> str:
    """Returns a number with few digits and no exponent where it can be avoided.

    Example:
        >>> short(0.0123456), short(12345.6), short(3.0), short(None)
        ('0.0123', '12,346', '3.00', '–')
    """
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e7 else f"{value:.{digits - 1}e}"
    return f"{value:#.{digits}g}".rstrip(".") if abs(value) >= 1e-4 else f"{value:.{digits - 1}e}"


def share(part: float, count: int) -> str:
    """Returns a share with its standard error, which is above 0 for shares of all and of none.

    References:
        Agresti & Coull, Approximate is better than "exact" for interval estimation of binomial proportions (1998),
        https://doi.org/10.1080/00031305.1998.10480550

    Args:
        part: In [0, 1].
        count: Of how many.

    Example:
        >>> share(0.8, 100), share(1.0, 60)
        ('0.80 ± 0.04', '1.00 ± 0.02')
    """
    # Two successes and two failures are added: the plain error of a share of 0 or 1 would be 0.
    middle = (part * count + 2) / (count + 4)
    error = (middle * (1 - middle) / (count + 4)) ** 0.5
    return f"{part:.2f} ± {error:.2f}"


def p_value(p: float | None) -> str:
    """Returns a p-value as it is printed.

    Example:
        >>> p_value(0.0312), p_value(1e-9), p_value(None)
        ('0.031', '< 0.001', '–')
    """
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


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
