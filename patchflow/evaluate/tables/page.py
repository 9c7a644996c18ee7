"""The page of all tables, in Markdown: made of the numbers alone, written with them, and written again from them."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import StorageError
from ...metrics import metrics
from ...old_names import OLD_NAMES, with_new_names, with_new_value
from ...parsing import read_object
from ...printable import tame_markup
from ...storage import make_folder, write_atomically
from .board import MEAN_PRESET, OUT_OF_DOMAIN, PUBLISHED, boards_of, read_results, read_tags
from .claims import TESTED_METRICS, Comparison, Verdict, verdicts
from .numbers import better, bold, measured, numbers_of, p_value, share, short, table

__all__ = ["page", "rewrite_tables", "write_tables"]

_WIDTH = 120  # columns of the page's text; rows of tables are as long as they are
_LABELS = {"mse_n": "MSE_n", "spectral_convergence": "SC", "mel_mse": "MSE", "log_mel_l1": "log-mel L1"}
_ARROWS = {"lower": "↓", "higher": "↑"}
_HEAD = """# The paper's experiment

How well models predict presets for sounds, beside baselines that need no model and the paper's figures. Made by
`patchflow tables` from result files. Do not edit.

Every number is a mean over the families of a test part, then over folds and seeds; ± is the standard deviation over
these, or, of a single run, the standard error over families. Sounds of a family are almost the same, so its mean
counts as one. A model gives one preset for a sound: its single best prediction, without a search. The synth plays it,
and the sound is compared with the target. A preset that the synth cannot play counts as silence and as a fault. The
best is bold, the oracle aside; rows that were not tested on all the folds that others were take no part in that.

* MSE_n: mean square error of the parameters, relative to the mean square of all true presets.
* SC: spectral convergence of linear mel power spectrograms, as in the paper. Silence has 1. A few loud misses decide
  its mean, so the median over families stands beside it. Where both are above 1, it tells failures apart and no more.
* MSE: mean square error of the same spectrograms. It depends on the level of the sounds: compare it within a table
  only.
* Baselines: nearest, mean and random are presets of the training part. The oracle is the true preset played once more,
  so it shows the noise of the synth.
"""

_SMALL_NOTE = """Models of small size were trained for a few thousand steps, and their auto-encoders give reconstruction
a small weight, those with a regression flow a smaller one (recipes/paper/small, chosen on validation parts: LOG.md). So
they hardly reconstruct their sounds, and what is said of them here need not hold for the paper's sizes, weights and
500 epochs."""

_ANOVA_NOTE = "It takes the models' sounds for different ones, as the paper does; the claims above compare pairs."

_PUBLISHED_NOTE = """The paper's synth is a commercial one (Diva, {count} of its parameters, its own 11,217 presets), so
no figure is comparable as it stands. MSE_n depends on where presets lie in the cube: its ratio to that of the mean
preset can be compared. SC has no unit, but depends on how the sounds of a synth differ: compare the order of the
models. MSE depends on the level of the synth and is left out."""

_SEPARATION_NOTE = """Along the dimension that separates the training sounds best, or the macro-control that stands for
the attribute; measured on the test part. An AUC of 0.5 is chance."""

_TRAVERSAL_NOTE = """Test sounds are played twice for each macro-control: from their latents with the macro-control at
-1, and at +1. Effect is the share of sounds that have more of the attribute's second end at +1, ± its standard error;
sounds without a difference count half, so 0.5 is chance. Effect on others is how far the same share of the other
attributes is from 0.5, on average: chance alone makes that about 0.05 with 60 sounds. Each model decides where -1 and
+1 lie: at the means of the attribute's two groups for flow_dis, at one standard deviation of N(0, 1) for flow_joint."""

_CLAIMS_NOTE = """Sounds of a family count as one. Difference and rank correlation are of the first against the second:
below 0 the first is nearer to the target. All tests are two-sided and corrected together by Holm's method. The answer
is yes or no where p < 0.05 and mean and ranks agree, else not shown. Chance is that of the sounds: how much models
differ that are trained once more is in p only as far as there are runs of several seeds or folds."""

_TAGS_NOTE = """Balanced accuracy of a linear classifier on other families of presets than it learned from; 0.5 is
chance. – is too few families. An attribute that is measured on the sound can be predicted from it by construction: of
interest is how well the parameters predict it, and how well an attribute that was guessed from names is predicted."""


def page(boards: Sequence[dict[str, Any]], verdicts: Sequence[Verdict], tags: Sequence[dict[str, Any]]) -> str:
    """Returns the page.

    Args:
        boards: What `numbers_of` returns.
        verdicts: Of the claims.
        tags: Accuracies of the tag classifiers.
    """
    parts = [_HEAD]
    if verdicts:
        parts += ["## What the paper claims, and this project\n", _claims(verdicts), _note(_CLAIMS_NOTE)]
        if any(board["size"] == "small" for board in boards):
            parts += [_note(_SMALL_NOTE)]
    for board in boards:
        parts += [f"## {tame_markup(board['title'])}\n", _main(board), _variance(board), "### Costs\n", _costs(board)]
        parts += _beside(board)
        parts += _out_of_domain(board)
        parts += _separation(board)
        parts += _traversal(board)
    parts += _by_parameters(boards)
    if tags:
        parts += ["## Attributes predicted from sounds and from parameters\n", _tags(tags), _note(_TAGS_NOTE)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def write_tables(folders: Sequence[str | Path], out: str | Path) -> Path:
    """Writes a page of all results in folders and below, and a JSON file of the same name beside it.

    Neither a synth nor a model is needed. Boards, of one synth and one size of models each, are never mixed.

    Args:
        folders: What `evaluate_run` and `evaluate_baselines` wrote.
        out: The Markdown file.

    Returns:
        Path of the JSON file.

    Raises:
        StorageError: If results are missing, damaged, not finished or not comparable, or a file cannot be written.
    """
    boards = boards_of(read_results(folders))
    found = verdicts(boards)
    tags = read_tags(folders)
    return _write(Path(out), [numbers_of(board) for board in boards], found, tags)


def rewrite_tables(out: str | Path) -> Path:
    """Writes a page again from the JSON file beside it, so that old numbers stand under today's names and headings.

    No number changes, and no result file is needed: the JSON file has all that the page shows. It is written again too.

    Args:
        out: The Markdown file that `write_tables` wrote.

    Returns:
        Path of the JSON file.

    Raises:
        StorageError: If the JSON file is missing or is not of `write_tables`, or a file cannot be written.
    """
    out = Path(out)
    beside = out.with_suffix(".json")
    known = read_object(beside)
    try:
        boards = [_board(board) for board in known["boards"]]
        found = [_verdict(claim) for claim in known["claims"]]
        tags = [with_new_names("tags", entry) for entry in known["tags"]]
        return _write(out, boards, found, tags)
    except (AttributeError, KeyError, TypeError) as error:
        raise StorageError(f"{beside}: not the numbers of a page of tables ({error})") from error


def _claims(verdicts: Sequence[Verdict]) -> str:
    head = ["claim", "where", "metric", "families", "difference", "rank", "test", "p (Holm)", "answer"]
    rows = []
    for verdict in verdicts:
        compared = verdict.comparison
        row = [verdict.claim, verdict.where, _LABELS[verdict.metric], str(compared.count)]
        row += [f"{compared.difference:+.3g}", f"{compared.rank:+.2f}"]
        row += [verdict.test, p_value(verdict.p), f"**{verdict.answer}**"]
        rows.append(row)
    return table(head, rows)


def _main(board: dict[str, Any]) -> str:
    rows = board["rows"]
    columns = [("row", [row["name"] for row in rows])]
    columns.append(("folds", [_joined(row["folds"], ",") for row in rows]))
    columns.append(("runs", [str(len(row["runs"])) for row in rows]))
    columns.append(("families", [f"{row['families']:,}" for row in rows]))
    columns.append(("sounds", [f"{row['items']:,}" for row in rows]))
    columns += [(_titled(name), _test_column(rows, name)) for name in measured()]
    medians = [row["test"]["spectral_convergence"]["median"] for row in rows]
    columns.append(("SC median ↓", bold([short(value) for value in medians], _fair(rows, medians), "lower")))
    columns.append(("faults", [str(row["faults"]) for row in rows]))
    return _table_of(columns)


def _variance(board: dict[str, Any]) -> str:
    lines = []
    for name, found in board["anova"].items():
        if found:
            p = p_value(found["p"])
            p = p if p.startswith("<") else f"= {p}"
            f = f"F({found['between']}, {found['within']}) = {found['f']:.2f}, p {p}"
            lines.append(f"One-way ANOVA over models, {_LABELS[name]}, one number a family of sounds: {f}.")
    if lines:
        lines.append(_ANOVA_NOTE)
    return "\n".join(lines)


def _costs(board: dict[str, Any]) -> str:
    head = ["model", "weights", "epochs", "minutes of training", "one prediction, ms", "on"]
    rows = []
    for row in board["rows"]:
        if row["kind"] != "model":
            continue
        weights = row["capacity"]
        cells = [row["name"], f"{weights:,.0f}" if weights and weights >= 1000 else short(weights)]
        cells += ["–" if row["epochs"] is None else f"{row['epochs']:.0f}", short(row["minutes"])]
        cells += [short(row["prediction_ms"]), ", ".join(row["devices"])]
        rows.append(cells)
    return table(head, rows) if rows else "No models."


def _beside(board: dict[str, Any]) -> list[str]:
    """The published figures beside ours."""
    count = board["parameters"]
    published = PUBLISHED.get(count, {})
    rows = [row for row in board["rows"] if row["kind"] == "model"]
    if not rows:
        return []
    if not any(row["model"] in published for row in rows):
        return [f"For {count} parameters the paper has no figures to put beside these."]
    of_mean_preset = None
    for row in board["rows"]:
        if row["name"] == "mean":
            of_mean_preset = row["test"]["mse_n"]["mean"]
    cells = []
    for row in rows:
        mse_n = row["test"]["mse_n"]["mean"]
        sc = row["test"]["spectral_convergence"]["mean"]
        relative = mse_n / of_mean_preset if of_mean_preset and mse_n is not None else None
        # By its name in the table: a variant of a model of the paper has nothing beside it.
        paper = published.get(row["name"])
        if paper:
            numbers = [relative, paper.mse_n / MEAN_PRESET[count], mse_n, paper.mse_n, sc, paper.spectral_convergence]
        else:
            numbers = [relative, None, mse_n, None, sc, None]
        cells.append([row["name"], *map(short, numbers)])
    head = ["model", "MSE_n / mean preset's", "paper's / one measured later", "MSE_n", "paper", "SC", "paper"]
    return ["### Beside the published figures\n", table(head, cells), _note(_PUBLISHED_NOTE.format(count=count))]


def _out_of_domain(board: dict[str, Any]) -> list[str]:
    """Out-of-domain sounds, by category."""
    rows = [row for row in board["rows"] if row["sounds"]]
    if not rows:
        return []
    parts = []
    for name in TESTED_METRICS:
        columns = [("row", [row["name"] for row in rows])]
        for category in rows[0]["sounds"]["numbers"]:
            title = category or f"all ({rows[0]['sounds']['items']})"
            spreads = [row["sounds"]["numbers"][category][name] for row in rows]
            columns.append((title, _spread_column(rows, spreads, name)))
        published = OUT_OF_DOMAIN.get(board["parameters"], {}) if name == "spectral_convergence" else {}
        if published:
            columns.append(("paper", [short(published.get(row["model"])) for row in rows]))
        parts += [f"### Out of domain: {_titled(name)}, each sound at its own note\n", _table_of(columns)]
        if published:
            parts += ["The paper's synth and sounds are others: compare the order of the models."]
    return parts


def _separation(board: dict[str, Any]) -> list[str]:
    rows = []
    for row in board["rows"]:
        for entry in row["separation"]:
            numbers = [short(entry["auc"]), short(entry["d_prime"])]
            rows.append([row["name"], _joined(entry["words"], " / "), entry["space"], *numbers])
    if not rows:
        return []
    head = ["model", "attribute", "space", "AUC ↑", "d' ↑"]
    return ["### Separation of attributes in the latent space\n", table(head, rows), _note(_SEPARATION_NOTE)]


def _traversal(board: dict[str, Any]) -> list[str]:
    rows = []
    for row in board["rows"]:
        for entry in row["traversal"]:
            effect = share(entry["heard"], entry["sounds"])
            cells = [row["name"], _joined(entry["words"], " / "), str(entry["sounds"])]
            rows.append([*cells, effect, short(entry["others"])])
    if not rows:
        return []
    head = ["model", "attribute", "sounds", "effect ↑", "effect on others"]
    return ["### Traversal of the macro-controls\n", table(head, rows), _note(_TRAVERSAL_NOTE)]


def _by_parameters(boards: Sequence[dict[str, Any]]) -> list[str]:
    """Boards of one series side by side, from few to many parameters."""
    series: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for board in boards:
        series.setdefault((board["series"], board["size"]), []).append(board)
    parts = []
    for (name, size), members in series.items():
        if len(members) < 2:
            continue
        title = f"{name}, models of {size} size" if size else name
        for metric in ("mse_n", *TESTED_METRICS):
            parts += [f"## {title}: {_titled(metric)} by number of parameters\n", _side_by_side(members, metric)]
    return parts


def _side_by_side(boards: Sequence[dict[str, Any]], metric: str) -> str:
    names: dict[str, None] = {}  # a set that keeps its order
    for board in boards:
        names |= {row["name"]: None for row in board["rows"]}
    columns = [("row", list(names))]
    for board in boards:
        rows = board["rows"]
        cells = dict(zip([row["name"] for row in rows], _test_column(rows, metric), strict=True))
        columns.append((str(board["parameters"]), [cells.get(name, "–") for name in names]))
    return _table_of(columns)


def _tags(tags: Sequence[dict[str, Any]]) -> str:
    head = ["synth", "fold", "attribute", "test families", "from the sound", "from the parameters"]
    rows = []
    for entry in tags:
        for attribute in entry["attributes"]:
            cells = [entry["synth"], str(entry["fold"]), _joined(attribute["words"], " / ")]
            cells.append(_joined(attribute["counts"]["test"], " + "))
            rows.append([*cells, short(attribute.get("sound")), short(attribute.get("parameters"))])
    return table(head, rows)


def _test_column(rows: Sequence[dict[str, Any]], name: str) -> list[str]:
    return _spread_column(rows, [row["test"][name] for row in rows], name)


def _spread_column(rows: Sequence[dict[str, Any]], spreads: Sequence[dict[str, float | None]], name: str) -> list[str]:
    means = [value["mean"] for value in spreads]
    return bold([_spread(value) for value in spreads], _fair(rows, means), better(name))


def _fair(rows: Sequence[dict[str, Any]], values: Sequence[float | None]) -> list[float | None]:
    """The values that may be best: not the oracle's, which knows the answer, nor those of fewer folds than others'."""
    all_folds: set[int] = set()
    for row in rows:
        all_folds |= set(row["folds"])
    fair = []
    for row, value in zip(rows, values, strict=True):
        takes_part = row["name"] != "oracle" and set(row["folds"]) == all_folds
        fair.append(value if takes_part else None)
    return fair


def _spread(value: dict[str, float | None]) -> str:
    """A mean, and the deviation with as many decimals."""
    text = short(value["mean"])
    deviation = value["se"] if value["sd"] is None else value["sd"]
    if not deviation or "e" in text:
        return text
    decimals = len(text.partition(".")[2])
    return f"{text} ± {deviation:,.{decimals}f}"


def _table_of(columns: Sequence[tuple[str, Sequence[str]]]) -> str:
    head = [title for title, _ in columns]
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    return table(head, rows)


def _titled(name: str) -> str:
    unit = "" if name == "mse_n" else metrics[name].unit
    return " ".join(filter(None, (_LABELS.get(name, name), unit, _ARROWS[better(name)])))


def _joined(values: Sequence[Any], between: str) -> str:
    return between.join(map(str, values))


def _note(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _write(out: Path, boards: list[dict[str, Any]], found: list[Verdict], tags: list[dict[str, Any]]) -> Path:
    numbers = {"boards": boards, "claims": [asdict(verdict) for verdict in found], "tags": tags}
    beside = out.with_suffix(".json")
    make_folder(out.parent)
    write_atomically(out, page(boards, found, tags).encode())
    write_atomically(beside, json.dumps(numbers, indent=1, allow_nan=False).encode())
    return beside


def _board(board: Mapping[str, Any]) -> dict[str, Any]:
    """A board of a JSON file under today's names."""
    rows = []
    for old in board["rows"]:
        row = with_new_names("summary", old)
        row["name"] = _row_name(row["name"])
        row["kind"] = with_new_value("kind", row["kind"])
        rows.append(row)
    return {**board, "rows": rows}


def _row_name(name: str) -> str:
    """A row's name under today's names: one in brackets says sizes, as in `"cnn (gated=1)"`."""
    model, bracket, sizes = name.partition(" (")
    if not bracket:
        return name
    renamed = []
    for size in sizes.removesuffix(")").split(", "):
        key, sign, value = size.partition("=")
        renamed.append(OLD_NAMES["sizes"].get(key, key) + sign + value)
    return f"{model} ({', '.join(sorted(renamed))})"  # in the order of `board`


def _verdict(claim: Mapping[str, Any]) -> Verdict:
    text, only, models = claim["claim"].partition(" (only ")
    today = OLD_NAMES["claim"].get(text, text) + only + models
    return Verdict(**{**claim, "claim": today, "comparison": Comparison(**claim["comparison"])})
