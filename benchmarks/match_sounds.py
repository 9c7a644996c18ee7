"""How near every method comes to real sounds, by category.

Usage: python benchmarks/match_sounds.py BANK.npz SOUNDS [--rows NAME,...] [--budgets N,...] [--each N] [--pitched]
       [--kind sounds] [--part K/N] [--synth dexed] [--model FILE]

SOUNDS is a folder with manifest.csv (file, category, pitch_midi). Writes one line a sound, row and budget to
benchmarks/results/SYNTH-KIND.jsonl and goes on where it stopped. Every method gets the sound after the same
trimming and note-off; the bank and evolution from random voices get the sound's own note (the manifest's, or
the first estimate where it has none), the search estimates it unless the row says otherwise. There is no oracle
row: no preset of the synth made these sounds. A sound counts as pitched if the manifest has a pitch for it.

Run rows that have a budget in seconds alone and in one part, on an idle machine; others may share it.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rows
import runner
import torch
from match_voices import searches

from patchflow.audio.conditioning import resample
from patchflow.audio.sound_file import load
from patchflow.data.bank import Bank
from patchflow.engines import Engine, Renderer, engines
from patchflow.match.proposals import FromLibrary, FromSpace
from patchflow.match.target import LONGEST, Target, prepare_target

RESULTS = Path(__file__).parent / "results"
VOICES = 1000  # of the bank, drawn once, rendered at each sound's own note

Sound = dict[str, str]  # a row of the manifest


def main() -> None:
    """Runs the rows that were asked for and are not there yet."""
    parser = runner.parser(__doc__)
    parser.add_argument("sounds", type=Path, help="folder with manifest.csv")
    parser.add_argument("--each", type=int, default=1000, help="most sounds of each category")
    parser.add_argument("--pitched", action="store_true", help="only sounds that have a pitch in the manifest")
    parser.add_argument("--kind", default="sounds", help="what they are: the name of the results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train = Bank.load(options.bank).part("train")

    with Renderer(engines[options.synth]) as renderer:
        engine = renderer.make()

        def score(sound: Sound, found: rows.Found) -> dict[str, Any]:
            facts = {"category": sound["category"], "note": found.note.pitch, "pitched": bool(sound["pitch_midi"])}
            return facts | compare(engine, found, options.sounds / sound["file"])

        found = methods(train, renderer, options)
        possible = pick(options.sounds)
        wanted = chosen(possible, options.each, options.pitched)
        path = RESULTS / f"{options.synth}-{options.kind}.jsonl"
        runner.run(path, found, wanted, options, score, possible)


def methods(train: Bank, renderer: Renderer, options: argparse.Namespace) -> Iterator[runner.Method]:
    """Yields every row; a sound is a row of the manifest."""
    voices = train.points[np.random.default_rng(0).choice(len(train.points), VOICES, replace=False)]
    mean = renderer.make().space.snap(train.points.mean(0))

    def heard(sound: Sound) -> Target:
        return prepare_target(load(options.sounds / sound["file"]))

    def told(sound: Sound) -> Target:
        note = round(float(sound["pitch_midi"])) if sound["pitch_midi"] else None
        return prepare_target(load(options.sounds / sound["file"]), note=note)

    def best_of(sound: Sound, points: np.ndarray) -> rows.Found:
        return rows.score_best(told(sound), renderer, points)

    yield "mean preset", "1", lambda sound, seed: best_of(sound, mean[None])
    yield "random voice", "1", lambda sound, seed: best_of(sound, voices[[seed % VOICES]])
    yield "best of bank voices", str(VOICES), lambda sound, seed: best_of(sound, voices)
    fresh = FromSpace(renderer.make().space)
    yield from searches("evolution from random voices", options.synth, [FromLibrary(voices)], told, ["1000", "4000"])
    yield from searches("evolution from the fresh preset", options.synth, [fresh], told, ["16", "256"])
    if options.rows and "search" not in options.rows:
        return
    proposer = rows.posterior(options.model, options.synth)
    budgets = [*map(str, rows.BUDGETS[1:]), "1 s", "10 s"]
    yield from searches("search", options.synth, [proposer], heard, budgets)
    yield from searches("search told the note", options.synth, [proposer], told, budgets)


def compare(engine: Engine, found: rows.Found, path: Path) -> dict[str, float | None]:
    """Measures a preset against the file as it is matched, at 44.1 kHz."""
    sound = prepare_target(load(path)).recording
    assert sound is not None
    target = resample(sound.samples[: round(LONGEST * sound.rate)], sound.rate, rows.FULL_RATE)
    estimate = rows.play(engine, replace(found, start=0.0), len(target) / rows.FULL_RATE)
    return rows.measure(estimate, target, rows.FULL_RATE)


def pick(folder: Path) -> list[Sound]:
    """Returns all sounds category by category, in an order by chance that is the same every time."""
    with (folder / "manifest.csv").open() as file:
        entries = list(csv.DictReader(file))
    order = np.random.default_rng(2026).permutation(len(entries))
    return sorted((entries[i] for i in order), key=lambda entry: entry["category"])


def chosen(sounds: list[Sound], each: int, pitched: bool) -> list[Sound]:
    """Returns up to `each` sounds of every category, the first; only pitched ones, if wanted."""
    found: dict[str, list[Sound]] = {}
    for sound in sounds:
        if sound["pitch_midi"] or not pitched:
            found.setdefault(sound["category"], []).append(sound)
    return [sound for part in found.values() for sound in part[:each]]


if __name__ == "__main__":
    main()
