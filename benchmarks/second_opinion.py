"""Whether the ear should have a say in which of the last candidates of a match is the best.

Usage: python benchmarks/second_opinion.py BANK.npz SOUNDS [--synth dexed] [--voices N] [--sounds N] [--renders N]
       --cache FOLDER   (writes a line an item to benchmarks/results/second_opinion.jsonl, and prints what they say)

Targets are voices of the validation part, played on middle C as `match_voices.py` plays them, and files of SOUNDS, a
folder with manifest.csv, that come first in its order by chance. Each is searched for once, with several synths if
--synth names them with a comma; up to 16 distinct candidates are kept, with their distance, how unlike they are to the
ear (one minus the cosine of its vectors, and of the statistics of its last stage) and by metrics that nothing here
minimises: MSS, SOT and warped MFCCs.

What counts is whether the candidate that comes first by distance and ear together is nearer by those metrics than the
one that comes first by distance alone. A gain is the mean share by which a metric falls, in percent, 0 where both
choose the same; intervals are bootstrapped over targets. `other` counts targets where they do not.
"""

import argparse
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from embeddings import learned, unit
from match_sounds import pick
from match_voices import Held
from timing import facts

from patchflow.audio.sound_file import load
from patchflow.data.bank import Bank
from patchflow.match import Budget, Matcher, MatchResult
from patchflow.match.target import SEARCH_RATE, prepare_target
from patchflow.metrics import metrics

RESULTS = Path(__file__).parent / "results" / "second_opinion.jsonl"
UNSEEN = ("mss", "sot", "wmfcc")
WEIGHTS = {"ear": (5, 10, 20, 40), "statistics": (20, 80), "both": (1,)}
BOTH = {"ear": 20, "statistics": 80}  # what listening studies choose, see `listening_weights.py`
CANDIDATES = 16
DRAWS = 2000


def main() -> None:
    """Searches for what is not there yet, and prints the gains."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("bank", help="made by prepare_bank.py")
    options.add_argument("folder", type=Path, help="sounds with manifest.csv")
    options.add_argument("--cache", type=Path, required=True, help="folder where what was found stays, for other ears")
    options.add_argument("--synth", default="dexed", help="names of engines, with commas")
    options.add_argument("--voices", type=int, default=40)
    options.add_argument("--sounds", type=int, default=20)
    options.add_argument("--renders", type=int, default=1000)
    asked = options.parse_args()
    torch.set_num_threads(1)
    run = facts(seed=0) | {"ear": learned().version, "synth": asked.synth, "renders": asked.renders}
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    lines = [line for line in lines if line["ear"] == run["ear"]]
    done = {(line["synth"], line["item"]) for line in lines}
    matcher = cache(lambda: Matcher.load(asked.synth.split(",")))
    asked.cache.mkdir(parents=True, exist_ok=True)
    for seed, (item, target) in enumerate(targets(asked)):
        if (asked.synth, item) in done:
            continue
        kept = asked.cache / f"{asked.synth}-{asked.renders}-{item.replace('/', '_')}.npz"
        if not kept.exists():
            keep(
                matcher().match_target(target(), Budget(renders=asked.renders), candidates=CANDIDATES, seed=seed), kept
            )
        line = {**run, "item": item, "candidates": measured(kept)}
        lines.append(line)
        with RESULTS.open("a") as file:
            file.write(json.dumps(line) + "\n")
    for synth in dict.fromkeys(line["synth"] for line in lines):
        for kind in ("voice", "sound"):
            own = [line for line in lines if line["synth"] == synth and line["item"].startswith(kind)]
            if own:
                print(f"{synth}, {kind}s:", json.dumps(gains(own), indent=1), flush=True)


def targets(asked: argparse.Namespace) -> list[tuple[str, Any]]:
    """Returns the names of all items, and what makes the target of each."""
    valid = Bank.load(asked.bank).part("valid")
    rows = np.random.default_rng(0).permutation(len(valid.points))[: asked.voices]
    held = Held("dexed", valid.points, [b""] * len(valid.points))
    found: list[tuple[str, Any]] = [(f"voice {row}", lambda row=row: held.target(row)) for row in rows.tolist()]
    order = np.random.default_rng(1).permutation(len(pick(asked.folder)))
    files = [pick(asked.folder)[place]["file"] for place in order[: asked.sounds]]
    return found + [(f"sound {file}", lambda file=file: prepare_target(load(asked.folder / file))) for file in files]


def keep(found: MatchResult, file: Path) -> None:
    """Writes the sounds of a target and of its candidates, and their distances and synths."""
    kept = [candidate for candidate in found.candidates if candidate.sound is not None]
    np.savez(
        file,
        target=found.target.samples,
        sounds=np.stack([candidate.sound for candidate in kept if candidate.sound is not None]),
        distance=[candidate.distances["perceptual"] for candidate in kept],
        synth=[candidate.preset.synth for candidate in kept],
    )


def measured(file: Path) -> list[dict[str, Any]]:
    """Returns what is known of each candidate of a file that `keep` wrote."""
    kept = np.load(file)
    sounds = [kept["target"], *kept["sounds"]]
    vectors = learned().embed(sounds, SEARCH_RATE)
    layer = unit(learned().statistics(sounds, SEARCH_RATE)[-1])
    wanted = torch.from_numpy(kept["target"])[None]
    found = []
    for place, samples in enumerate(kept["sounds"], 1):
        sound = torch.from_numpy(samples)[None]
        row: dict[str, Any] = {name: round(float(metrics[name](sound, wanted, SEARCH_RATE)), 5) for name in UNSEEN}
        row |= {"synth": str(kept["synth"][place - 1]), "distance": round(float(kept["distance"][place - 1]), 4)}
        row["ear"] = round(1 - float(vectors[place] @ vectors[0]), 5)
        row["statistics"] = round(1 - float(layer[place] @ layer[0]), 6)
        found.append(row)
    return found


def gains(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns what each weight of the ear gains by each unseen metric."""
    found: dict[str, Any] = {"targets": len(lines)}
    for name, weights in WEIGHTS.items():
        for weight in weights:
            pairs = [chosen(line["candidates"], name, weight) for line in lines]
            row: dict[str, Any] = {"other": sum(first is not second for first, second in pairs)}
            for metric in UNSEEN:
                shares = np.array([1 - second[metric] / max(first[metric], 1e-9) for first, second in pairs])
                drawn = np.random.default_rng(0).integers(len(shares), size=(DRAWS, len(shares)))
                low, high = np.quantile(shares[drawn].mean(1), (0.025, 0.975))
                row[metric] = [round(100 * float(value), 2) for value in (shares.mean(), low, high)]
            found[f"{name} {weight}"] = row
    return found


def chosen(candidates: list[dict[str, Any]], name: str, weight: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the best candidate by distance alone, and by distance and the ear."""
    weights = BOTH if name == "both" else {name: weight}

    def together(row: dict[str, Any]) -> float:
        return row["distance"] + sum(value * row[key] for key, value in weights.items())

    return min(candidates, key=lambda row: row["distance"]), min(candidates, key=together)


if __name__ == "__main__":
    main()
