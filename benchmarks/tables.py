"""Turns the result files into Markdown tables: docs/results.md and the short table in the README.

Usage: python benchmarks/tables.py
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rows import cents_off, in_tune
from runner import is_current, weights
from speeds import speeds

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
RANKING = "log_mel_l1"
MEANS = {"perceptual": "distance ↓", RANKING: "log-mel L1 dB ↓"}  # with intervals
UNSEEN = {"mss": "mss dB ↓", "wmfcc": "wmfcc dB ↓"}
KINDS = {
    "families": "held-out presets, one of each family: mostly odd ones",
    "voices": "held-out presets, drawn evenly",
    "presets": "presets of other people, with wavetables of their own",
    "models": "held-out presets, each model as the proposer",
    "basses": "synth basses of other synths, C1 to C3",
    "sounds": "real sounds",
}
SHORT = {
    ("random preset", "1"): "a random voice",
    ("evolution from scratch", "10 s"): "evolution without a model, 10 seconds",
    ("nearest in the training bank", "200"): "the nearest voice of the training bank",
    ("search not told the note", "1 s"): "**patchflow, 1 second**",
    ("search not told the note", "10 s"): "**patchflow, 10 seconds**",
}
TUNED = {  # of each kind, the row of what a user gets who gives nothing but the sound
    "families": "search not told the note",
    "voices": "search not told the note",
    "presets": "search not told the note",
    "basses": "search",
    "sounds": "search",
}
HEAD = """# Results

How near every method comes to a sound, and how fast everything is, in numbers.

Made by `benchmarks/tables.py` from `benchmarks/results/`, where each line has all metrics. Do not edit.

How to read the tables:

* All rows of a table have the same targets, unless it has a column n. Where some rows were run on more targets, a
  second table has those rows.
* `distance` is what the search minimises (the metric `perceptual`). `mss` and `wmfcc` are metrics that it does not see.
* `in tune` counts targets that have a pitch: those whose best preset is within 20 cents, or would agree no better at
  any other shift along the scale, up to two octaves. A preset with other partials than the target counts by its own
  pitch, where that is sure. `cents` is the median distance in pitch. For the sounds of a synth, the analysis of the
  target says whether it has a pitch; for real sounds and basses the notes of who collected them do.
* Intervals are bootstrapped over targets.
* `s` is the mean wall time. Rows with a budget in seconds had two idle cores, others shared them.
* A preview of a part of the note counts as that part of a render.
* Rows with a * were made with other weights than those that are shipped now.
* Tables that say so were made when the search minimised log-mel L1 alone. No table mixes the two.
"""
TUNING = """The first candidate of a search that is given nothing but the sound. Real sounds come by category; `voices`
are spoken words, most of which glide.
"""
MUSICAL = ("instruments", "other_synths", "vocal_imitations")
TOGETHER = "instruments, other_synths and vocal_imitations"
OLD = ", when log-mel L1 was minimised"
TOLD = """Each was played on middle C for 3 of 4 s. Every method is given note and hold, but for
`search not told the note`, which gets the sound as a user's file.
"""
NEAREST = """`nearest` is the best by the search's distance of the 200 that are nearest by log-mel L1.
"""
README = """Distance to the wanted sound (lower is better, 0 is the same sound), on DX7 voices that it never learned
from: whole families of related voices, by bytes and by log-mel distance, were held out. The distance adds what people
hear of timbre and of pitch to log-mel L1, which stands beside it. In tune is what is within 20 cents. A render is one
note played on the synth.

{table}

Means over {count} voices, one of each family, on middle C, with 95 % intervals. The first three rows are baselines, and
are given the note: what luck, a search without a model, and a large collection of presets reach. patchflow was given
the sound and nothing else. Seconds are upper bounds where they were not the budget."""
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
    (ROOT / "docs" / "results.md").write_text(page(), encoding="utf-8")
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")


def page() -> str:
    """Returns the page of all results."""
    names = {path.stem for path in RESULTS.glob("*-*.jsonl")}
    synths = sorted({name.partition("-")[0] for name in names}, key=("dexed", "amsynth", "vital").index)
    parts = [HEAD, *tuning(synths)]
    for synth in synths:
        for kind, what in KINDS.items():
            lines = read(f"{synth}-{kind}")
            parts += chapter(synth, kind, what, [line for line in lines if is_current(line)])
            parts += chapter(synth, kind, what + OLD, [line for line in lines if not is_current(line)])
    return "\n".join([*parts, *speeds()])


def readme() -> str:
    """Returns the README with its table, five rows on the targets that all have; unchanged if a row is missing."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for line in read("dexed-families") if is_current(line)]
    groups = {key: found for key, found in group(lines).items() if key in SHORT}
    if len(groups) < len(SHORT) or not set.intersection(*map(items, groups.values())):
        return text
    pattern = r"(<!-- table:start -->).*?(<!-- table:end -->)"
    return re.sub(pattern, lambda m: f"{m[1]}\n\n{short(groups)}\n\n{m[2]}", text, flags=re.DOTALL)


def short(groups: dict[tuple[str, str], list[dict]]) -> str:
    """Returns the README's table and what is said of it."""
    shared = set.intersection(*map(items, groups.values()))
    rows = ["| method | distance ↓ [95 %] | log-mel L1, dB ↓ | in tune ↑ | seconds |", "|---|---|---|---|---|"]
    for key in SHORT:
        common = [line for line in groups[key] if line["item"] in shared]
        name = SHORT[key] + stale("dexed", key[0], common)
        level = np.mean([line[RANKING] for line in common])
        cells = [name, with_interval(common, "perceptual"), f"{level:.2f}", in_tune_text(common, count=False)]
        rows.append("| " + " | ".join([*cells, seconds_text(common)]) + " |")
    return README.format(table="\n".join(rows), count=len(shared))


def tuning(synths: Iterable[str]) -> list[str]:
    """Returns the chapter of who is in tune, as lines."""
    rows = []
    for synth in synths:
        for kind, wanted in TUNED.items():
            lines = [line for line in read(f"{synth}-{kind}") if is_current(line) and line["row"] == wanted]
            for (_, budget), found in group(lines).items():
                parts = by_category(found)
                if len(parts) > 1:
                    parts[TOGETHER] = [line for line in found if line["category"] in MUSICAL]
                for category, part in parts.items():
                    cells = [synth, category or KINDS[kind], budget_text(budget)]
                    cells += [in_tune_text(part), cents_text(part), with_interval(part, RANKING)]
                    if pitched(part):
                        rows.append("| " + " | ".join(cells) + " |")
    head = ["| synth | sounds | budget | in tune ↑ | cents ↓ | log-mel L1 dB ↓ [95 %] |", "|---|---|---|---|---|---|"]
    return ["## In tune", "", TUNING, *head, *rows, ""] if rows else []


def by_category(lines: list[dict]) -> dict[str, list[dict]]:
    """Returns the lines of every category, or all under "" if they have none."""
    found: dict[str, list[dict]] = {}
    for line in sorted(lines, key=lambda line: line.get("category", "")):
        found.setdefault(line.get("category", ""), []).append(line)
    return found


def chapter(synth: str, kind: str, what: str, lines: list[dict]) -> list[str]:
    """Returns a table of the targets that all rows have, and one of the rows that have all targets, as lines."""
    if not lines:
        return []
    targets = {key: items(row) for key, row in group(lines).items()}
    shared = set.intersection(*targets.values())
    every = set.union(*targets.values())
    common = [line for line in lines if line["item"] in shared]
    parts = [f"## {synth}: {len(shared)} {what}", ""]
    if kind in ("families", "voices", "models"):
        parts.append(TOLD + NEAREST * is_current(lines[0]))
    if kind == "presets":
        parts += NOTES.get(synth, ())
    parts += [*table(synth, group(common)), ""]
    whole = {key: row for key, row in group(lines).items() if targets[key] == every}
    if len(every) > len(shared) and whole:
        parts += [f"### All {len(every)}, as far as rows were run on them", "", *table(synth, whole), ""]
    if kind == "sounds":
        parts += ["### By category", "", *categories(synth, group(lines)), ""]
    return parts


def items(lines: list[dict]) -> set[Any]:
    """Returns the targets."""
    return {line["item"] for line in lines}


def read(name: str) -> list[dict]:
    """Returns the lines of a result file."""
    path = RESULTS / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def group(lines: Iterable[dict]) -> dict[tuple[str, str], list[dict]]:
    """Returns the lines of every row and budget, the farthest first."""
    groups: dict[tuple[str, str], list[dict]] = {}
    for line in lines:
        groups.setdefault((line["row"], line["budget"]), []).append(line)

    def distance(entry: tuple[tuple[str, str], list[dict]]) -> float:
        values = [line.get("perceptual", line[RANKING]) for line in entry[1]]
        return -float(np.mean(values))

    return dict(sorted(groups.items(), key=distance))


def table(synth: str, groups: dict[tuple[str, str], list[dict]]) -> list[str]:
    """Returns a Markdown table, a row a method."""
    lines = [line for found in groups.values() for line in found]
    differ = len({len(found) for found in groups.values()}) > 1
    means = {name: text for name, text in MEANS.items() if all(name in line for line in lines)}
    tuned = all("gain" in line for line in lines)
    head = [
        "method",
        "budget",
        *["n"] * differ,
        *(f"{text} [95 %]" for text in means.values()),
        f"median {MEANS[RANKING]}",
    ]
    head += [*["in tune ↑", "cents ↓"] * tuned, *UNSEEN.values(), "s"]
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (row, budget), found in groups.items():
        cells = [row + stale(synth, row, found), budget_text(budget), *[str(len(found))] * differ]
        cells += [with_interval(found, name) for name in means]
        cells.append(f"{np.median([line[RANKING] for line in found]):.2f}")
        if tuned:
            cells += [in_tune_text(found), cents_text(found)]
        for name in UNSEEN:
            values = [line[name] for line in found]
            cells.append(f"{np.mean(values):.3g}")
        rows.append("| " + " | ".join([*cells, seconds_text(found)]) + " |")
    return rows


def categories(synth: str, groups: dict[tuple[str, str], list[dict]]) -> list[str]:
    """Returns a Markdown table, a row a method and category."""
    tuned = all("gain" in line for found in groups.values() for line in found)
    head = [
        "category",
        "method",
        "budget",
        "n",
        "log-mel L1 dB ↓ [95 %]",
        *["distance ↓", "in tune ↑", "cents ↓"] * tuned,
    ]
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    parts = []
    for (row, budget), found in groups.items():
        parts += [(category, row, budget, part) for category, part in by_category(found).items()]
    for category, row, budget, part in sorted(parts, key=lambda part: part[0]):
        cells = [category, row + stale(synth, row, part), budget_text(budget), str(len(part))]
        cells.append(with_interval(part, RANKING))
        if tuned:
            mean = np.mean([line["perceptual"] for line in part])
            cells += [f"{mean:.2f}", in_tune_text(part), cents_text(part)]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def pitched(lines: list[dict]) -> list[dict]:
    """Returns the lines whose target has a pitch."""
    return [line for line in lines if line["pitched"]]


def in_tune_text(lines: list[dict], count: bool = True) -> str:
    """Returns how many targets that have a pitch are met in tune, as `"95 % (19/20)"`, or `"–"` if none has."""
    found = [in_tune(line["cents"], line["gain"], line.get("told")) for line in pitched(lines)]
    if not found:
        return "–"
    share = f"{100 * np.mean(found):.0f} %"
    return f"{share} ({sum(found)}/{len(found)})" if count else share


def cents_text(lines: list[dict]) -> str:
    """Returns the median distance in pitch, over targets that have one."""
    found = [cents_off(line["cents"], line["gain"], line.get("told")) for line in pitched(lines)]
    return f"{np.median(found):.0f}" if found else "–"


def with_interval(lines: list[dict], name: str) -> str:
    """Returns the mean of a metric and its 95 % interval, as `"2.31 [2.10, 2.52]"`."""
    value = np.array([line[name] for line in lines])
    low, high = interval(value)
    return f"{value.mean():.2f} [{low:.2f}, {high:.2f}]"


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
