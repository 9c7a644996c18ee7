"""How near the search comes with each model as its proposer, on presets that none has seen.

Usage: python benchmarks/match_models.py BANK.npz RUN... [--synth dexed] [--items 40] [--rows NAME,...] [--part K/N]

RUN is the folder of `patchflow train` on examples made from the same bank; all learned from the same fold. Targets are
presets of the bank's test part that lie in the test part of that fold, too, so neither the shipped posterior nor any of
the models has seen their families. Middle C, velocity 100, held 3 s of 4 s; every method is given note and hold.
Writes one line a preset, row and budget to benchmarks/results/SYNTH-models.jsonl, and goes on where it stopped.
"""

import json
from argparse import Namespace
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import match_voices
import numpy as np
import rows
import runner
import torch

from patchflow.data.bank import Bank
from patchflow.data.examples import Examples
from patchflow.engines import Renderer, engines
from patchflow.match.proposals import FromLibrary
from patchflow.match.search import Budget
from patchflow.models import read_header

RESULTS = Path(__file__).parent / "results"
DRAWS, RENDERS = (1, 16, 256), (1000,)


def main() -> None:
    """Runs the rows that were asked for and are not there yet."""
    parser = runner.parser(__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--items", type=int, default=40, help="number of presets")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bank = Bank.load(options.bank)
    possible = unseen(bank, options)
    held = match_voices.Held(options.synth, bank.points, [b""] * len(bank.points))
    path = RESULTS / f"{options.synth}-models.jsonl"
    with Renderer(engines[options.synth]) as renderer:

        def score(item: int, found: rows.Found) -> dict[str, float]:
            sound = held.engine.render(found.point, found.note, rows.FULL_RATE)
            return rows.measure(sound, held.play(item, rows.FULL_RATE), rows.FULL_RATE)

        for file in (None, *(run / f"{options.synth}.safetensors" for run in options.runs)):
            own = copy(options)
            own.model = file
            found = methods("posterior" if file is None else read_header(file)["model"], held, renderer, own)
            runner.run(path, found, possible[: options.items], own, score, possible)
        baselines = beside(bank, held, renderer, Path(options.bank).with_suffix(".mels.npy"))
        runner.run(path, baselines, possible[: options.items], options, score, possible)


def unseen(bank: Bank, options: Namespace) -> list[int]:
    """Returns the presets that no model has learned from, in the order of their fingerprints."""
    recipes = [json.loads((run / "recipe.json").read_text()) for run in options.runs]
    (data,) = {(recipe["data"], recipe["fold"]) for recipe in recipes}
    examples = Examples(*data)
    tested = {point.tobytes() for point in examples.points[examples.rows("test")].astype(np.float32)}
    picked = match_voices.pick(bank, "voices")
    engine = engines[options.synth]()
    points = engine.sorted_parts(engine.canonical(engine.space.snap(bank.points[picked]))).astype(np.float32)
    return [row for row, point in zip(picked, points, strict=True) if point.tobytes() in tested]


def methods(name: str, held: match_voices.Held, renderer: Renderer, options: Namespace) -> Iterator[runner.Method]:
    """Yields `(row, budget, find)` of a model: the best of some draws, and the search."""
    proposer = rows.posterior(options.model, options.synth)
    for n in DRAWS:
        yield f"{name} draws", str(n), lambda item, seed, n=n: rows.draw_best(
            held.target(item), renderer, proposer, n, seed)  # fmt: skip
    for n in RENDERS:
        yield f"{name} search", str(n), lambda item, seed, n=n: rows.search(
            held.target(item), renderer, [proposer], Budget(renders=n), seed)  # fmt: skip


def beside(bank: Bank, held: match_voices.Held, renderer: Renderer, cache: Path) -> Iterator[runner.Method]:
    """Yields the baselines: the rows without a model."""

    def closest(item: int) -> rows.Found:
        mels = rows.bank_mels(bank.points, match_voices.NOTE, cache, renderer)
        row, _ = rows.nearest(rows.levels(held.play(item, rows.RATE)), mels, bank.split == "train")
        return rows.Found(bank.points[row], match_voices.NOTE, 0, 0.0)

    yield "nearest in the training bank", "0", lambda item, seed: closest(item)
    train = bank.part("train").points
    mean = renderer.make().space.snap(train.mean(0))
    yield "mean preset", "1", lambda item, seed: rows.Found(mean, match_voices.NOTE, 1, 0.0)
    yield "random preset", "1", lambda item, seed: rows.Found(
        train[np.random.default_rng(seed).integers(len(train))], match_voices.NOTE, 1, 0.0)  # fmt: skip
    yield "oracle", "1", lambda item, seed: rows.Found(held.points[item], match_voices.NOTE, 1, 0.0)
    for n in RENDERS:
        yield "evolution from scratch", str(n), lambda item, seed, n=n: rows.search(
            held.target(item), renderer, [rows.Evenly(renderer.make().space)], Budget(renders=n), seed)  # fmt: skip
        yield "evolution from the training bank", str(n), lambda item, seed, n=n: rows.search(
            held.target(item), renderer, [FromLibrary(train)], Budget(renders=n), seed)  # fmt: skip


if __name__ == "__main__":
    main()
