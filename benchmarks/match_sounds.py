"""How near every method comes to real sounds, by category.

Usage: python benchmarks/match_sounds.py BANK.npz SOUNDS [--rows NAME,...] [--budgets N,...] [--each N]
       [--synth dexed] [--model FILE]

SOUNDS is a folder with manifest.csv (file, category, pitch_midi). Writes one line a sound, row and budget to
benchmarks/results/SYNTH-sounds.jsonl and goes on where it stopped. Every method gets the sound after the same
trimming and note-off; the bank and evolution from random voices get the sound's own note (the manifest's, or
the first estimate where it has none), the search estimates it unless the row says otherwise. There is no oracle
row: no preset of the synth made these sounds.
"""

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rows
import runner
import torch

from patchflow.audio.load import load
from patchflow.audio.resample import resample
from patchflow.audio.sound import Sound as Recording
from patchflow.audio.sound import trim
from patchflow.data.bank import Bank
from patchflow.engines import Engine, Renderer, engines
from patchflow.match.proposals import FromLibrary, FromSpace, Proposer
from patchflow.match.scorer import Scorer
from patchflow.match.search import Budget
from patchflow.match.target import LONGEST, Target, prepare_target

RESULTS = Path(__file__).parent / "results"
VOICES = 1000  # of the bank, drawn once, rendered at each sound's own note

Sound = dict[str, str]  # a row of the manifest


def main() -> None:
    """Runs the rows that were asked for and are not there yet."""
    parser = runner.parser(__doc__)
    parser.add_argument("sounds", type=Path, help="folder with manifest.csv")
    parser.add_argument("--each", type=int, default=1000, help="most sounds of each category")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train = Bank.load(options.bank).part("train")

    with Renderer(engines[options.synth]) as renderer:
        engine = renderer.make()

        def score(sound: Sound, found: rows.Found) -> dict[str, Any]:
            facts = {"category": sound["category"], "note": found.note.pitch}
            return facts | compare(engine, found, options.sounds / sound["file"])

        found = methods(train, renderer, options)
        possible = pick(options.sounds, sys.maxsize)
        runner.run(
            RESULTS / f"{options.synth}-sounds.jsonl",
            found,
            pick(options.sounds, options.each),
            options,
            score,
            possible,
        )


def methods(train: Bank, renderer: Renderer, options: argparse.Namespace) -> Iterator[runner.Method]:
    """Yields every row; a sound is a row of the manifest."""
    voices = train.points[np.random.default_rng(0).choice(len(train.points), VOICES, replace=False)]
    mean = renderer.make().space.snap(train.points.mean(0))

    def recording(sound: Sound) -> Recording:
        return load(options.sounds / sound["file"])

    def with_note(sound: Sound) -> Target:
        note = round(float(sound["pitch_midi"])) if sound["pitch_midi"] else None
        return prepare_target(recording(sound), note=note)

    def best_of(sound: Sound, points: np.ndarray) -> rows.Found:
        target = with_note(sound)
        scorer = Scorer(renderer, target)
        start = time.monotonic()
        pitch = target.guesses[0].pitch
        best = int(np.argmin(scorer.score(points, np.full(len(points), pitch)).distance))
        return rows.Found(points[best], scorer.note(pitch), len(points), time.monotonic() - start)

    def searched(
        sound: Sound, proposer: Proposer, renders: int, seed: int, target: Callable[[Sound], Target]
    ) -> rows.Found:
        return rows.search(target(sound), renderer, [proposer], Budget(renders=renders), seed)

    def without_note(sound: Sound) -> Target:
        return prepare_target(recording(sound))

    yield "mean preset", "1", lambda sound, seed: best_of(sound, mean[None])
    yield "random voice", "1", lambda sound, seed: best_of(sound, voices[[seed % VOICES]])
    yield "best of bank voices", str(VOICES), lambda sound, seed: best_of(sound, voices)
    for n in (1000, 4000):
        yield "evolution from random voices", str(n), lambda sound, seed, n=n: searched(
            sound, FromLibrary(voices), n, seed, with_note)  # fmt: skip
    for n in (16, 256):
        yield "evolution from the fresh preset", str(n), lambda sound, seed, n=n: searched(
            sound, FromSpace(renderer.make().space), n, seed, with_note)  # fmt: skip
    if options.rows and "search" not in options.rows:
        return
    proposer = rows.posterior(options.model, options.synth)
    for n in rows.BUDGETS[1:]:
        yield "search", str(n), lambda sound, seed, n=n: searched(sound, proposer, n, seed, without_note)
    for n in (16, 256, 4000):
        yield "search told the note", str(n), lambda sound, seed, n=n: searched(sound, proposer, n, seed, with_note)


def compare(engine: Engine, found: rows.Found, path: Path) -> dict[str, float]:
    """Measures a preset against the trimmed file at 44.1 kHz."""
    sound = trim(load(path))
    target = resample(sound.samples[: round(LONGEST * sound.rate)], sound.rate, rows.FULL_RATE)
    return rows.measure(engine.render(found.point, found.note, rows.FULL_RATE), target, rows.FULL_RATE)


def pick(folder: Path, each: int) -> list[Sound]:
    """Returns up to `each` sounds of every category, the same every time."""
    with (folder / "manifest.csv").open() as file:
        entries = list(csv.DictReader(file))
    order = np.random.default_rng(2026).permutation(len(entries))
    chosen: dict[str, list[Sound]] = {}
    for i in order:
        chosen.setdefault(entries[i]["category"], []).append(entries[i])
    picked = []
    for category in sorted(chosen):
        picked += chosen[category][:each]
    return picked


if __name__ == "__main__":
    main()
