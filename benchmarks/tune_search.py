"""Compares settings of the search on validation voices, never on test voices.

Usage: python benchmarks/tune_search.py BANK.npz OUT.jsonl [--of families|voices] [--items 30] [--first 0] [--seeds 1]
       [--proposer bank|posterior|space] [--renders 1000] [--length 4.0] [MODULE.NAME=VALUE ...]
       python benchmarks/tune_search.py compare FIRST.jsonl OTHER.jsonl ...

MODULE.NAME is a constant of a module of patchflow.match, e.g. search._PARENTS=48. A line of OUT is one search: voice,
seed, its distance and other metrics, whether it ended with the voice's own algorithm, and the curve; a second call
goes on where the first stopped. `compare` prints the mean of every file, and its difference from the first over the
searches that both have, with a 95 % bootstrap interval over voices. A `--length` of 1.5 (held 1 s) makes it twice as
fast.
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import rows
import torch
from split import fingerprints, named

from patchflow.data.bank import Bank
from patchflow.engines import Engine, Note, Renderer, engines
from patchflow.match.limits import Budget
from patchflow.match.proposals import FromLibrary, FromSpace, Proposer
from patchflow.match.scorer import Scorer
from patchflow.match.search import Search
from patchflow.match.target import NoteGuess, Target

MARKS = (16, 64, 256, 512, 1000, 2000, 4000, 8000)
METRICS = ("perceptual", "log_mel_l1", "mss", "wmfcc")
RESAMPLED = 4000


def main() -> None:
    """Runs the searches that are not in the file yet."""
    options = _options()
    torch.set_num_threads(1)
    for change in options.changes:
        place, value = change.split("=")
        module_name, name = place.split(".")
        module = importlib.import_module(f"patchflow.match.{module_name}")
        setattr(module, name, type(getattr(module, name))(float(value)))
    bank = Bank.load(options.bank)
    voices = _voices(bank, options.of)
    numbers = range(options.first, min(options.first + options.items, len(voices)))
    out = Path(options.out)
    done = {(line["voice"], line["seed"]) for line in _lines(out)} if out.exists() else set()
    proposer = _proposer(bank, options)
    note = Note(hold=0.75 * options.length if options.length == 4 else 1.0, length=options.length)
    with Renderer(engines["dexed"], threads=1) as renderer, out.open("a") as file:
        for seed in range(options.seeds):
            for number in numbers:
                voice, point = voices[number]
                if (voice, seed) not in done:
                    line = _search(point, note, renderer, proposer, options.renders, 1000 * seed + number)
                    file.write(json.dumps({"voice": voice, "seed": seed, **line}) + "\n")
                    file.flush()
    compare([options.out])


def _voices(bank: Bank, of: str) -> list[tuple[str, np.ndarray]]:
    """Returns fingerprint and values of validation voices, all or one of each family, in an order by chance."""
    points = bank.part("valid").points
    order = dict(zip(fingerprints(points), points, strict=True))
    if of == "families":
        order = {key: order[key] for key in order.keys() & named("valid")}
    return sorted(order.items(), key=lambda item: item[0])


def _proposer(bank: Bank, options: argparse.Namespace) -> Proposer:
    engine = engines["dexed"]()
    if options.proposer == "bank":
        return FromLibrary(engine.canonical(bank.part("train").points))
    if options.proposer == "space":
        return FromSpace(engine.space)
    return rows.posterior(options.model)


def _search(
    point: np.ndarray, note: Note, renderer: Renderer, proposer: Proposer, renders: int, seed: int
) -> dict[str, Any]:
    """Returns what one search came to."""
    engine: Engine = renderer.make()
    sound = engine.render(point, note, rows.RATE)
    target = Target(sound, rows.RATE, (NoteGuess(60, 1.0),), note.hold)
    search = Search(Scorer(renderer, target), engine, [proposer], seed=seed)
    start = time.process_time()
    trace = search.run(Budget(renders=renders))
    seconds = time.process_time() - start
    best = trace.found.points[0]
    found = rows.measure(engine.render(best, note, rows.RATE), sound, rows.RATE)
    history = np.array(trace.history)
    curve = [round(float(history[max(0, np.sum(history[:, 0] <= mark) - 1), 2]), 4) for mark in MARKS]
    place = engine.space.index["algorithm"]
    return {
        **{name: found[name] for name in METRICS},
        "own_algorithm": bool(engine.space.snap(point)[place] == best[place]),
        "seconds": round(seconds, 2),
        "curve": curve,
    }


def compare(paths: list[str]) -> None:
    """Prints means, and differences from the first file with their intervals."""
    first = {(line["voice"], line["seed"]): line for line in _lines(Path(paths[0]))}
    for path in paths:
        lines = {(line["voice"], line["seed"]): line for line in _lines(Path(path))}
        both = sorted(first.keys() & lines.keys())
        own = np.mean([lines[key]["own_algorithm"] for key in both])
        print(f"{path}: {len(both)} searches, {own:.0%} with the voice's own algorithm")
        for name in METRICS:
            values = np.array([lines[key][name] for key in both])
            text = f"  {name:12} {values.mean():.3f}, median {np.median(values):.3f}"
            if path != paths[0]:
                gaps = values - np.array([first[key][name] for key in both])
                low, high = _interval(gaps, [voice for voice, _ in both])
                text += f", difference {gaps.mean():+.3f} ({low:+.3f} to {high:+.3f})"
            print(text)
        curves = np.mean([lines[key]["curve"] for key in both], 0)
        print("  after", ", ".join(f"{mark}: {value:.2f}" for mark, value in zip(MARKS, curves, strict=True)))


def _interval(gaps: np.ndarray, voices: list[str]) -> tuple[float, float]:
    """A 95 % interval of the mean by bootstrap over voices; searches for one voice stay together."""
    _, group = np.unique(voices, return_inverse=True)
    mean = np.bincount(group, gaps) / np.bincount(group)
    drawn = np.random.default_rng(0).integers(len(mean), size=(RESAMPLED, len(mean)))
    low, high = np.quantile(mean[drawn].mean(1), [0.025, 0.975])
    return float(low), float(high)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank")
    parser.add_argument("out")
    parser.add_argument("changes", nargs="*", metavar="MODULE.NAME=VALUE")
    parser.add_argument("--of", choices=("families", "voices"), default="families", help="how targets are drawn")
    parser.add_argument("--proposer", choices=("bank", "posterior", "space"), default="posterior")
    parser.add_argument("--renders", type=int, default=1000)
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--first", type=int, default=0, help="number of the first voice, for two processes at once")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--length", type=float, default=4.0)
    parser.add_argument("--model")
    return parser.parse_args()


if __name__ == "__main__":
    if sys.argv[1:2] == ["compare"]:
        compare(sys.argv[2:])
    else:
        main()
