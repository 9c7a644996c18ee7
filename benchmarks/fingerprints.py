"""What a fingerprint library is worth at the beginning of a match: nearest presets, and searches with and without.

Usage: python benchmarks/fingerprints.py SYNTH ROLES.toml [--items 40] [--presets FOLDER] [--rows NAME,...]
       [--weights FILE]

Targets are presets drawn from the file of roles with a seed that neither the library nor the training used, each on a
note of its own; with --presets those of a folder, on middle C, played with all they hold. Every method is given note
and hold. The mean preset is that of the library. A search from scratch has neither a library nor a posterior, one
without has the posterior alone. Writes a line for each target and row to benchmarks/results/fingerprints.jsonl, goes on
where it stopped, and sums all lines up, with intervals of 95 %, in benchmarks/results/fingerprints.json.
"""

import argparse
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from patchflow.audio.sound import Sound
from patchflow.data.sampler import read_roles
from patchflow.engines import Engine, Note, Renderer, engines
from patchflow.engines._renderer import INAUDIBLE
from patchflow.match import Matcher
from patchflow.match.arms import Arm
from patchflow.match.fingerprints import FINGERPRINTS, Fingerprints
from patchflow.match.proposals import FromFingerprints, FromModel, FromSpace, Proposer
from patchflow.match.scorer import Scorer
from patchflow.match.search import Budget
from patchflow.match.target import SEARCH_RATE, Target, prepare_target
from patchflow.models import load_model, models, shipped
from patchflow.presets import read_presets

RESULTS = Path(__file__).parent / "results"
SEED = 2_026  # of the targets
DRAWS = 5_000  # bootstrap draws of the mean

Method = Callable[[Target, int], dict[str, float]]


def main() -> None:
    """Runs the rows that were asked for and are not there yet, then sums up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synth")
    parser.add_argument("roles", type=Path)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--presets", type=Path, help="preset files to look for, instead of drawn ones")
    parser.add_argument("--rows", default="", help="names of the rows to run, with commas; all if empty")
    parser.add_argument("--weights", help="weights of a posterior; those shipped if not given")
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = RESULTS / "fingerprints.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(line["synth"], line["targets"], line["item"], line["row"]) for line in lines}
    of = "presets" if options.presets else "roles"
    found = methods(options)
    for item, target in enumerate(targets(options)):
        for row, method in found.items():
            key = (options.synth, of, item, row)
            if key not in done and (not options.rows or row in options.rows.split(",")):
                line = {**dict(zip(("synth", "targets", "item", "row"), key, strict=True)), **method(target, item)}
                lines.append(line)
                with path.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(line, flush=True)
    (RESULTS / "fingerprints.json").write_text(json.dumps(summed_up(lines), indent=1) + "\n")


def targets(options: argparse.Namespace) -> list[Target]:
    """Returns the sounds to look for."""
    engine = engines[options.synth]()
    found = []
    if options.presets:
        for state, point in of_files(engine, options.presets)[: options.items]:
            engine.build_on(state)
            found.append(target_of(engine, point, Note()))
        return found
    rng = np.random.default_rng(SEED)
    points = read_roles(options.roles, engine.space, options.synth).draw(2 * options.items, rng).points
    for point in engine.canonical(points):
        note = Note(int(rng.integers(36, 85)), 100, float(rng.uniform(0.5, 3.0)), 4.0)
        if len(found) < options.items and np.abs(engine.render(point, note, SEARCH_RATE)).max() >= INAUDIBLE:
            found.append(target_of(engine, point, note))
    return found


def of_files(engine: Engine, folder: Path) -> list[tuple[bytes, np.ndarray]]:
    """Returns the states and values of preset files, in an order that has nothing to do with their names."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    files.sort(key=lambda file: hashlib.sha256(file.read_bytes()).hexdigest())
    presets = [read_presets(file).presets[0] for file in files]
    return [(preset.state, engine.space.encode(preset.values)) for preset in presets]


def target_of(engine: Engine, point: np.ndarray, note: Note) -> Target:
    """Returns what a preset sounds like as a target whose note and hold are known."""
    sound = engine.render(point, note, SEARCH_RATE)
    known = prepare_target(Sound(sound / max(np.abs(sound).max(), 1e-9), SEARCH_RATE), note=note.pitch)
    return replace(known, samples=sound, hold=note.hold, trim_offset=0.0)


def methods(options: argparse.Namespace) -> dict[str, Method]:
    """Returns every row by its name."""
    make = engines[options.synth]
    path = shipped(options.synth, FINGERPRINTS)
    if path is None:
        raise SystemExit(f"no library for {options.synth}: make one with fingerprint_library.py")
    library = Fingerprints.load(path, make.space)
    renderer = Renderer(make, 1)
    rows: dict[str, Method] = {
        "any preset of the library": lambda target, item: best_of(
            renderer, target, library.points[np.random.default_rng(item).integers(len(library), size=1)]
        ),
        "nearest fingerprint": lambda target, item: best_of(renderer, target, nearest(library, make(), target, 1)),
        "best of 8 nearest": lambda target, item: best_of(renderer, target, nearest(library, make(), target, 8)),
        "mean preset": lambda target, item: best_of(renderer, target, make.space.snap(library.points.mean(0)[None])),
    }
    weights = options.weights or shipped(options.synth)
    without: list[Proposer] = [FromModel(load_model(weights, make.space, models)) if weights else FromSpace(make.space)]
    beside: list[Proposer] = [FromFingerprints(library, make()), *without]
    named = f" ({Path(options.weights).stem})" if options.weights else ""
    # 10 and 110 are what fits one second and ten, of Vital on two cores.
    for count in (10, 16, 64, 110, 256):
        rows[f"{count} renders from scratch"] = searched(options.synth, [FromSpace(make.space)], count)
        for title, proposers in (("without", without), ("with", beside)):
            rows[f"{count} renders {title}{named}"] = searched(options.synth, proposers, count)
    return rows


def nearest(library: Fingerprints, engine: Engine, target: Target, count: int) -> np.ndarray:
    """Returns the presets of the library that a match would try first."""
    rng = np.random.default_rng(0)
    return FromFingerprints(library, engine).propose(target, target.guesses[0].pitch, count, rng)


def best_of(renderer: Renderer, target: Target, points: np.ndarray) -> dict[str, float]:
    """Renders a few presets and returns how near the best is."""
    scored = Scorer(renderer, target).score(points, [target.guesses[0].pitch] * len(points)).best(1)
    return {"distance": round(float(scored.distance[0]), 4), "log_mel_l1": round(float(scored.level[0]), 4)}


def searched(synth: str, proposers: list[Proposer], count: int) -> Method:
    """Returns a search of some renders."""
    matcher = Matcher([Arm(synth, engines[synth], Renderer(engines[synth]), proposers)])

    def method(target: Target, item: int) -> dict[str, float]:
        best = matcher.match_target(target, Budget(renders=count), seed=item).candidates[0]
        distances = best.distances
        return {"distance": round(distances["perceptual"], 4), "log_mel_l1": round(distances["log_mel_l1"], 4)}

    return method


def summed_up(lines: list[dict]) -> list[dict]:
    """Returns mean and interval of both distances for every synth, kind of target and row."""
    groups: dict[tuple[str, str, str], list[dict]] = {}
    for line in lines:
        groups.setdefault((line["synth"], line["targets"], line["row"]), []).append(line)
    table = []
    for (synth, of, row), members in sorted(groups.items()):
        entry = {"synth": synth, "targets": of, "row": row, "items": len(members)}
        for name in ("distance", "log_mel_l1"):
            values = np.array([member[name] for member in members])
            picks = np.random.default_rng(0).integers(len(values), size=(DRAWS, len(values)))
            low, high = np.quantile(values[picks].mean(1), (0.025, 0.975))
            entry[name] = {"mean": round(values.mean(), 2), "low": round(low, 2), "high": round(high, 2)}
        table.append(entry)
    return table


if __name__ == "__main__":
    main()
