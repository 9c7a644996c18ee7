"""How near every method comes to held-out presets of a synth.

Usage: python benchmarks/match_voices.py BANK.npz [--synth dexed] [--of voices|families] [--rows NAME,...]
       [--budgets N,...] [--items 200] [--part K/N] [--model FILE]

Writes one line a preset, row and budget to benchmarks/results/SYNTH-voices.jsonl, or SYNTH-families.jsonl, and goes on
where it stopped. Targets: presets of families that are wholly held out, so none has a twin in training. Those of
`voices` are drawn evenly from all of them; those of `families` are one of each, most of which are odd sounds
that nobody made variations of. Middle C, velocity 100, held 3 s of 4 s; note and hold are told to every method, except
in the row "search not told the note".
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import rows
import runner
import torch
from split import fingerprints, named

from patchflow.audio.sound import Sound
from patchflow.data.bank import Bank
from patchflow.engines import Note, Renderer, engines
from patchflow.match.hearing import hear
from patchflow.match.proposals import FromLibrary
from patchflow.match.result import NoteGuess, Target
from patchflow.match.search import Budget
from patchflow.models import shipped

RESULTS = Path(__file__).parent / "results"
NOTE = Note()


def main() -> None:
    """Runs the rows that were asked for and are not there yet."""
    parser = runner.parser(__doc__)
    parser.add_argument("--items", type=int, default=200, help="number of voices")
    parser.add_argument("--of", choices=("voices", "families"), default="voices", help="how targets are drawn")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bank = Bank.load(options.bank)
    engine = engines[options.synth]()

    def judge(item: int, found: rows.Found) -> dict[str, float]:
        sound = engine.render(found.point, found.note, rows.FULL_RATE)
        return rows.measure(sound, engine.render(bank.points[item], NOTE, rows.FULL_RATE), rows.FULL_RATE)

    with Renderer(engines[options.synth]) as renderer:
        possible = pick(bank, options.of)
        runner.run(
            RESULTS / f"{options.synth}-{options.of}.jsonl",
            methods(bank, renderer, options),
            possible[: options.items],
            options,
            judge,
            possible,
        )


def methods(bank: Bank, renderer: Renderer, options: argparse.Namespace) -> Iterator[runner.Method]:
    """Yields `(row, budget, find)`; `find(item, seed)` returns a `Found`."""
    train = bank.part("train")
    engine = renderer.make()
    mean = train.points.mean(0)

    def target(item: int, rate: int = rows.RATE) -> Target:
        return Target(engine.render(bank.points[item], NOTE, rate), rate, (NoteGuess(60, 1.0),), NOTE.hold)

    def fixed(point: np.ndarray) -> rows.Found:
        return rows.Found(engine.space.snap(point), NOTE, 1, 0.0)

    def closest(item: int, allowed: np.ndarray) -> rows.Found:
        mels = rows.bank_mels(bank.points, NOTE, Path(options.bank).with_suffix(".mels.npy"), renderer)
        start = time.monotonic()
        row, _ = rows.nearest(mels[item], mels, allowed)
        return rows.Found(bank.points[row], NOTE, 0, time.monotonic() - start)

    yield "oracle", "1", lambda item, seed: fixed(bank.points[item])
    yield "mean preset", "1", lambda item, seed: fixed(mean)
    yield (
        "random preset",
        "1",
        lambda item, seed: fixed(train.points[np.random.default_rng(seed).integers(len(train.points))]),
    )
    yield "nearest in the training bank", "0", lambda item, seed: closest(item, bank.split == "train")
    yield "nearest in the whole bank", "0", lambda item, seed: closest(item, bank.family != bank.family[item])
    for n in rows.BUDGETS[1:]:
        yield "evolution from scratch", str(n), lambda item, seed, n=n: rows.search(
            target(item), renderer, [rows.Evenly(engine.space)], Budget(renders=n), seed)  # fmt: skip
    for n in (1000, 4000):
        yield (
            "CMA-ES from scratch",
            str(n),
            lambda item, seed, n=n: rows.cma_from(target(item), renderer, mean, n, seed),
        )
    yield from learned(train, renderer, options, target)


def learned(
    train: Bank, renderer: Renderer, options: argparse.Namespace, target: Callable[..., Target]
) -> Iterator[runner.Method]:
    """Yields the rows that need weights; without any, the search from the training presets alone."""
    if not (options.model or shipped(options.synth)):
        library = FromLibrary(train.points)
        for n in rows.BUDGETS[1:]:
            yield "search with the training bank as library", str(n), lambda item, seed, n=n: rows.search(
                target(item), renderer, [library], Budget(renders=n), seed)  # fmt: skip
        yield "search with the training bank as library", "10 s", lambda item, seed: rows.search(
            target(item), renderer, [library], Budget(seconds=10), seed)  # fmt: skip
        return
    if options.rows and "search" not in options.rows and "posterior" not in options.rows:
        return
    proposer = rows.posterior(options.model, options.synth)
    for n in rows.BUDGETS[:3]:
        yield (
            "posterior draws",
            str(n),
            lambda item, seed, n=n: rows.draw_best(target(item), renderer, proposer, n, seed),
        )
    for n in rows.BUDGETS[1:]:
        yield "search", str(n), lambda item, seed, n=n: rows.search(
            target(item), renderer, [proposer], Budget(renders=n), seed)  # fmt: skip
    for s in (1, 10):
        yield "search", f"{s} s", lambda item, seed, s=s: rows.search(
            target(item), renderer, [proposer], Budget(seconds=s), seed)  # fmt: skip
    for n in (1000, 4000):
        yield "search not told the note", str(n), lambda item, seed, n=n: rows.search(
            heard(target(item, rows.FULL_RATE)), renderer, [proposer], Budget(renders=n), seed)  # fmt: skip
    library = FromLibrary(train.points, proposer)
    yield "search with the training bank as library", "4000", lambda item, seed: rows.search(
        target(item), renderer, [proposer, library], Budget(renders=4000), seed)  # fmt: skip


def heard(target: Target) -> Target:
    """Returns a target as the command line would hear it: note and hold guessed."""
    return hear(Sound(target.samples / np.abs(target.samples).max(), target.rate))


def pick(bank: Bank, of: str) -> list[int]:
    """Returns test presets, all or one of each family, in the order of their fingerprints: ever the same."""
    test = np.nonzero(bank.split == "test")[0].tolist()
    order = dict(zip(fingerprints(bank.points[test]), test, strict=True))
    if of == "families":
        order = {key: order[key] for key in order.keys() & named("test")}
    return [order[key] for key in sorted(order)]


if __name__ == "__main__":
    main()
