"""Tables and plots of the result files: what `docs/paper.json` and `benchmarks/results` hold, as the pages show it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from snippets import plot, rounded, table

from patchflow.errors import StorageError
from patchflow.parsing import read_object

__all__ = ["Lines", "Paper"]

_METRICS = {"mse_n": "MSE_n", "spectral_convergence": "SC", "log_mel_l1": "log-mel L1, dB", "mss": "MSS"}
_CURVES = ("mlp", "cnn", "resnet", "ae", "vae", "wae", "vaeflow", "flow_reg", "flow_dis", "flow_joint", "nearest")
_CATEGORIES = ("instruments", "other_synths", "voices", "vocal_imitations", "environment")


class Paper:
    """The paper's experiment, as `patchflow tables` wrote it.

    Args:
        path: `docs/paper.json`.

    Raises:
        StorageError: If it cannot be read, or is of another version.
    """

    def __init__(self, path: Path) -> None:
        found = read_object(path)
        lacking = {"boards", "claims"} - set(found)
        if lacking:
            raise StorageError(f"{path}: lacks {min(lacking)!r}, so it is of another version of `patchflow tables`.")
        self.boards: list[dict[str, Any]] = found["boards"]
        self.claims: list[dict[str, Any]] = found["claims"]

    def series(self) -> Mapping[str, list[dict[str, Any]]]:
        """Returns the boards of each synth, fewest parameters first."""
        found: dict[str, list[dict[str, Any]]] = {}
        for board in sorted(self.boards, key=lambda board: board["parameters"]):
            found.setdefault(board["series"], []).append(board)
        return found

    def board(self, board: Mapping[str, Any]) -> str:
        """Returns the table of a board: a row a model, means with the deviation over folds."""
        rows = []
        for row in board["rows"]:
            cells = [_mean(row["test"].get(metric)) for metric in _METRICS]
            rows.append((row["name"], *cells, str(len(row["folds"])), str(row["faults"])))
        columns = ("Model", *_METRICS.values(), "Folds", "Faults")
        return table(columns, rows, board["title"])

    def anova(self, board: Mapping[str, Any]) -> str:
        """Returns a sentence on whether the models of a board differ at all."""
        parts = []
        for metric, found in board["anova"].items():
            name = _METRICS.get(metric, metric)
            size = f"F({found['between']}, {found['within']}) = {rounded(found['f'])}"
            parts.append(f"{name}: {size}, p {_probability(found['p'])}")
        return "One-way ANOVA over the models: " + "; ".join(parts) + "."

    def curve(self, boards: Sequence[Mapping[str, Any]], metric: str = "log_mel_l1") -> str:
        """Returns the plot of a metric over the number of parameters, a line a model."""
        names = [name for name in _CURVES if any(_row(board, name) for board in boards)]
        rows = []
        for board in boards:
            found = [_row(board, name) for name in names]
            cells = [rounded(row["test"][metric]["mean"]) if row else "" for row in found]
            rows.append((str(board["parameters"]), *cells))
        return plot(
            "line",
            ("Parameters", *names),
            rows,
            label=f"{_METRICS[metric]} by number of parameters",
            x_label="free parameters",
            y_label=_METRICS[metric],
            log_x=True,
        )

    def domains(self, board: Mapping[str, Any], metric: str = "log_mel_l1") -> str:
        """Returns the table of a metric on recordings, by category."""
        rows = []
        for row in board["rows"]:
            numbers = (row.get("sounds") or {}).get("numbers") or {}
            if numbers:
                cells = [_mean(numbers.get(name, {}).get(metric), "se") for name in ("", *_CATEGORIES)]
                rows.append((row["name"], *cells))
        words = [name.replace("_", " ") for name in _CATEGORIES]
        return table(("Model", "all", *words), rows, f"{board['title']}: {_METRICS[metric]} on recordings")

    def separation(self, board: Mapping[str, Any]) -> str:
        """Returns how well single dimensions of the latent space separate the two ends of each attribute."""
        words = f"{board['title']}: how well one dimension separates the ends of an attribute, 0.5 to 1"
        return _by_attribute(board, "separation", lambda one: f"{one['auc']:.2f}", words)

    def traversal(self, board: Mapping[str, Any]) -> str:
        """Returns how often sounds change as asked when an attribute's dimension is turned."""
        words = f"{board['title']}: share of presets that have more of it when turned to the high end, 0.5 is chance"
        return _by_attribute(board, "traversal", lambda one: f"{one['heard']:.2f}", words)

    def claims_table(self, synth: str) -> str:
        """Returns the paper's claims for the boards of a synth, with what was found here."""
        titles = {board["title"] for board in self.boards if board["series"] == synth}
        rows = []
        for claim in self.claims:
            if claim["where"] in titles:
                where = claim["where"].partition(":")[0]
                name = _METRICS.get(claim["metric"], claim["metric"])
                rows.append((claim["claim"], where, name, _probability(claim["p"]), claim["answer"]))
        return table(
            ("Claim", "Where", "Metric", "p (Holm)", "Answer"),
            rows,
            f"What the paper claims, measured here with {synth}",
        )


class Lines:
    """A file of results, a line a sound and method.

    Args:
        path: One of `benchmarks/results`.

    Raises:
        StorageError: If it cannot be read, or a line lacks what every line has.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = list(_read(path))

    def methods(self) -> list[tuple[str, str]]:
        """Returns rows and budgets, in the order of the file."""
        return list(dict.fromkeys((line["row"], str(line["budget"])) for line in self.lines))

    def boxes(self, metric: str, label: str, unit: str, least: int = 5) -> str:
        """Returns box plots of a metric, a box a method.

        Args:
            metric: Its name.
            label: What the plot shows.
            unit: Label of its axis.
            least: Fewest sounds that make a box.
        """
        groups = {}
        for row, budget in self.methods():
            name = row if budget in ("0", "1") else f"{row}, {budget}"
            groups[name] = self._values(metric, row=row, budget=budget)
        return _boxes({name: values for name, values in groups.items() if len(values) >= least}, label, unit)

    def by_category(self, metric: str, row: str, budget: str, label: str, unit: str) -> str:
        """Returns box plots of a metric for one method, a box a category."""
        groups = {}
        for category in _CATEGORIES:
            values = self._values(metric, row=row, budget=budget, category=category)
            if values:
                groups[f"{category.replace('_', ' ')} ({len(values)})"] = values
        return _boxes(groups, label, unit)

    def table(self, metric: str, caption: str) -> str:
        """Returns medians and quartiles of a metric, by method and category."""
        categories = [name for name in _CATEGORIES if self._values(metric, category=name)]
        rows = []
        for row, budget in self.methods():
            cells = []
            for name in categories:
                values = self._values(metric, row=row, budget=budget, category=name)
                cells.append(_quartiles(values))
            rows.append((f"{row}, {budget}", *cells))
        words = [name.replace("_", " ") for name in categories]
        return table(("Method, budget", *words), rows, caption)

    def _values(self, metric: str, **wanted: str) -> list[float]:
        found = []
        for line in self.lines:
            fits = all(str(line.get(key)) == value for key, value in wanted.items())
            if fits and line.get(metric) is not None:
                found.append(float(line[metric]))
        return found


def _read(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
        except ValueError as error:
            raise StorageError(f"{path}: line {number} is not JSON.") from error
        if lacking := {"item", "row", "budget"} - set(found):
            raise StorageError(f"{path}: line {number} lacks {min(lacking)!r}, so it is of another version.")
        yield found


def _by_attribute(board: Mapping[str, Any], field: str, cell: Callable[[Mapping[str, Any]], str], caption: str) -> str:
    """A table of numbers by model and attribute; a model with two spaces has two rows."""
    spaces = {"latent": ", the best dimension", "disentangled": ", the attribute's dimension"}
    cells: dict[tuple[str, str], str] = {}
    for row in board["rows"]:
        for one in row.get(field) or ():
            model = row["name"] + spaces.get(one.get("space", ""), "")
            cells[model, " to ".join(one["words"])] = cell(one)
    models = dict.fromkeys(model for model, _ in cells)
    names = dict.fromkeys(name for _, name in cells)
    rows = [(model, *(cells.get((model, name), "") for name in names)) for model in models]
    return table(("Model", *names), rows, caption)


def _boxes(groups: Mapping[str, Sequence[float]], label: str, unit: str) -> str:
    rows = []
    for name, values in groups.items():
        ends = np.percentile(values, (5, 25, 50, 75, 95))
        rows.append((name, *(rounded(float(end)) for end in ends)))
    columns = ("", "5 %", "25 %", "median", "75 %", "95 %")
    return plot("box", columns, rows, label=label, x_label=unit)


def _quartiles(values: Sequence[float]) -> str:
    if not values:
        return ""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return f"{rounded(float(middle))} ({rounded(float(low))} to {rounded(float(high))})"


def _mean(number: Mapping[str, float] | None, spread: str = "sd") -> str:
    if not number:
        return ""
    more = number.get(spread) or number.get("se")
    return rounded(number["mean"]) + (f" ± {rounded(more, 2)}" if more else "")


def _row(board: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return next((row for row in board["rows"] if row["name"] == name), None)


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
