"""How near a synth comes to recordings, by category: with wavetables of the sound, without, and beside other ways.

Usage: python benchmarks/recordings.py SOUNDS [--rows NAME,...] [--each N] [--part K/N] [--static FOLDER]
       [--octaves] [--tables]

SOUNDS has sounds and a `manifest.csv` with the columns `file`, `category` and `pitch_midi`. Writes a line for each
sound and row to benchmarks/results/recordings.jsonl and goes on where it stopped. `--each` takes so many of each
category, evenly spaced; all if it is not given. `--tables` puts the table into docs/recordings.md and runs nothing.
`--octaves` adds `shift_up` and `shift_down` to the first candidates that lack them.

Nothing is told but the sound. Rows, `NAME@BUDGET` with renders, or seconds where it ends in s:

- `both`, `own`, `stock`: `match --synth vital` with `--wavetables` of that name; `own@1` is the first candidate;
- `scratch`: stock Vital from random presets, without a model or a library; `random`: one of these;
- `mean`: the mean of Vital's library of fingerprints; `nearest`: the one of it whose fingerprint is nearest;
- `dexed`: `match --synth dexed`;
- `static`: presets of FOLDER, named after the sounds; see `syntheon_presets.py`;
- `again`: the render of `own@1` is taken for a recording and compared with `own@1` of it: what the format costs.

Of each: every metric of the registry, and cents; `octave_up` and `octave_down` are cents between the two pitches that
are estimated of the preset on its key and an octave from it, less the octave; `shift_up` and `shift_down` are the same
frame by frame, see `shifts.shifted`. See `rows.measure` for the others.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import rows
import torch
from marked import filled
from shifts import shifted
from timing import facts

from patchflow.audio.conditioning import resample
from patchflow.audio.pitch import estimate_pitch
from patchflow.audio.sound import Sound
from patchflow.audio.sound_file import load
from patchflow.engines import Engine, Note, engines
from patchflow.match import Matcher
from patchflow.match.fingerprints import FINGERPRINTS, Fingerprints
from patchflow.match.proposals import FromFingerprints, FromSpace
from patchflow.match.search import Budget
from patchflow.match.target import LONGEST, Target, prepare_target
from patchflow.models import shipped
from patchflow.presets import Preset
from patchflow.presets.files import read_presets

RESULTS = Path(__file__).parent / "results" / "recordings.jsonl"
PAGE = Path(__file__).parent.parent / "docs" / "recordings.md"
ROWS = "random,mean,nearest,scratch@150,static,dexed@1000,stock@16,stock@150,own@1,both@10s,both@150,again"
NAMES = {
    "random": "random preset",
    "mean": "mean preset",
    "nearest": "nearest fingerprint",
    "scratch": "search from scratch",
    "static": "Syntheon 0.1.0",
    "dexed": "DX7",
    "stock": "own shapes",
    "own": "**first candidate**",
    "both": "**search**",
    "again": "floor",
}
CATEGORIES = ("environment", "instruments", "other_synths", "vocal_imitations", "voices")
OCTAVES = ("octave_up", "octave_down")


SHIFTS = ("shift_up", "shift_down")


@dataclass(frozen=True)
class Answer:
    """A preset for a sound.

    Args:
        preset: It, with its state.
        note: How it is played.
        start: Seconds of the sound before the note begins.
        renders: What it cost.
        seconds: How long it took.
        kind: What it is, in words.
    """

    preset: Preset
    note: Note
    start: float
    renders: int
    seconds: float
    kind: str = ""


def sounds(folder: Path, each: int | None) -> Iterator[dict[str, str]]:
    """The lines of the manifest that are measured."""
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for category in CATEGORIES:
        own = [line for line in lines if line["category"] == category]
        count = len(own) if each is None else min(each, len(own))
        for place in np.linspace(0, len(own) - 1, 2 * count + 1).astype(int)[1::2].tolist():
            yield own[place]


@cache
def matcher(synth: str, wavetables: str) -> Matcher:
    """The facade that a user gets."""
    return Matcher.load(synth, wavetables=wavetables)


def matched(synth: str, wavetables: str, budget: str, sound: Sound, seed: int) -> Answer:
    """What `match` finds first."""
    limit: dict[str, Any] = {"seconds": float(budget[:-1])} if budget.endswith("s") else {"renders": int(budget)}
    made = matcher(synth, wavetables)
    begun = time.monotonic()
    result = made.match(sound, candidates=4, seed=seed, **limit)
    spent = time.monotonic() - begun
    best = result.candidates[0]
    return Answer(best.preset, best.note, result.target.trim_offset, result.renders, spent, best.kind)


def scratch(budget: str, sound: Sound, seed: int) -> Answer:
    """What a search of the same budget finds that knows nothing but the parameters."""
    vital = engines["vital"]
    target = prepare_target(sound)
    made = rows.matcher("vital", [FromSpace(vital.space)])
    found = rows.search(made, target, Budget(renders=int(budget)), seed)
    preset = Preset("vital", vital.space.decode(found.point))
    return Answer(preset, found.note, target.trim_offset, found.renders, found.seconds)


def drawn(sound: Sound, seed: int) -> Answer:
    """One preset drawn around the fresh one."""
    vital = engines["vital"]
    target = prepare_target(sound)
    point = FromSpace(vital.space).propose(target, target.guesses[0].pitch, 1, np.random.default_rng(seed))[0]
    return Answer(Preset("vital", vital.space.decode(point)), held(target), target.trim_offset, 1, 0.0)


def average(sound: Sound, _seed: int) -> Answer:
    """The mean preset of the library."""
    return of_library(sound, library().points.mean(0))


def nearest(sound: Sound, _seed: int) -> Answer:
    """The preset of the library that sounds most like it, before anything is played."""
    target = prepare_target(sound)
    proposer = FromFingerprints(library(), engines["vital"]())
    return of_library(sound, proposer.propose(target, target.guesses[0].pitch, 1, np.random.default_rng(0))[0])


def of_library(sound: Sound, point: np.ndarray) -> Answer:
    """A preset of the library on the likeliest note."""
    space = engines["vital"].space
    target = prepare_target(sound)
    preset = Preset("vital", space.decode(space.snap(point[None])[0]))
    return Answer(preset, held(target), target.trim_offset, 1, 0.0)


@cache
def library() -> Fingerprints:
    """Vital's library of fingerprints."""
    path = shipped("vital", FINGERPRINTS)
    assert path is not None
    return Fingerprints.load(path, engines["vital"].space)


def static(folder: Path, sound: Sound, _seed: int) -> Answer | None:
    """The preset that is there for the sound; None if there is none."""
    path = folder / Path(sound.name).with_suffix(".vital").name
    if not path.exists():
        return None
    target = prepare_target(sound)
    return Answer(read_presets(path).presets[0], held(target), target.trim_offset, 0, 0.0)


def held(target: Target) -> Note:
    """The likeliest note, as long as the sound."""
    return Note(target.guesses[0].pitch, 100, target.hold, max(0.01, target.length))


def again(sound: Sound, seed: int) -> tuple[Sound, Answer]:
    """A render in the place of the sound, and what is found for that."""
    first = matched("vital", "own", "1", sound, seed)
    rendered = play(first, first.note.length)
    other = Sound(np.ascontiguousarray(rendered, np.float32), rows.FULL_RATE)
    return other, matched("vital", "own", "1", other, seed)


@cache
def engine(synth: str) -> Engine:
    """One engine of a synth; Vital loads each preset whole."""
    made = engines[synth]
    return made(passing=10**9) if made.native == "vital" else made()  # pyright: ignore[reportCallIssue]


def play(answer: Answer, length: float, octaves: int = 0) -> np.ndarray:
    """What the preset sounds like at `rows.FULL_RATE`, beside a sound of `length` seconds."""
    synth = engine(answer.preset.synth)
    synth.build_on(answer.preset.state)
    point = synth.space.encode(answer.preset.values)
    key = int(np.clip(answer.note.pitch + 12 * octaves, 0, 127))
    note = replace(answer.note, pitch=key)
    found = rows.Found(point, note, 0, 0.0, start=0.0)
    return rows.play(synth, found, length)


def measured(sound: Sound, answer: Answer, pitched: bool) -> dict[str, Any]:
    """Returns the fields of a line."""
    target = compared(sound)
    length = len(target) / rows.FULL_RATE
    played = play(answer, length)
    line = dict(rows.measure(played, target, rows.FULL_RATE))
    line["peak"] = round(float(np.abs(played).max()), 4)
    own = estimate_pitch(played, rows.FULL_RATE).sounding
    if not pitched or own is None:
        return line
    for name, shift, octaves in zip(OCTAVES, SHIFTS, (1, -1), strict=True):
        there = play(answer, length, octaves)
        moved = estimate_pitch(there, rows.FULL_RATE).sounding
        line[name] = None if moved is None else round(100 * (moved - own - 12 * octaves), 1)
        line[shift] = shifted(played, there, octaves)
    return line


def shifts(sound: Sound) -> dict[str, Any]:
    """Shifts of the first candidate."""
    answer = matched("vital", "own", "1", sound, 0)
    length = len(compared(sound)) / rows.FULL_RATE
    played = play(answer, length)
    found = {name: shifted(played, play(answer, length, way), way) for name, way in zip(SHIFTS, (1, -1), strict=True)}
    return {**found, "shifts_commit": facts(0)["commit"]}


def compared(sound: Sound) -> np.ndarray:
    """The part of a sound that is compared, at `rows.FULL_RATE`."""
    recording = prepare_target(sound).recording
    assert recording is not None
    return resample(recording.samples[: round(LONGEST * recording.rate)], recording.rate, rows.FULL_RATE)


def finder(row: str, static_folder: Path | None) -> Callable[[Sound, int], Answer | None]:
    """Returns what finds a preset for a sound and a seed."""
    name, _, budget = row.partition("@")
    if name in ("both", "own", "stock"):
        return partial(matched, "vital", name, budget)
    if name == "dexed":
        return partial(matched, "dexed", "both", budget)
    if name == "scratch":
        return partial(scratch, budget)
    if name in ("random", "mean", "nearest"):
        return {"random": drawn, "mean": average, "nearest": nearest}[name]
    if name == "static" and static_folder is not None:
        return partial(static, static_folder)
    raise SystemExit(f"{row}: no such row, or --static FOLDER is missing")


def mean(lines: Iterable[dict[str, Any]], name: str) -> str:
    """The mean of a metric, or a dash."""
    values = [line[name] for line in lines if line.get(name) is not None]
    return f"{np.mean(values):.2f}" if values else "–"


def interval(values: np.ndarray) -> str:
    """The mean with its 95 % interval over sounds."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (2_000, len(values))).mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def tuned(lines: list[dict[str, Any]]) -> str:
    """The share of sounds with a pitch that are in tune."""
    own = [line for line in lines if line["pitched"]]
    good = [rows.in_tune(line["cents"], line["gain"], line["told"]) for line in own]
    return f"{np.mean(good):.0%}" if good else "–"


def octaves_right(lines: list[dict[str, Any]], names: tuple[str, str]) -> str:
    """The share of presets with a pitch that are in tune within 10 cents an octave up and down."""
    own = [line for line in lines if all(line.get(name) is not None for name in names)]
    good = [all(abs(line[name]) <= 10 for name in names) for line in own]
    return f"{np.mean(good):.0%} of {len(good)}" if good else "–"


def tables(lines: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The tables of all rows that are there, each over its own sounds."""
    parts = " | ".join(name.replace("_", " ") for name in CATEGORIES)
    near = [f"| method | budget | sounds | all, dB ↓ [95 %] | {parts} |", "|---|" + "---:|" * (3 + len(CATEGORIES))]
    beside = ["| method | budget | MSS ↓ | perceptual ↓ | SOT ↓ | in tune ↑ | octaves ↑ | frame by frame ↑ |"]
    beside.append("|---|" + "---:|" * 7)
    for row in dict.fromkeys(line["row"] for line in lines):
        own = [line for line in lines if line["row"] == row]
        name, _, budget = row.partition("@")
        levels = np.array([line["log_mel_l1"] for line in own])
        by = []
        for category in CATEGORIES:
            some = [line for line in own if line["category"] == category]
            by.append(mean(some, "log_mel_l1"))
        head = [NAMES[name], f"{budget[:-1]} s" if budget.endswith("s") else budget or "1"]
        near.append("| " + " | ".join([*head, str(len(own)), interval(levels), *by]) + " |")
        cells = [mean(own, metric) for metric in ("mss", "perceptual", "sot")]
        beside.append(
            "| "
            + " | ".join([*head, *cells, tuned(own), octaves_right(own, OCTAVES), octaves_right(own, SHIFTS)])
            + " |"
        )
    return {"near": near, "beside": beside}


def page() -> str:
    """The document with the tables of the results."""
    return filled(PAGE, tables([json.loads(line) for line in RESULTS.read_text().splitlines()]))


def main() -> None:
    """Runs the rows that are not there yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", type=Path)
    parser.add_argument("--rows", default=ROWS, help="with commas")
    parser.add_argument("--each", type=int, help="sounds of each category; all if not given")
    parser.add_argument("--part", default="1/1", help="K/N runs every Nth sound from the Kth")
    parser.add_argument("--static", type=Path, help="folder of presets for the row `static`")
    parser.add_argument("--octaves", action="store_true", help="only measure shifts of first candidates")
    parser.add_argument("--tables", action="store_true", help="only put the table into the document")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    there = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    if options.tables:
        PAGE.write_text(page(), "utf-8")
        return
    if options.octaves:
        for line in there:
            if line["row"] == "own@1" and line["pitched"] and "shifts_commit" not in line:
                line.update(shifts(load(options.sounds / line["file"])))
                options.out.write_text("".join(json.dumps(each) + "\n" for each in there))
        return
    done = {(line["file"], line["row"]) for line in there}
    first, parts = map(int, options.part.split("/"))
    made_by = facts(0)["commit"]
    chosen = list(sounds(options.sounds, options.each))
    for row in options.rows.split(","):
        find = None if row == "again" else finder(row, options.static)
        for seed, entry in list(enumerate(chosen))[first - 1 :: parts]:
            if (entry["file"], row) in done:
                continue
            sound = load(options.sounds / entry["file"])
            answer = None
            if find is None:
                sound, answer = again(sound, seed)
            else:
                answer = find(sound, seed)
            if answer is None:
                continue
            pitched = bool(entry["pitch_midi"])
            line = {"file": entry["file"], "category": entry["category"], "row": row, "pitched": pitched}
            line |= {"note": answer.note.pitch, "renders": answer.renders, "seconds": round(answer.seconds, 2)}
            line |= {"kind": answer.kind, **measured(sound, answer, pitched), "commit": made_by}
            with options.out.open("a") as file:
                file.write(json.dumps(line) + "\n")
            there.append(line)
    for lines in tables(there).values():
        print("\n".join(lines))


if __name__ == "__main__":
    main()
