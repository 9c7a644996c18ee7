"""How smooth and how linear morphs are: straight through the parameters, through the audio space, and by what is heard.

Usage: python benchmarks/morphs.py BANK.npz [--synth dexed] [--pairs 100] [--split test] [--renders 1000] [--part 1/1]
  (appends to benchmarks/results/SYNTH-morphs.jsonl, from where it stopped; then writes benchmarks/results/morphs.json)
       python benchmarks/morphs.py --tables  (writes the table of docs/morphing.md from morphs.json)

The file begins with a line of facts; one that was begun by other code or with other options is not gone on with.

Pairs are presets of different families of the test part (develop on `--split valid`, which writes elsewhere). Each way
to morph gives 9 presets, the ends among them; each plays middle C. Features are those of the Timbre Toolbox, scaled by
a corpus of the training part; the measures, the test and the reference are those of published work, see
`evaluate.morphing`. No way to morph knows of these features.

Rows: `parameters` is the straight way through the parameters, the reference. `space` is that through the latent of
`flow_joint`, where the synth has it (else they are the parameters on the scale of a normal distribution). `even` are 9
of 33 points on it in steps that sound even. `heard` is `patchflow morph`. `random` has 7 other presets in between.
"""

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from marked import filled
from timing import facts

from patchflow.data.bank import Bank
from patchflow.engines import Engine, Renderer, engines
from patchflow.engines._renderer import INAUDIBLE, one_torch_thread, render_or_silence
from patchflow.evaluate.morphing import Corpus, compare_morphs, nonlinearity, nonsmoothness
from patchflow.explore import NOTE, RATE
from patchflow.explore.audio_space import AudioSpace
from patchflow.explore.grid import Grid, equal_steps
from patchflow.explore.morph import morph
from patchflow.explore.path_search import straight_points
from patchflow.features.timbre_toolbox import TOOLBOX, toolbox_features
from patchflow.metrics.perceptual import Reference
from patchflow.presets import Preset

RESULTS = Path(__file__).parent / "results"
REFERENCE = "parameters"
ROWS = ("parameters", "space", "even", "heard", "random")
PAGE = Path(__file__).parents[1] / "docs" / "morphing.md"
NAMES = {
    "heard": "`patchflow morph`, 1,000 renders",
    "parameters": "straight through the parameters",
    "space": "straight through the latent of `flow_joint`",
    "even": "the same, in steps that sound even",
    "random": "seven other presets in between",
}
STEPS = 9
FINE = 33
CORPUS = 800
SEED = 0


class Bench:
    """Everything that a pair needs.

    Args:
        options: Of the command line.
        bank: Presets of the synth.
    """

    def __init__(self, options: argparse.Namespace, bank: Bank) -> None:
        self.options = options
        self.bank = bank
        self.engine = engines[options.synth]
        self.renderer = Renderer(self.engine)
        self.space = AudioSpace.load(options.synth, gaussian=True)

    def sounds(self, points: np.ndarray) -> np.ndarray:
        """Plays presets."""

        def play(engine: Engine, point: np.ndarray) -> np.ndarray:
            return render_or_silence(engine, point, NOTE, RATE)

        return np.stack(list(self.renderer.map(play, list(points))))

    def features(self, sounds: np.ndarray) -> np.ndarray:
        """Measures sounds."""
        return np.stack(list(self.renderer.map(lambda _, sound: toolbox_features(sound, RATE), list(sounds))))

    def corpus(self) -> Corpus:
        """Returns the scale of the features, of presets of the training part."""
        train = self.bank.part("train").points
        chosen = np.random.default_rng(SEED).permutation(len(train))[:CORPUS]
        return Corpus.of(self.features(self.sounds(train[chosen])))

    def pairs(self) -> list[tuple[int, int]]:
        """Returns rows of the bank, each of another family, all audible."""
        part = np.flatnonzero(self.bank.split == self.options.split)
        _, first = np.unique(self.bank.family[part], return_index=True)
        order = np.random.default_rng(SEED).permutation(part[first])[: 3 * self.options.pairs]
        loud = np.abs(self.sounds(self.bank.points[order])).max(1) >= INAUDIBLE
        kept = order[loud].tolist()
        return list(zip(kept[::2], kept[1::2], strict=False))[: self.options.pairs]

    def ends(self, pair: tuple[int, int]) -> np.ndarray:
        """Returns the presets that are to be morphed."""
        return self.engine.space.snap(self.bank.points[list(pair)])

    def points(self, row: str, pair: tuple[int, int]) -> np.ndarray:
        """Returns the presets of a way to morph."""
        ends = self.ends(pair)
        if row == "parameters":
            return self.engine.space.snap(Grid(1, STEPS).weights(2) @ ends)
        if row == "space":
            return straight_points(self.space, ends, Grid(1, STEPS).weights(2))
        if row == "even":
            fine = straight_points(self.space, ends, Grid(1, FINE).weights(2))
            return fine[equal_steps(steps_of(self.sounds(fine)), STEPS)]
        if row == "random":
            others = np.random.default_rng(pair).integers(len(self.bank.points), size=STEPS - 2)
            return np.concatenate([ends[:1], self.bank.points[others], ends[1:]])
        presets = [Preset(self.options.synth, self.engine.space.decode(point)) for point in ends]
        path = morph(presets, space=self.space, steps=STEPS, renders=self.options.renders, seed=SEED)
        return np.stack([self.engine.space.encode(step.values) for step in path.steps])


def main() -> None:
    """Runs what is missing, then writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", nargs="?")
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--synth", default="dexed")
    parser.add_argument("--split", default="test")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--renders", type=int, default=1000)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--part", default="1/1")
    options = parser.parse_args()
    if options.tables:
        PAGE.write_text(page(), "utf-8")
        return
    if options.bank is None:
        parser.error("BANK.npz is missing")
    name = f"{options.synth}-morphs.jsonl" if options.split == "test" else f"{options.synth}-morphs-valid.jsonl"
    path = RESULTS / name
    with one_torch_thread():
        measure_pairs(Bench(options, Bank.load(options.bank)), path)
    if options.split == "test":
        write_table()
    else:
        print(json.dumps(table(path), indent=1))


def page() -> str:
    """Returns the document with the table of the DX7.

    Raises:
        ValueError: If it has no place for it.
    """
    lines = [
        "| way | smoother | roughness of the way | more linear | bend of the way | heard step | largest step |",
        "|---|---|---|---|---|---|---|",
    ]
    ways = json.loads((RESULTS / "morphs.json").read_text("utf-8"))["synths"]["dexed"]
    for row, name in NAMES.items():
        one = ways[row]
        cells = []
        for measure in ("nonsmoothness", "nonlinearity"):
            found = one[measure]
            change = f"{found['change_percent']:+.1f} ± {found['spread_percent']:.1f} %"
            cells += ["", ""] if row == REFERENCE else [str(found["better"]), change]
        cells += [f"{one['heard_mean_db']:.1f} dB", f"{one['heard_largest_db']:.1f} dB"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return filled(PAGE, {"morphs": lines})


def measure_pairs(bench: Bench, path: Path) -> None:
    """Appends a line for each pair and row that is not there yet."""
    lines = begun(bench, path)
    scale = Corpus(**{name: np.array(values) for name, values in lines[0]["corpus"].items()})
    done = {(line["item"], line["row"]) for line in lines if "row" in line}
    part, parts = map(int, bench.options.part.split("/"))
    for pair in bench.pairs()[part - 1 :: parts]:
        start, end = scale.z_scores(bench.features(bench.sounds(bench.ends(pair))))
        item = f"{pair[0]}-{pair[1]}"  # rows of the bank
        for row in bench.options.rows.split(","):
            if (item, row) in done:
                continue
            since = time.monotonic()
            points = bench.points(row, pair)
            seconds = time.monotonic() - since
            sounds = bench.sounds(points)
            scores = scale.z_scores(bench.features(sounds))
            steps = steps_of(sounds)
            line = {
                "item": item,
                "row": row,
                "seconds": round(seconds, 2),
                "heard_mean": rounded(steps.mean()),
                "heard_largest": rounded(steps.max()),
                "nonsmoothness": rounded(nonsmoothness(scores)),
                "nonlinearity": rounded(nonlinearity(scores, start, end)),
            }
            append(path, line)
        print(item, flush=True)


def begun(bench: Bench, path: Path) -> list[dict[str, Any]]:
    """Returns the lines of the file, of which the first says by what it is made; begins it if it is not there.

    Raises:
        SystemExit: If it was begun by other code or with other options.
    """
    options = bench.options
    head = {**facts(SEED), "split": options.split, "steps": STEPS, "renders": options.renders}
    if not path.exists():
        scale = bench.corpus()
        corpus = {name: getattr(scale, name).tolist() for name in ("floors", "mean", "std", "median")}
        append(path, {**head, "features": list(TOOLBOX), "corpus": corpus})
    lines = lines_of(path)
    for name, value in head.items():
        if lines[0].get(name) != value:
            raise SystemExit(
                f"{path}: was begun with {name}={lines[0].get(name)}, this is {value}. Remove it, and it is made anew."
            )
    return lines


def steps_of(sounds: np.ndarray) -> np.ndarray:
    """Returns how far each sound is from the next, in dB."""
    samples = torch.from_numpy(sounds)
    pairs = itertools.pairwise(samples)
    return np.array([float(Reference(first).distance(second[None])[0]) for first, second in pairs])


def rounded(values: Any) -> Any:
    """Returns numbers with five digits."""
    return [float(f"{value:.5g}") for value in values] if np.ndim(values) else float(f"{values:.5g}")


def append(path: Path, line: dict[str, Any]) -> None:
    """Adds a line to a file."""
    with path.open("a") as out:
        out.write(json.dumps(line) + "\n")


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Returns what a file of lines has."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def table(path: Path) -> dict[str, Any]:
    """Compares every row with the reference, over the pairs that all of them have."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for line in lines_of(path):
        if "row" in line:
            found.setdefault(line["row"], {})[line["item"]] = line
    items = sorted(set.intersection(*(set(lines) for lines in found.values())))
    rows = {}
    for row, lines in found.items():
        chosen = [lines[item] for item in items]
        entry: dict[str, Any] = {
            "pairs": len(items),
            "seconds": round(float(np.median([line["seconds"] for line in chosen])), 2),
            "heard_mean_db": round(float(np.mean([line["heard_mean"] for line in chosen])), 2),
            "heard_largest_db": round(float(np.mean([line["heard_largest"] for line in chosen])), 2),
            "largest_over_mean": round(float(np.mean([one["heard_largest"] / one["heard_mean"] for one in chosen])), 2),
        }
        for measure in ("nonsmoothness", "nonlinearity"):
            ours = np.array([line[measure] for line in chosen])
            reference = np.array([found[REFERENCE][item][measure] for item in items])
            compared = compare_morphs(ours, reference)
            entry[measure] = {
                "better": compared.improved,
                "worse": compared.worse,
                "change_percent": round(100 * compared.change, 1),
                "spread_percent": round(100 * resampled(ours, reference), 1),
                "by_feature_percent": {name: round(100 * value, 1) for name, value in compared.by_feature.items()},
            }
        rows[row] = entry
    return rows


def resampled(ours: np.ndarray, reference: np.ndarray) -> float:
    """Returns the standard error of the mean change, by drawing pairs again."""
    rng = np.random.default_rng(SEED)
    changes = []
    for _ in range(200):
        chosen = rng.integers(len(ours), size=len(ours))
        before = reference[chosen].mean(0)
        changes.append(float((ours[chosen].mean(0) / before - 1).mean()))
    return float(np.std(changes))


def write_table() -> None:
    """Writes the rows of all synths whose lines are there."""
    synths = {}
    made = {}
    for path in sorted(RESULTS.glob("*-morphs.jsonl")):
        head = {name: value for name, value in lines_of(path)[0].items() if name not in ("corpus", "features")}
        synth = path.name.removesuffix("-morphs.jsonl")
        made[synth] = head
        synths[synth] = table(path)
    report = {"made": made, "features": len(TOOLBOX), "synths": synths}
    (RESULTS / "morphs.json").write_text(json.dumps(report, indent=1) + "\n")
    for synth, rows in synths.items():
        for row, entry in rows.items():
            print(f"{synth:8} {row:11} {entry['pairs']:4} pairs  {entry['seconds']:.1f} s")
            for measure in ("nonsmoothness", "nonlinearity"):
                found = entry[measure]
                print(f"  {measure:14} {found['better']:2} better {found['change_percent']:+6.1f} %")


if __name__ == "__main__":
    main()
