"""How near every method comes to held-out presets of a synth.

Usage: python benchmarks/match_voices.py BANK.npz [--synth dexed] [--of voices|families] [--rows NAME,...]
       [--budgets N,...] [--items 200] [--part K/N] [--model FILE] [--presets FOLDER]

Writes one line a preset, row and budget to benchmarks/results/SYNTH-voices.jsonl, or SYNTH-families.jsonl, and goes on
where it stopped. Targets: presets of families that are wholly held out, so none has a near-duplicate in training.
Those of `voices` are drawn evenly from all of them; those of `families` are one of each, most of which are odd sounds
that nobody made variations of. Middle C, velocity 100, held 3 s of 4 s; every method is given note and hold, except
in the row "search not told the note".

With --presets the targets are the preset files of a folder, none of which is in the bank. Each is played with all it
has, such as wavetables; what is searched for has a fresh synth's, so "true values on a fresh synth" is no oracle.
"""

import argparse
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import rows
import runner
import torch
from split import fingerprints, named

from patchflow.audio.sound import Sound
from patchflow.data.bank import Bank
from patchflow.engines import Engine, Note, Renderer, engines
from patchflow.match.proposals import FromLibrary, FromSpace, Proposer
from patchflow.match.search import Budget
from patchflow.match.target import NoteGuess, Target, prepare_target
from patchflow.models import shipped
from patchflow.presets import read_presets

RESULTS = Path(__file__).parent / "results"
NOTE = Note()
LEARNED = (
    "posterior draws",
    "search",
    "search not told the note",
    "search with the training bank as library",
)


@dataclass(frozen=True)
class Held:
    """Held-out presets, the targets: encoded `(N, P)`, and the state of each beside its parameters."""

    synth: str
    points: np.ndarray
    states: list[bytes]

    @cached_property
    def engine(self) -> Engine:
        """The synth that plays them."""
        return engines[self.synth]()

    def play(self, item: int, rate: int) -> np.ndarray:
        """Returns the sound of a preset."""
        self.engine.build_on(self.states[item])
        return self.engine.render(self.points[item], NOTE, rate)

    def target(self, item: int, rate: int = rows.RATE) -> Target:
        """Returns the sound as a target whose note is known."""
        return Target(self.play(item, rate), rate, (NoteGuess(60, 1.0),), NOTE.hold)


def main() -> None:
    """Runs the rows that were asked for and are not there yet."""
    parser = runner.parser(__doc__)
    parser.add_argument("--items", type=int, default=200, help="number of voices")
    parser.add_argument("--of", choices=("voices", "families"), default="voices", help="how targets are drawn")
    parser.add_argument("--presets", type=Path, help="preset files to look for, instead of the bank's")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bank = Bank.load(options.bank)
    engine = engines[options.synth]()
    if options.presets:
        held = of_files(options.synth, options.presets)
        possible = list(range(len(held.points)))
    else:
        held = Held(options.synth, bank.points, [b""] * len(bank.points))
        possible = pick(bank, options.of)

    def score(item: int, found: rows.Found) -> dict[str, float]:
        rate = rows.FULL_RATE
        sound = held.play(item, rate) if found.true else engine.render(found.point, found.note, rate)
        return rows.measure(sound, held.play(item, rate), rate)

    with Renderer(engines[options.synth]) as renderer:
        path = RESULTS / f"{options.synth}-{'presets' if options.presets else options.of}.jsonl"
        found = methods(bank, held, renderer, options)
        runner.run(path, found, possible[: options.items], options, score, possible)


def of_files(synth: str, folder: Path) -> Held:
    """Returns the preset files of a folder, in an order that has nothing to do with their names."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    files.sort(key=lambda file: hashlib.sha256(file.read_bytes()).hexdigest())
    presets = [read_presets(file).presets[0] for file in files]
    space = engines[synth].space
    points = np.stack([space.encode(preset.values) for preset in presets])
    return Held(synth, points, [preset.state for preset in presets])


def methods(bank: Bank, held: Held, renderer: Renderer, options: argparse.Namespace) -> Iterator[runner.Method]:
    """Yields `(row, budget, find)`; `find(item, seed)` returns a `Found`."""
    train = bank.part("train")
    space = renderer.make().space
    mean = train.points.mean(0)
    target = held.target

    def fixed(point: np.ndarray, true: bool = False) -> rows.Found:
        return rows.Found(space.snap(point), NOTE, 1, 0.0, true)

    def closest(item: int, allowed: np.ndarray) -> rows.Found:
        mels = rows.bank_mels(bank.points, NOTE, Path(options.bank).with_suffix(".mels.npy"), renderer)
        start = time.monotonic()
        row, _ = rows.nearest(rows.levels(held.play(item, rows.RATE)), mels, allowed)
        return rows.Found(bank.points[row], NOTE, 0, time.monotonic() - start)

    def scratch(proposer: Proposer, n: int) -> Callable[[int, int], rows.Found]:
        return lambda item, seed: rows.search(target(item), renderer, [proposer], Budget(renders=n), seed)

    yield "oracle", "1", lambda item, seed: fixed(held.points[item], true=True)
    if any(held.states):
        yield "true values on a fresh synth", "1", lambda item, seed: fixed(held.points[item])
    yield "mean preset", "1", lambda item, seed: fixed(mean)
    yield (
        "random preset",
        "1",
        lambda item, seed: fixed(train.points[np.random.default_rng(seed).integers(len(train.points))]),
    )
    yield "nearest in the training bank", "0", lambda item, seed: closest(item, bank.split == "train")
    if not options.presets:
        yield "nearest in the whole bank", "0", lambda item, seed: closest(item, bank.family != bank.family[item])
    for n in rows.BUDGETS[1:]:
        yield "evolution from scratch", str(n), scratch(rows.Evenly(space), n)
        yield "evolution from the fresh preset", str(n), scratch(FromSpace(space), n)
        yield "evolution from the training bank", str(n), scratch(FromLibrary(train.points), n)
    yield "evolution from the training bank", "10 s", lambda item, seed: rows.search(
        target(item), renderer, [FromLibrary(train.points)], Budget(seconds=10), seed)  # fmt: skip
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
    asked = options.rows.split(",") if options.rows else LEARNED
    if not any(row in LEARNED for row in asked) or not (options.model or shipped(options.synth)):
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
            without_note(target(item, rows.FULL_RATE)), renderer, [proposer], Budget(renders=n), seed)  # fmt: skip
    library = FromLibrary(train.points, proposer)
    yield "search with the training bank as library", "4000", lambda item, seed: rows.search(
        target(item), renderer, [proposer, library], Budget(renders=4000), seed)  # fmt: skip


def without_note(target: Target) -> Target:
    """Returns a target as `patchflow match` prepares it, with note and hold estimated from the sound."""
    return prepare_target(Sound(target.samples / np.abs(target.samples).max(), target.rate))


def pick(bank: Bank, of: str) -> list[int]:
    """Returns test presets, all or one of each family, in the order of their fingerprints: ever the same."""
    test = np.nonzero(bank.split == "test")[0].tolist()
    order = dict(zip(fingerprints(bank.points[test]), test, strict=True))
    if of == "families":
        order = {key: order[key] for key in order.keys() & named("test")}
    return [order[key] for key in sorted(order)]


if __name__ == "__main__":
    main()
