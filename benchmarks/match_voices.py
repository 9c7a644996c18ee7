"""How near every method comes to held-out presets of a synth.

Usage: python benchmarks/match_voices.py BANK.npz [--synth dexed] [--of voices|families] [--rows NAME,...]
       [--budgets N,...] [--items 200] [--part K/N] [--model FILE] [--presets FOLDER]

Writes one line a preset, row and budget to benchmarks/results/SYNTH-voices.jsonl, or SYNTH-families.jsonl, and goes on
where it stopped. Targets: presets of families that are wholly held out, so none has a near-duplicate in training.
Those of `voices` are drawn evenly from all of them; those of `families` are one of each, most of which are odd sounds
that nobody made variations of. Middle C, velocity 100, held 3 s of 4 s; every method is given note and hold, except
in the row "search not told the note", which prepares the sound as `patchflow match` does.

Run rows that have a budget in seconds alone and in one part, on an idle machine; others may share it.

With --presets the targets are the preset files of a folder, none of which is in the bank. Each is played with all it
has, such as wavetables; what is searched for has a fresh synth's, so "true values on a fresh synth" is no oracle.
"""

import argparse
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import rows
import runner
import torch
from split import fingerprints, named

from patchflow.audio.sound import Sound
from patchflow.data.bank import Bank
from patchflow.engines import Engine, Note, Renderer, engines
from patchflow.match.limits import Budget
from patchflow.match.proposals import FromLibrary, FromSpace, Proposer
from patchflow.match.target import Target, prepare_target
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

    @cached_property
    def fresh(self) -> Engine:
        """The synth without a state of any preset."""
        return engines[self.synth]()

    def play(self, item: int, rate: int) -> np.ndarray:
        """Returns the sound of a preset."""
        self.engine.build_on(self.states[item])
        return self.engine.render(self.points[item], NOTE, rate)

    def heard(self, item: int) -> Target:
        """Returns the sound as `patchflow match` prepares it, with note and hold estimated."""
        sound = self.play(item, rows.FULL_RATE)
        return prepare_target(Sound(sound / np.abs(sound).max(), rows.FULL_RATE))

    def target(self, item: int) -> Target:
        """Returns the sound as a target whose note and hold are known, from its first sample to its last."""
        sound = self.play(item, rows.RATE)
        known = prepare_target(Sound(sound / np.abs(sound).max(), rows.RATE), note=NOTE.pitch)
        return replace(known, samples=sound, hold=NOTE.hold, trim_offset=0.0)

    def measure(self, item: int, found: rows.Found) -> dict[str, float | None]:
        """Returns every metric of what was found beside the preset."""
        wanted = self.play(item, rows.FULL_RATE)
        sound = wanted if found.true else rows.play(self.fresh, found, NOTE.length)
        return rows.measure(sound, wanted, rows.FULL_RATE)


def main() -> None:
    """Runs the rows that were asked for and are not there yet."""
    parser = runner.parser(__doc__)
    parser.add_argument("--items", type=int, default=200, help="number of voices")
    parser.add_argument("--of", choices=("voices", "families"), default="voices", help="how targets are drawn")
    parser.add_argument("--presets", type=Path, help="preset files to look for, instead of the bank's")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bank = Bank.load(options.bank)
    if options.presets:
        held = of_files(options.synth, options.presets)
        possible = list(range(len(held.points)))
    else:
        held = Held(options.synth, bank.points, [b""] * len(bank.points))
        possible = pick(bank, options.of)

    pitched = cache(lambda item: held.heard(item).pitched)

    def score(item: int, found: rows.Found) -> dict[str, Any]:
        return {"pitched": pitched(item), **held.measure(item, found)}

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
    mean = space.snap(train.points.mean(0))
    target = held.target

    @cache
    def closest() -> rows.Nearest:
        return rows.Nearest(bank.points, NOTE, Path(options.bank).with_suffix(".mels.npy"), renderer)

    def fixed(point: np.ndarray, true: bool = False) -> rows.Found:
        return rows.Found(space.snap(point), NOTE, 1, 0.0, true)

    def of_train(seed: int) -> np.ndarray:
        return train.points[np.random.default_rng(seed).integers(len(train.points))]

    yield "oracle", "1", lambda item, seed: fixed(held.points[item], true=True)
    if any(held.states):
        yield "true values on a fresh synth", "1", lambda item, seed: fixed(held.points[item])
    yield "mean preset", "1", lambda item, seed: fixed(mean)
    yield "random preset", "1", lambda item, seed: fixed(of_train(seed))
    nearest = str(rows.NEAREST)
    in_train = bank.split == "train"
    yield "nearest in the training bank", nearest, lambda item, seed: closest().find(target(item), in_train)
    if not options.presets:
        yield "nearest in the whole bank", nearest, lambda item, seed: closest().find(
            target(item), bank.family != bank.family[item])  # fmt: skip
    for row, proposer in (
        ("evolution from scratch", rows.Evenly(space)),
        ("evolution from the fresh preset", FromSpace(space)),
        ("evolution from the training bank", FromLibrary(train.points)),
    ):
        yield from searches(row, options.synth, [proposer], target, [*map(str, rows.BUDGETS[1:]), "10 s"])
    for n in (1000, 4000):
        yield (
            "CMA-ES from scratch",
            str(n),
            lambda item, seed, n=n: rows.cma_from(target(item), renderer, mean, n, seed),
        )
    yield from learned(train, held, renderer, options)


def learned(train: Bank, held: Held, renderer: Renderer, options: argparse.Namespace) -> Iterator[runner.Method]:
    """Yields the rows that need weights; none without any."""
    asked = options.rows.split(",") if options.rows else LEARNED
    if not any(row in LEARNED for row in asked) or not (options.model or shipped(options.synth)):
        return
    synth = options.synth
    proposer = rows.posterior(options.model, synth)
    for n in rows.BUDGETS[:3]:
        yield (
            "posterior draws",
            str(n),
            lambda item, seed, n=n: rows.draw_best(held.target(item), renderer, proposer, n, seed),
        )
    budgets = [*map(str, rows.BUDGETS[1:]), "1 s", "10 s"]
    yield from searches("search", synth, [proposer], held.target, budgets)
    yield from searches("search not told the note", synth, [proposer], held.heard, [*budgets, "5 s", "30 s"])
    with_bank: list[Proposer] = [proposer, FromLibrary(train.points, proposer)]
    yield from searches("search with the training bank as library", synth, with_bank, held.target, ["4000", "10 s"])


def searches(
    row: str, synth: str, proposers: list[Proposer], target: Callable[[Any], Target], budgets: Iterable[str]
) -> Iterator[runner.Method]:
    """Yields a search with several budgets, such as `"1000"` renders or `"10 s"`."""
    matcher = rows.matcher(synth, proposers)
    for budget in budgets:
        yield row, budget, lambda item, seed, budget=budget: rows.search(matcher, target(item), limit(budget), seed)


def limit(budget: str) -> Budget:
    """Returns what a search may spend, from `"1000"` renders or `"10 s"`."""
    count, _, seconds = budget.partition(" ")
    return Budget(seconds=float(count)) if seconds else Budget(renders=int(count))


def pick(bank: Bank, of: str) -> list[int]:
    """Returns test presets, all or one of each family, in the order of their fingerprints: ever the same."""
    test = np.nonzero(bank.split == "test")[0].tolist()
    order = dict(zip(fingerprints(bank.points[test]), test, strict=True))
    if of == "families":
        order = {key: order[key] for key in order.keys() & named("test")}
    return [order[key] for key in sorted(order)]


if __name__ == "__main__":
    main()
