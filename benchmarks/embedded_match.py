"""Measures whether a match gains by beginning with the nearest presets of the embedded bank, beside a posterior.

Usage: python benchmarks/embedded_match.py FOLDER --voices BANK.npz [--sounds FOLDER] [--items 16] [--budgets 100,1500]
       [--targets voices,recordings]

Targets are voices of the split `valid`, whose notes are known, and recordings. Every row has the same budget, of
renders or, as 10s, of seconds, and the rows of a target run one after another:

- without:         the posterior proposes
- with prints:     the nearest presets by fingerprints (see match/fingerprints.py) come first, then the posterior
- with ear:        the nearest presets by the ear come first, then the posterior

Writes a line for each target and row to benchmarks/results/embedded_match.jsonl, with the renders that were spent,
goes on where it stopped, and prints means of paired differences to the first row with intervals of 95 %: below zero is
better.
"""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import torch
from embedded_bank import in_chunks
from fingerprints import target_of

from patchflow.audio import load
from patchflow.browse.embedded import embedded_presets
from patchflow.data import Bank
from patchflow.ear import Ear
from patchflow.engines import Note, Renderer, engines
from patchflow.engines._renderer import INAUDIBLE, one_torch_thread
from patchflow.match import Matcher
from patchflow.match.arms import Arm
from patchflow.match.fingerprints import KEYS, Fingerprints, play_fingerprints
from patchflow.match.proposals import FromFingerprints, FromModel, Proposer
from patchflow.match.search import Budget
from patchflow.match.target import SEARCH_RATE, Target, prepare_target
from patchflow.models import load_model, models, shipped

RESULTS = Path(__file__).parent / "results" / "embedded_match.jsonl"
SEED = 19
DRAWS = 5_000  # bootstrap draws of the mean
METRICS = ("perceptual", "log_mel_l1")
ROWS = ("without", "with prints", "with ear")


class FromEar(Proposer):
    """Presets whose vectors are nearest to that of the target come first.

    Args:
        points: Encoded presets, shape `(N, P)`.
        vectors: Of the ear, shape `(N, width)`.
    """

    def __init__(self, points: np.ndarray, vectors: np.ndarray) -> None:
        self._points = points
        self._vectors = vectors
        self._given = 0

    def restart(self) -> None:
        """See `Proposer.restart`; the nearest come first again."""
        self._given = 0

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`."""
        vector = Ear.load().embed([target.samples], SEARCH_RATE)[0]
        order = np.argsort(-(self._vectors @ vector), kind="stable")[self._given : self._given + count]
        self._given += count
        return self._points[order].copy()


def main() -> None:
    """Runs the rows that are not there yet, then sums up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--sounds", type=Path)
    parser.add_argument("--items", type=int, default=16)
    parser.add_argument("--budgets", default="100,1500", help="renders, or seconds with an s behind")
    parser.add_argument("--targets", default="voices,recordings")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    done = {(line["targets"], line["item"], line["budget"], line["row"]) for line in lines}
    rows = proposers(options.folder)
    for name in options.targets.split(","):
        targets = {"voices": voices, "recordings": recordings}[name](options)
        for text, item, row in itertools.product(options.budgets.split(","), range(len(targets)), ROWS):
            if (name, item, text, row) in done:
                continue
            matcher = Matcher([Arm("dexed", engines["dexed"], Renderer(engines["dexed"], 1), rows[row]())])
            result = matcher.match_target(targets[item], budget_of(text), seed=item)
            found = {"targets": name, "item": item, "budget": text, "row": row, "renders": result.renders}
            found |= {metric: round(result.candidates[0].distances[metric], 4) for metric in METRICS}
            lines.append(found)
            with RESULTS.open("a") as file:
                file.write(json.dumps(found) + "\n")
            print(found, flush=True)
    sum_up(lines)


def budget_of(text: str) -> Budget:
    """Returns a budget of renders, such as 100, or of seconds, such as 10s.

    Example:
        >>> budget_of("10s").seconds
        10.0
    """
    return Budget(seconds=float(text[:-1])) if text.endswith("s") else Budget(renders=int(text))


def proposers(folder: Path) -> dict:
    """Returns what makes the proposers of each row."""
    engine = engines["dexed"]
    presets = embedded_presets("dexed")
    points = presets.points(engine.space)

    def play(rows: np.ndarray) -> tuple[np.ndarray, ...]:
        with one_torch_thread(), Renderer(engine, 1) as renderer:
            return (play_fingerprints(rows, renderer),)

    (levels,) = in_chunks(folder / "dexed-fingerprints", points, play)
    prints = Fingerprints(points, np.array(KEYS), levels, engine.space.cells)
    weights = shipped("dexed")
    assert weights is not None
    model = load_model(weights, engine.space, models)
    return {
        "without": lambda: [FromModel(model)],
        "with prints": lambda: [FromFingerprints(prints, engine()), FromModel(model)],
        "with ear": lambda: [FromEar(points, presets.vectors), FromModel(model)],
    }


def voices(options: argparse.Namespace) -> list[Target]:
    """Returns sounds of validation voices on random notes, which are known."""
    rng = np.random.default_rng(SEED)
    engine = engines["dexed"]()
    points = Bank.load(options.voices).part("valid").points
    found: list[Target] = []
    for row in rng.permutation(len(points)):
        note = Note(int(rng.integers(36, 85)), 100, float(rng.uniform(0.5, 3.0)), 4.0)
        if len(found) < options.items and np.abs(engine.render(points[row], note, SEARCH_RATE)).max() >= INAUDIBLE:
            found.append(target_of(engine, points[row], note))
    return found


def recordings(options: argparse.Namespace) -> list[Target]:
    """Returns recordings, spread over their folder."""
    if options.sounds is None:
        return []
    paths = sorted(options.sounds.rglob("*.flac"))
    chosen = np.random.default_rng(SEED).permutation(len(paths))[: options.items]
    return [prepare_target(load(paths[place])) for place in chosen]


def sum_up(lines: list[dict]) -> None:
    """Prints means, and paired differences to the first row."""
    groups: dict[tuple[str, str, str], dict[int, dict]] = {}
    for line in lines:
        groups.setdefault((line["targets"], line["budget"], line["row"]), {})[line["item"]] = line
    for (of, budget, row), found in groups.items():
        base = groups[of, budget, ROWS[0]]
        items = sorted(base.keys() & found.keys())
        renders = np.median([found[item]["renders"] for item in items])
        print(f"{len(items)} {of}, {budget}, {row}: {renders:.0f} renders")
        for name in METRICS:
            gain = np.array([found[item][name] - base[item][name] for item in items])
            picks = np.random.default_rng(0).integers(len(gain), size=(DRAWS, len(gain)))
            low, high = np.quantile(gain[picks].mean(1), (0.025, 0.975))
            mean = np.mean([found[item][name] for item in items])
            print(f"    {name} {mean:.3f}, {gain.mean():+.3f} [{low:+.3f}, {high:+.3f}]")


if __name__ == "__main__":
    main()
