"""How near every method comes to real sounds, by category.

Usage: python benchmarks/match_sounds.py BANK.npz SOUNDS [--rows NAME,...] [--budgets N,...] [--each 20] [--model FILE]

SOUNDS is a folder with manifest.csv (file, category, pitch_midi). Writes one line a sound, row and budget to
benchmarks/results/sounds.jsonl and goes on where it stopped. Every method hears the sound through the same
trimming and note-off; the bank and evolution from random voices get the sound's own note (the manifest's, or
the first guess where it has none), the search guesses it unless the row says otherwise.
"""

import argparse
import csv
import json
import sys
import time
from pathlib import Path

import numpy as np
import rows
import torch

from patchflow.audio.load import load
from patchflow.audio.resample import resample
from patchflow.audio.trim import trim
from patchflow.data.bank import Bank
from patchflow.engines import Renderer, engines
from patchflow.match.hearing import LONGEST, hear
from patchflow.match.proposals import FromLibrary
from patchflow.match.result import Target
from patchflow.match.scorer import Scorer
from patchflow.match.search import Budget

RESULTS = Path(__file__).parent / "results" / "sounds.jsonl"
VOICES = 1000  # of the bank, drawn once, rendered at each sound's own note


def main() -> None:
    """Runs the rows that were asked for and are not there yet."""
    options = _options()
    torch.set_num_threads(1)
    train = Bank.load(options.bank).part("train")
    sounds = pick(Path(options.sounds), options.each)
    done = {(r["item"], r["row"], r["budget"]) for r in map(json.loads, _lines())}
    RESULTS.parent.mkdir(exist_ok=True)
    with Renderer(engines["dexed"]) as renderer, RESULTS.open("a") as out:
        for row, budget, find in methods(train, renderer, options):
            if options.rows and row not in options.rows.split(","):
                continue
            if options.budgets is not None and budget not in options.budgets:
                continue
            start = time.monotonic()
            for seed, entry in enumerate(sounds):
                if (entry["file"], row, budget) in done:
                    continue
                path = Path(options.sounds) / entry["file"]
                note = round(float(entry["pitch_midi"])) if entry["pitch_midi"] else None
                found = find(path, note, seed)
                line = {"item": entry["file"], "category": entry["category"], "row": row, "budget": budget,
                        "renders": found.renders, "seconds": round(found.seconds, 3), "note": found.note.pitch,
                        **compare(renderer, found, path)}  # fmt: skip
                out.write(json.dumps(line) + "\n")
                out.flush()
            print(f"{row} {budget}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def methods(train: Bank, renderer: Renderer, options: argparse.Namespace):
    """Yields `(row, budget, find)`; `find(path, note, seed)` returns a `Found`."""
    voices = train.points[np.random.default_rng(0).choice(len(train.points), VOICES, replace=False)]

    def told(path: Path, note: int | None) -> Target:
        target = hear(load(path))
        return target if note is None else hear(load(path), note=note)

    def best_voice(path: Path, note: int | None, _: int) -> rows.Found:
        target = told(path, note)
        scorer, start = Scorer(renderer, target), time.monotonic()
        pitch = target.guesses[0].pitch
        best = int(np.argmin(scorer.score(voices, np.full(VOICES, pitch)).distance))
        return rows.Found(voices[best], scorer.note(pitch), VOICES, time.monotonic() - start)

    yield "random voice", "1", lambda path, note, seed: rows.draw_best(
        told(path, note), renderer, FromLibrary(voices), 1, seed)  # fmt: skip
    yield "best of bank voices", str(VOICES), best_voice
    for n in (1000, 4000):
        yield "evolution from random voices", str(n), lambda path, note, seed, n=n: rows.search(
            told(path, note), renderer, [FromLibrary(voices)], Budget(renders=n), seed)  # fmt: skip
    if options.rows and "search" not in options.rows:
        return
    proposer = rows.posterior(options.model)
    for n in rows.BUDGETS[1:]:
        yield "search", str(n), lambda path, note, seed, n=n: rows.search(
            hear(load(path)), renderer, [proposer], Budget(renders=n), seed)  # fmt: skip
    yield "search told the note", "4000", lambda path, note, seed: rows.search(
        told(path, note), renderer, [proposer], Budget(renders=4000), seed)  # fmt: skip


def compare(renderer: Renderer, found: rows.Found, path: Path) -> dict[str, float]:
    """Measures a preset against the trimmed file at 44.1 kHz."""
    heard = trim(load(path))
    target = resample(heard.samples[: round(LONGEST * heard.rate)], heard.rate, rows.FULL_RATE)
    return rows.measure(renderer.make().render(found.point, found.note, rows.FULL_RATE), target, rows.FULL_RATE)


def pick(folder: Path, each: int) -> list[dict[str, str]]:
    """Returns up to `each` sounds of every category, the same every time."""
    with (folder / "manifest.csv").open() as file:
        entries = list(csv.DictReader(file))
    order = np.random.default_rng(2026).permutation(len(entries))
    chosen: dict[str, list[dict[str, str]]] = {}
    for i in order:
        chosen.setdefault(entries[i]["category"], []).append(entries[i])
    return [entry for category in sorted(chosen) for entry in chosen[category][:each]]


def _lines() -> list[str]:
    return RESULTS.read_text().splitlines() if RESULTS.exists() else []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", help="made by prepare_bank.py")
    parser.add_argument("sounds", help="folder with manifest.csv")
    parser.add_argument("--rows", default="", help="names of the rows to run, with commas; all if empty")
    parser.add_argument("--each", type=int, default=20, help="sounds of each category")
    parser.add_argument("--budgets", default="", help="budgets to run, with commas, e.g. 256,1000; all if empty")
    parser.add_argument("--model", help="weights; those shipped if not given")
    options = parser.parse_args()
    options.budgets = options.budgets.split(",") if options.budgets else None
    return options


if __name__ == "__main__":
    main()
