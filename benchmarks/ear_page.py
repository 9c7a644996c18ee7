"""Puts what was measured of the ear into docs/ear.md.

Usage: python benchmarks/ear_page.py

What was not measured has no row, and a table without rows is a line that says so. The numbers are of `ear.py`,
`ear_recordings.py`, `listening.py` and `listening_weights.py`.
"""

import json
from pathlib import Path
from typing import Any

from marked import filled

__all__ = ["PAGE", "page"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "ear.md"
RESULTS = ROOT / "benchmarks" / "results"
RECORDED = ("noise 30 dB", "noise 20 dB", "noise 10 dB", "room 0.3 s", "room 0.8 s", "MP3", "Opus", "all at once")
OTHER = ("another key", "another velocity", "another length", "another note")
SYNTHS = {"dexed": "DX7", "amsynth": "amsynth", "vital": "Vital"}
PAIRS = 4  # the best of them
HEADING = 2  # lines of a table
NOTHING = "Not measured yet."
SHOWN = ("log_mel_l1", "timbre", "modulation", "perceptual")
COMPARED = (
    "ear",
    "encoder, channels",
    "encoder, bands",
    "MFCC frames",
    "MFCC statistics",
    "log-mel statistics",
    "descriptors",
    "random",
)


def main() -> None:
    """Writes the document."""
    PAGE.write_text(page(), "utf-8")


def page() -> str:
    """Returns the document with the tables of the results."""
    whole = read("ear.json")
    dexed = whole.get("dexed test", {}).get("recall", {})
    tables = {
        "recorded": recall(dexed, "one key", RECORDED),
        "another": recall(dexed, "one key", OTHER) + recall(dexed, "three keys", OTHER)[2:],
        "synths": synths(whole),
        "recordings": recordings(read("ear_recordings.json")),
        "people": people(read("listening.json")),
        "beside": beside(read("listening_weights.json")),
    }
    return filled(PAGE, {name: lines if len(lines) > HEADING else [NOTHING] for name, lines in tables.items()})


def read(name: str) -> dict[str, Any]:
    """Returns a file of results, empty if there is none."""
    file = RESULTS / name
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def recall(found: dict[str, Any], shelf: str, kinds: tuple[str, ...]) -> list[str]:
    """Returns how often the first is right, and one of the first ten, by embedding."""
    lines = [f"| embedding | {' | '.join(kinds)} |", "|---|" + "---:|" * len(kinds)]
    for name in COMPARED:
        shelves = found.get(name, {})
        if shelf not in shelves:
            continue
        cells = [f"{shelves[shelf][kind]['1'][0]:.2f} / {shelves[shelf][kind]['10'][0]:.2f}" for kind in kinds]
        label = name if shelf == "one key" else f"{name}, of {shelf}"
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def synths(whole: dict[str, Any]) -> list[str]:
    """Returns what becomes of other notes on every synth that was measured."""
    lines = [
        "| synth | gallery | queries | embedding | another key: first, of ten | another note: first, of ten |",
        "|---|---:|---:|---|---:|---:|",
    ]
    for section, part in whole.items():
        synth, _, of = section.partition(" ")
        if of != "test":
            continue
        for name in COMPARED:
            if name not in part["recall"]:
                continue
            kinds = part["recall"][name]["one key"]
            cells = [
                f"{kinds[kind]['1'][0]:.2f} / {kinds[kind]['10'][0]:.2f}" for kind in ("another key", "another note")
            ]
            lines.append(
                f"| {SYNTHS[synth]} | {part['gallery']:,} | {part['queries']} | {name} | {' | '.join(cells)} |"
            )
    return lines


def recordings(whole: dict[str, Any]) -> list[str]:
    """Returns how often the first presets have one that is near the best there is, and among how many."""
    lines = [
        "| sounds | presets | the best, dB | within 0.5 dB | by | of the first | of 5 | of 50 | of 500 | behind, dB |",
        "|---|---:|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    for section, part in whole.items():
        category = section.partition(" ")[2].replace("_", " ")
        among = f"{part['sounds']} {category} | {part['gallery']:,} | {part['best_db']:.2f} | {part['near']:.0f}"
        for name in (*COMPARED, "fingerprints"):
            if name not in part["found"]:
                continue
            numbers = part["found"][name]
            shares = [f"{100 * numbers['found'][count]:.0f} %" for count in ("1", "5", "50", "500")]
            lines.append(f"| {among} | {name} | {' | '.join(shares)} | {numbers['behind_db']:.2f} |")
    return lines


def people(whole: dict[str, Any]) -> list[str]:
    """Returns how well embeddings and metrics agree with people."""
    lines = ["| distance | agreement | 95 % over studies |", "|---|---:|---|"]
    rows = {f"`{name}`": whole["scores"][name] for name in SHOWN} if "scores" in whole else {}
    for name, row in (rows | whole.get("embeddings", {})).items():
        low, high = row["interval"]
        lines.append(f"| {name} | {row['mean']:.3f} | {low:.2f} to {high:.2f} |")
    return lines


def beside(whole: dict[str, Any]) -> list[str]:
    """Returns what embeddings are worth beside what the search minimises."""
    lines = ["| beside `perceptual` | best weight, dB | agreement | on studies left out |", "|---|---:|---:|---:|"]
    rows = dict(whole.get("with", {}))
    pairs = whole.get("with_pairs", {})
    for name in sorted(pairs, key=lambda name: -pairs[name]["best"]["mean"])[:PAIRS]:
        rows[f"ear and {name}"] = pairs[name]
    for name, row in rows.items():
        best = ", ".join(f"{weight:g}" for weight in row["best"]["weights"].values())
        lines.append(f"| {name} | {best} | {row['best']['mean']:.3f} | {row['held_out']:.3f} |")
    if "with_chosen" in whole:
        lines.append(f"| ear and what is best on the others | | | {whole['with_chosen']['held_out']:.3f} |")
    return lines


if __name__ == "__main__":
    main()
