"""Turns the result files into Markdown tables: docs/results.md and the short table in the README.

Usage: python benchmarks/tables.py
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from runner import weights
from speeds import speeds

from patchflow.metrics import metrics

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
RANKING = "log_mel_l1"
BEST = ("search", "4000")
SHORT = {
    ("random preset", "1"): "a random voice",
    ("evolution from scratch", "4000"): "evolution without a model, 4,000 renders",
    ("nearest in the training bank", "0"): "the nearest voice of the training bank",
    ("search", "1 s"): "**patchflow, 1 second**",
    ("search", "4000"): "**patchflow, 4,000 renders**",
}
OVERVIEW = (
    *SHORT, ("oracle", "1"), ("mean preset", "1"), ("nearest in the whole bank", "0"),
    ("CMA-ES from scratch", "4000"), ("evolution from scratch", "256"), ("posterior draws", "1"),
    ("posterior draws", "256"), ("search", "256"), ("search", "1000"), ("search", "10 s"),
)  # fmt: skip
HEAD = """# Results

How near every method comes to a sound, and how fast everything is, in numbers.

Made by `benchmarks/tables.py` from `benchmarks/results/`. Do not edit.

How to read the tables:

* All rows of a table have the same targets, unless it has a column n. Where some rows were run on more targets, a
  second table has those rows.
* Intervals are bootstrapped over targets.
* `s` is the mean wall time, on two cores that were often busy with other work. Read it as an upper bound.
* A preview of a part of the note counts as that part of a render.
* Rows with a * were made with other weights than those that are shipped now.
* log-mel L1 compares sounds at the same peak; mss, mel_mse and spectral convergence depend on the level too. A preset
  whose sound is right but far too quiet has a small log-mel L1 and large values of the others.
"""
DX7 = """The README has five of these rows, on the targets that all five share. Targets are DX7 voices whose family was
held out: no near-duplicate of them was used for training. They are played on middle C for 3 of 4 s, and every method is
given the note.

Here rows differ in their number of targets (n): slow methods were run on the first targets only. `best search there` is
the search with 4,000 renders on just the targets of the row. Seconds are upper bounds: rows other than `1 s` and `10 s`
were run on one busy core each. The search rejects bad candidates by a preview, the first fifth of the note, which
counts as a fifth of a render.
"""
NOTES = {
    "vital": (
        "Targets are presets that are kept for tests, played with all they hold. What is searched for has a fresh",
        "synth's wavetables, so 0 dB is out of reach for most, and the true values alone are far off. The bank for",
        "training is drawn around the fresh preset. One thing was learned from the targets: which 179 parameters are",
        "the core of Vital was chosen by counting what these presets change.",
        "",
    ),
}


def main() -> None:
    """Writes docs/results.md and the README's table."""
    parts = [HEAD, *overview()]
    for synth in sorted({path.stem.partition("-")[0] for path in RESULTS.glob("*-*.jsonl")}, reverse=True):
        parts += chapter(synth)
    parts += speeds()
    (ROOT / "docs" / "results.md").write_text("\n".join(parts))
    readme = ROOT / "README.md"
    pattern = r"(<!-- table:start -->).*?(<!-- table:end -->)"
    rows = "\n".join(short())
    text = re.sub(pattern, lambda m: f"{m[1]}\n\n{rows}\n\n{m[2]}", readme.read_text(), flags=re.DOTALL)
    readme.write_text(text)


def short() -> list[str]:
    """Returns the README's table, as lines: five rows on the targets that all of them have."""
    groups = chosen(SHORT)
    shared = set.intersection(*map(items, groups.values()))
    rows = ["| method | distance, dB ↓ [95 %] | median | seconds |", "|---|---|---|---|"]
    for key, lines in groups.items():
        common = [line for line in lines if line["item"] in shared]
        value = np.array([line[RANKING] for line in common])
        low, high = interval(value)
        cells = [SHORT[key] + stale("dexed", key[0], common), f"{value.mean():.2f} [{low:.2f}, {high:.2f}]"]
        cells += [f"{np.median(value):.2f}", seconds_text(common)]
        rows.append("| " + " | ".join(cells) + " |")
    return [*rows, "", f"Mean over {len(shared)} voices."]


def overview() -> list[str]:
    """Returns the chapter of the DX7's main rows, each on all targets it was run on, as lines."""
    return ["## dexed: the main rows", "", DX7, *table("dexed", chosen(OVERVIEW), (RANKING,)), ""]


def chosen(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[dict]]:
    """Returns some rows and budgets of the DX7's held-out voices."""
    wanted = set(keys)
    return {key: lines for key, lines in group(read("dexed-voices")).items() if key in wanted}


def chapter(synth: str) -> list[str]:
    """Returns the tables of a synth, as lines."""
    kinds = ("voices", "families", "presets", "models", "sounds")
    voices, families, presets, of_models, sounds = (read(f"{synth}-{kind}") for kind in kinds)
    parts = alike(synth, voices, "held-out presets")
    parts += alike(synth, families, "held-out presets, one of each family: mostly odd ones")
    parts += alike(synth, presets, "presets of other people, with wavetables of their own", NOTES.get(synth, ()))
    parts += alike(synth, of_models, "held-out presets, each model as the proposer")
    if sounds:
        parts += [f"## {synth}: {count(sounds)} real sounds, log-mel L1 in dB by category", ""]
        parts += [*categories(synth, sounds), ""]
        parts += [f"## {synth}: {count(sounds)} real sounds, all metrics", "", *table(synth, group(sounds)), ""]
    return parts


def alike(synth: str, lines: list[dict], what: str, note: Iterable[str] = ()) -> list[str]:
    """Returns a table of the targets that all rows have, and one of the rows that have all targets, as lines."""
    if not lines:
        return []
    targets = {key: items(row) for key, row in group(lines).items()}
    shared = set.intersection(*targets.values())
    every = set.union(*targets.values())
    common = [line for line in lines if line["item"] in shared]
    parts = [f"## {synth}: {len(shared)} {what}", "", *note, *table(synth, group(common)), ""]
    whole = {key: row for key, row in group(lines).items() if targets[key] == every}
    if len(every) > len(shared) and len(whole) > 1:
        parts += [f"### All {len(every)}, as far as rows were run on them", "", *table(synth, whole), ""]
    return parts


def items(lines: list[dict]) -> set[Any]:
    """Returns the targets."""
    return {line["item"] for line in lines}


def count(lines: list[dict]) -> int:
    """Returns the number of targets."""
    return len(items(lines))


def read(name: str) -> list[dict]:
    """Returns the lines of a result file."""
    path = RESULTS / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def group(lines: Iterable[dict]) -> dict[tuple[str, str], list[dict]]:
    """Returns the lines of every row and budget, in the order they were run."""
    groups: dict[tuple[str, str], list[dict]] = {}
    for line in lines:
        groups.setdefault((line["row"], line["budget"]), []).append(line)

    def distance(entry: tuple[tuple[str, str], list[dict]]) -> float:
        return -float(np.mean([line[RANKING] for line in entry[1]]))

    return dict(sorted(groups.items(), key=distance))


def table(synth: str, groups: dict[tuple[str, str], list[dict]], names: Iterable[str] | None = None) -> list[str]:
    """Returns a Markdown table: a row a method, the ranking metric with its interval, then the other means."""
    others = [name for name in (metrics if names is None else names) if name != RANKING]
    arrows = {"lower": "↓", "higher": "↑"}
    heads = [f"{name} {metrics[name].unit} {arrows[metrics[name].better]}".replace("  ", " ") for name in others]
    differ = len({len(lines) for lines in groups.values()}) > 1
    head = ["method", "budget", *["n"] * differ, "log-mel L1 dB ↓ [95 %]", "median"]
    head += [*["best search there"] * differ, "s", *heads]
    best = {line["item"]: line[RANKING] for line in groups.get(BEST, [])}
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (row, budget), lines in groups.items():
        value = np.array([line[RANKING] for line in lines])
        low, high = interval(value)
        cells = [row + stale(synth, row, lines), budget_text(budget), *[str(len(lines))] * differ]
        cells += [f"{value.mean():.2f} [{low:.2f}, {high:.2f}]", f"{np.median(value):.2f}"]
        cells += [*[there(best, lines)] * differ, seconds_text(lines)]
        for name in others:
            mean = np.mean([line[name] for line in lines])
            cells.append(f"{mean:.3g}")
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def there(best: dict[Any, float], lines: list[dict]) -> str:
    """Returns the mean of the best search over the targets of a row, if it was run on all of them."""
    values = [best[line["item"]] for line in lines if line["item"] in best]
    return f"{np.mean(values):.2f}" if len(values) == len(lines) else "–"


def categories(synth: str, lines: list[dict]) -> list[str]:
    """Returns a Markdown table of the ranking metric by category."""
    names = sorted({line["category"] for line in lines})
    rows = ["| method | budget | " + " | ".join(names) + " | all |", "|---|---|" + "---|" * (len(names) + 1)]
    for (row, budget), found in group(lines).items():
        cells = []
        for name in [*names, None]:
            value = np.array([line[RANKING] for line in found if name in (None, line["category"])])
            low, high = interval(value)
            cells.append(f"{value.mean():.2f} [{low:.2f}, {high:.2f}]")
        rows.append(f"| {row}{stale(synth, row, found)} | {budget_text(budget)} | " + " | ".join(cells) + " |")
    return rows


def stale(synth: str, row: str, lines: list[dict]) -> str:
    """Returns a star if a row that rests on weights was made with others than those that are shipped."""
    learned = row.startswith(("posterior", "search"))
    return "*" if learned and any(line.get("weights") != weights(synth) for line in lines) else ""


def budget_text(budget: str) -> str:
    """Returns `"256 renders"`, `"1 s"` or `"–"`."""
    if budget == "0":
        return "–"
    return budget if budget.endswith("s") else f"{int(budget):,} render{'s' if budget != '1' else ''}"


def seconds_text(lines: list[dict]) -> str:
    """Returns the mean wall time, `"1.0"`, or `"–"` where it is next to nothing."""
    seconds = float(np.mean([line["seconds"] for line in lines]))
    return f"{seconds:.1f}" if seconds >= 0.05 else "–"


def interval(value: np.ndarray) -> tuple[float, float]:
    """Returns the bootstrap 95 % interval of the mean over items."""
    rng = np.random.default_rng(0)
    means = value[rng.integers(len(value), size=(2000, len(value)))].mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


if __name__ == "__main__":
    main()
