"""The page of all tables, in Markdown: made of the numbers alone."""

from collections.abc import Sequence
from typing import Any

from ...metrics import metrics
from .claims import JUDGED_BY, Verdict
from .markdown import bold, p_value, share, short, table
from .numbers import better, measured
from .published import FOREIGN, MEAN_PRESET, PUBLISHED

__all__ = ["page"]

_LABELS = {"mse_n": "MSE_n", "spectral_convergence": "SC", "mel_mse": "MSE", "log_mel_l1": "log-mel L1"}
_ARROWS = {"lower": "↓", "higher": "↑"}
_HEAD = """# The paper's experiment

Made by `patchflow tables` from result files. Do not edit.

Every number is a mean over the families of a test part, then over folds and seeds; ± is the standard deviation over
these, or, of a single run, the standard error over families. Sounds of a family are almost the same, so its mean
counts as one. A model gives one preset for a sound: its single best guess, without a search. The synth plays it, and
the sound is compared with the wanted one. A preset that the synth cannot play counts as silence and as a fault. The
best is bold, the oracle aside; rows that were not tested on all the folds that others were take no part in that.

* MSE_n: mean square error of the parameters, relative to the mean square of all wanted presets.
* SC: spectral convergence of linear mel power spectrograms, as in the paper. Silence has 1. A few loud misses decide
  its mean, so the median over families stands beside it. Where both are above 1, it tells failures apart and no more.
* MSE: mean square error of the same spectrograms. It depends on the level of the sounds: compare it within a table
  only.
* oracle: the true preset once more, so the noise of the synth. mean, random, nearest: presets of the training part.
"""

_SMALL = """Models of small size learned for a few thousand steps, and their auto-encoders give reconstruction a small
weight, those with a regression flow a smaller one (recipes/paper/small, chosen on validation parts: LOG.md). So they
hardly draw their sounds, and what is said of them here need not hold for the paper's sizes, weights and 500 epochs.
"""


def page(boards: Sequence[dict[str, Any]], verdicts: Sequence[Verdict], tags: Sequence[dict[str, Any]]) -> str:
    """Returns the page.

    Args:
        boards: What `numbers_of` returns.
        verdicts: Of the claims.
        tags: What tag classifiers reached.
    """
    parts = [_HEAD]
    if verdicts:
        parts += ["## What the paper claims, and this project\n", _claims(verdicts)]
        parts += [_SMALL] if any(board["size"] == "small" for board in boards) else []
    for board in boards:
        parts += [f"## {board['title']}\n", _main(board), _variance(board), "### Costs\n", _costs(board)]
        parts += _beside(board) + _foreign(board) + _separation(board) + _turning(board)
    parts += _growing(boards)
    if tags:
        parts += ["## Tags told from sounds and from parameters\n", _tags(tags)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def _main(board: dict[str, Any]) -> str:
    names, rows = measured(), board["rows"]
    head = ["row", "folds", "runs", "families", "sounds", *(_titled(name) for name in names), "SC median ↓", "faults"]
    columns = [[row["name"] for row in rows], [",".join(map(str, row["folds"])) for row in rows]]
    columns += [[str(len(row["runs"])) for row in rows]]
    columns += [[f"{row[count]:,}" for row in rows] for count in ("families", "items")]
    columns += [_column(rows, name) for name in names]
    medians = [row["test"]["spectral_convergence"]["median"] for row in rows]
    columns += [bold([short(value) for value in medians], _ranked(rows, medians), "lower")]
    columns += [[str(row["faults"]) for row in rows]]
    return table(head, list(zip(*columns, strict=True)))


def _column(rows: Sequence[dict[str, Any]], name: str) -> list[str]:
    found = [row["test"][name] for row in rows]
    return bold([_spread(value) for value in found], _ranked(rows, [v["mean"] for v in found]), better(name))


def _ranked(rows: Sequence[dict[str, Any]], values: Sequence[float | None]) -> list[float | None]:
    """The values that may be best: not the oracle's, which knows the answer, nor those of fewer folds than others'."""
    folds = {fold for row in rows for fold in row["folds"]}
    may = (row["name"] != "oracle" and folds == set(row["folds"]) for row in rows)
    return [value if fair else None for value, fair in zip(values, may, strict=True)]


def _spread(value: dict[str, float | None]) -> str:
    """A mean, and the deviation with as many decimals."""
    text, deviation = short(value["mean"]), value["se"] if value["sd"] is None else value["sd"]
    if not deviation or "e" in text:
        return text
    decimals = len(text.partition(".")[2])
    return f"{text} ± {deviation:,.{decimals}f}"


def _variance(board: dict[str, Any]) -> str:
    lines = []
    for name, found in board["anova"].items():
        if found:
            f = f"F({found['between']}, {found['within']}) = {found['f']:.2f}, p {_equals(found['p'])}"
            lines.append(f"One-way ANOVA over models, {_LABELS[name]}, one number a family of sounds: {f}.")
    if lines:
        lines.append(
            "It takes the models' sounds for different ones, as the paper does; the claims above compare pairs."
        )
    return "\n".join(lines)


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def _costs(board: dict[str, Any]) -> str:
    head = ["model", "weights", "epochs", "minutes of training", "one guess, ms", "on"]
    rows = [
        [row["name"], short(row["capacity"]) if (row["capacity"] or 0) < 1000 else f"{row['capacity']:,.0f}",
         "–" if row["epochs"] is None else f"{row['epochs']:.0f}", short(row["minutes"]), short(row["one_shot_ms"]),
         ", ".join(row["devices"])]
        for row in board["rows"] if row["kind"] == "model"
    ]  # fmt: skip
    return table(head, rows) if rows else "No models."


def _beside(board: dict[str, Any]) -> list[str]:
    """The published figures beside ours."""
    count, published = board["parameters"], PUBLISHED.get(board["parameters"], {})
    rows = [row for row in board["rows"] if row["kind"] == "model"]
    if not rows:
        return []
    if not any(row["model"] in published for row in rows):
        return [f"For {count} parameters the paper has no figures to put beside these."]
    ours = next((row["test"]["mse_n"]["mean"] for row in board["rows"] if row["name"] == "mean"), None)
    cells = []
    for row in rows:
        their, mine = published.get(row["name"]), row["test"]  # a variant has nothing beside it
        relative = None if not ours or mine["mse_n"]["mean"] is None else mine["mse_n"]["mean"] / ours
        numbers = [relative, their and their.mse_n / MEAN_PRESET[count], mine["mse_n"]["mean"], their and their.mse_n]
        numbers += [mine["spectral_convergence"]["mean"], their and their.spectral_convergence]
        cells.append([row["name"], *map(short, numbers)])
    head = ["model", "MSE_n / mean preset's", "paper's / one measured later", "MSE_n", "paper", "SC", "paper"]
    why = (
        f"The paper's synth is a commercial one (Diva, {count} of its parameters, its own 11,217 presets), so no "
        "figure is comparable as it stands. MSE_n depends on where presets lie in the cube: what it is of the mean "
        "preset's can be compared. SC has no unit, but depends on how the sounds of a synth differ: compare the order "
        "of the models. MSE depends on the level of the synth and is left out."
    )
    return ["### Beside the published figures\n", table(head, cells), why]


def _foreign(board: dict[str, Any]) -> list[str]:
    """Sounds of another world, by category."""
    rows = [row for row in board["rows"] if row["sounds"]]
    parts = []
    for name in JUDGED_BY if rows else ():
        categories = list(rows[0]["sounds"]["numbers"])
        columns = [[row["name"] for row in rows]]
        for category in categories:
            found = [row["sounds"]["numbers"][category][name] for row in rows]
            columns.append(bold([_spread(v) for v in found], _ranked(rows, [v["mean"] for v in found]), better(name)))
        published = FOREIGN.get(board["parameters"], {}) if name == "spectral_convergence" else {}
        if published:
            columns.append([short(published.get(row["model"])) for row in rows])
        head = ["row", *(category or f"all ({rows[0]['sounds']['items']})" for category in categories)]
        head += ["paper"] if published else []
        parts += [f"### Out of domain: {_titled(name)}, each sound at its own note\n"]
        parts += [table(head, list(zip(*columns, strict=True)))]
        parts += ["The paper's synth and sounds are others: compare the order of the models."] if published else []
    return parts


def _separation(board: dict[str, Any]) -> list[str]:
    rows = [[row["name"], " / ".join(entry["words"]), entry["space"], short(entry["auc"]), short(entry["d_prime"])]
            for row in board["rows"] for entry in row["separation"]]  # fmt: skip
    if not rows:
        return []
    note = (
        "Along the dimension that separates the training sounds best, or the macro-control that stands for "
        "the pair; measured on the test part. An AUC of 0.5 is chance."
    )
    head = ["model", "words", "space", "AUC ↑", "d' ↑"]
    return ["### How far apart opposite words lie in the latent space\n", table(head, rows), note]


def _turning(board: dict[str, Any]) -> list[str]:
    rows = [
        [row["name"], " / ".join(entry["words"]), str(entry["sounds"]), share(entry["heard"], entry["sounds"]),
         short(entry["others"])]
        for row in board["rows"] for entry in row["turning"]
    ]  # fmt: skip
    if not rows:
        return []
    note = (
        "The latents of test sounds with one macro-control at -1 and at +1, both presets played: the share of sounds "
        "that have more of the second word at +1, ± its standard error; those without a difference count half, so "
        "0.5 is chance. Then how far the same number of the other words is from 0.5, on average: chance alone makes "
        "that about 0.05 with 60 sounds. Where -1 and +1 lie is the model's: the means of its words for flow_dis, one "
        "standard deviation of N(0, 1) for flow_joint."
    )
    head = ["model", "words", "sounds", "heard ↑", "others"]
    return ["### What turning a macro-control does\n", table(head, rows), note]


def _growing(boards: Sequence[dict[str, Any]]) -> list[str]:
    """Boards of one series side by side, from few to many parameters."""
    parts = []
    for key in dict.fromkeys((board["series"], board["size"]) for board in boards):
        mine = [board for board in boards if (board["series"], board["size"]) == key]
        if len(mine) < 2:
            continue
        names = list(dict.fromkeys(row["name"] for board in mine for row in board["rows"]))
        size = f", models of {key[1]} size" if key[1] else ""
        for metric in ("mse_n", *JUDGED_BY):
            columns = [names, *(_by_name(board["rows"], names, metric) for board in mine)]
            head = ["row", *(str(board["parameters"]) for board in mine)]
            parts += [f"## {key[0]}{size}: {_titled(metric)} by number of parameters\n"]
            parts += [table(head, list(zip(*columns, strict=True)))]
    return parts


def _by_name(rows: Sequence[dict[str, Any]], names: Sequence[str], metric: str) -> list[str]:
    cells = {row["name"]: cell for row, cell in zip(rows, _column(rows, metric), strict=True)}
    return [cells.get(name, "–") for name in names]


def _claims(verdicts: Sequence[Verdict]) -> str:
    head = ["claim", "where", "metric", "families", "difference", "rank", "test", "p (Holm)", "answer"]
    rows = [
        [v.claim, v.where, _LABELS[v.metric], str(v.comparison.count), f"{v.comparison.difference:+.3g}",
         f"{v.comparison.rank:+.2f}", v.test, p_value(v.p), f"**{v.answer}**"]
        for v in verdicts
    ]  # fmt: skip
    note = (
        "Sounds of a family count as one. Difference and rank correlation are of the first against the second: below 0 "
        "the first is nearer to the sound. All tests are two-sided and corrected together by Holm's method. The answer "
        "is yes or no where p < 0.05 and mean and ranks agree, else not shown. Chance is that of the sounds: how much "
        "models differ that are trained once more is in p only as far as there are runs of several seeds or folds."
    )
    return table(head, rows) + "\n\n" + note


def _tags(tags: Sequence[dict[str, Any]]) -> str:
    head = ["synth", "fold", "words", "test families", "from the sound", "from the parameters"]
    rows = [
        [entry["synth"], str(entry["fold"]), " / ".join(pair["words"]), " + ".join(map(str, pair["counts"]["test"])),
         short(pair.get("sound")), short(pair.get("parameters"))]
        for entry in tags for pair in entry["pairs"]
    ]  # fmt: skip
    note = (
        "Balanced accuracy of a linear classifier on other families of presets than it learned from; 0.5 is chance. "
        "– is too few families. Words that were measured on the sound itself are told from it by construction: what is "
        "of interest is how much of them the parameters tell, and words that were guessed from names."
    )
    return table(head, rows) + "\n\n" + note


def _titled(name: str) -> str:
    unit = "" if name == "mse_n" else metrics[name].unit
    return " ".join(filter(None, (_LABELS.get(name, name), unit, _ARROWS[better(name)])))
