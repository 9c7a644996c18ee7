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
from functools import cache
from pathlib import Path
from typing import Any

import match_voices
import numpy as np
import rows
import runner
import torch

from patchflow.data.bank import Bank
from patchflow.data.examples import Examples
from patchflow.engines import Renderer, engines
from patchflow.match.proposals import FromLibrary
from patchflow.models import read_header

RESULTS = Path(__file__).parent / "results"
DRAWS, RENDERS = (1, 16, 256), ("1000",)


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
        pitched = cache(lambda item: held.heard(item).pitched)

        def score(item: int, found: rows.Found) -> dict[str, Any]:
            return {"pitched": pitched(item), **held.measure(item, found)}

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
    yield from match_voices.searches(f"{name} search", options.synth, [proposer], held.target, RENDERS)


def beside(bank: Bank, held: match_voices.Held, renderer: Renderer, cache_file: Path) -> Iterator[runner.Method]:
    """Yields the baselines: the rows without a model."""

    @cache
    def bank_on_note() -> rows.Nearest:
        return rows.Nearest(bank.points, match_voices.NOTE, cache_file, renderer)

    yield "nearest in the training bank", str(rows.NEAREST), lambda item, seed: bank_on_note().find(
        held.target(item), bank.split == "train")  # fmt: skip
    train = bank.part("train").points
    mean = renderer.make().space.snap(train.mean(0))
    yield "mean preset", "1", lambda item, seed: rows.Found(mean, match_voices.NOTE, 1, 0.0)
    yield "random preset", "1", lambda item, seed: rows.Found(
        train[np.random.default_rng(seed).integers(len(train))], match_voices.NOTE, 1, 0.0)  # fmt: skip
    yield "oracle", "1", lambda item, seed: rows.Found(held.points[item], match_voices.NOTE, 1, 0.0)
    for row, proposer in (
        ("evolution from scratch", rows.Evenly(renderer.make().space)),
        ("evolution from the training bank", FromLibrary(train)),
    ):
        yield from match_voices.searches(row, held.synth, [proposer], held.target, RENDERS)


if __name__ == "__main__":
    main()
