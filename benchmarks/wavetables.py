"""How near a recording its wavetables come, played by Vital in one render, with and without each ingredient.

Usage: python benchmarks/wavetables.py FOLDER [--each 4] [--rows all,again] [--octaves] [--part 1/1]
       (writes benchmarks/results/wavetables.jsonl, a line for each sound and row; what is there is not done again)

FOLDER has sounds and a `manifest.csv` with the columns `file` and `category`. `--each` takes so many of each category,
evenly spaced; all if it is not given. Nothing is told but the sound: pitch and release are estimated.

Rows: `all` is the default; `2 MB` may be larger. Each of the others lacks one thing: `steady` does not follow the
pitch, `equal` has frames at equal times, `raw` is not corrected by how it sounds, `loop` plays the residual as a loop
of noise, `bare` leaves it out, `lines` has no table of harmonics. `again` is the floor: the render of `all` is taken
for a recording, and compared with the render of its own wavetables. That is what the format costs.

Of each: `log_mel_l1`, `mss` and `perceptual` in dB, `sot`; cents between sound and render where both have a pitch
(`octave_up` and `octave_down`: of keys an octave away); how rough both are; bytes of the file, frames, and seconds that
one processor took to analyse and write.
"""

import argparse
import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timing import facts

from patchflow.audio import load
from patchflow.audio.pitch import estimate_pitch
from patchflow.audio.resample import resample
from patchflow.audio.sound import Sound, trim_noise, without_offset
from patchflow.engines import Engine, Note
from patchflow.engines.vital import Vital
from patchflow.match.verdict import Judge
from patchflow.metrics import metrics
from patchflow.presets.formats.vital import Vital as VitalFile
from patchflow.resynthesis import Options, Resynthesis
from patchflow.resynthesis.resynthesis import RATE
from patchflow.resynthesis.spectra import buzz

RESULTS = Path(__file__).parent / "results" / "wavetables.jsonl"
ROWS = {
    "all": Options(),
    "2 MB": Options(most_bytes=2_000_000),
    "steady": Options(follows=False),
    "equal": Options(adaptive=False),
    "raw": Options(rounds=0),
    "loop": Options(noise="loop"),
    "bare": Options(noise="none"),
    "lines": Options(harmonics=False),
    "again": Options(),
}
DISTANCES = ("log_mel_l1", "mss", "perceptual", "sot")
LONGEST = 6.0
JUDGED_AT = 22_050


def sounds(folder: Path, each: int | None) -> Iterator[dict[str, str]]:
    """The lines of the manifest that are measured."""
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for category in sorted({line["category"] for line in lines}):
        own = [line for line in lines if line["category"] == category]
        count = len(own) if each is None else min(each, len(own))
        for place in np.linspace(0, len(own) - 1, 2 * count + 1).astype(int)[1::2].tolist():
            yield own[place]


def play(vital: Engine, found: Resynthesis, seconds: float, octaves: int = 0) -> np.ndarray:
    """What Vital makes of it."""
    preset = found.vital("Measured")
    vital.build_on(preset.state)
    key = int(np.clip(found.key + 12 * octaves, 0, 127))
    note = Note(key, 100, found.course.hold, seconds)
    return vital.render(vital.space.encode(preset.values), note, RATE)


def cents(sound: np.ndarray, played: np.ndarray, octaves: int = 0) -> float | None:
    """How far the render is above the sound, moved by octaves; None where one has no pitch."""
    a = estimate_pitch(sound, RATE).sounding
    b = estimate_pitch(played, RATE).sounding
    return None if a is None or b is None else 100 * (b - a - 12 * octaves)


def measured(vital: Engine, sound: Sound, options: Options, *, octaves: bool, again: bool) -> dict[str, Any]:
    """One line of results, without names."""
    x = np.asarray(resample(sound.samples, sound.rate, RATE), np.float32)[: round(LONGEST * RATE)]
    if again:
        x = play(vital, Resynthesis.of(x, RATE), len(x) / RATE)
    seconds = len(x) / RATE
    begun = time.process_time()
    found = Resynthesis.of(x, RATE, options=options)
    text = VitalFile().write([found.vital("Measured")])
    spent = time.process_time() - begun
    played = play(vital, found, seconds)
    line: dict[str, Any] = {}
    for name in DISTANCES:
        distance = metrics[name](torch.from_numpy(played[None]), torch.from_numpy(np.ascontiguousarray(x[None])), RATE)
        line[name] = float(distance[0])
    pitched = found.pitch.pitched
    judge = Judge(np.asarray(resample(x, RATE, JUDGED_AT), np.float32), JUDGED_AT, pitched=pitched)
    line["judged_cents"] = judge.cents(np.asarray(resample(played, RATE, JUDGED_AT), np.float32))
    line["cents"] = cents(x, played)
    if octaves and found.track is not None:
        line["octave_up"] = cents(x, play(vital, found, seconds, 1), 1)
        line["octave_down"] = cents(x, play(vital, found, seconds, -1), -1)
    rough = {"rough": buzz(played, RATE), "rough_sound": buzz(x, RATE)}
    made = {"bytes": len(text), "frames": found.frames, "seconds": spent, "course": found.course.kind}
    return {**line, **rough, **made, "key": None if found.track is None else found.key, "notes": list(found.notes)}


def summary(lines: list[dict[str, Any]]) -> None:
    """Prints means of each row by category."""
    for row in dict.fromkeys(line["row"] for line in lines):
        own = [line for line in lines if line["row"] == row]
        parts = []
        for category in sorted({line["category"] for line in own}):
            levels = [line["log_mel_l1"] for line in own if line["category"] == category]
            parts.append(f"{category} {np.mean(levels):.2f}")
        means = [f"{name} {np.mean([line[name] for line in own]):.2f}" for name in (*DISTANCES, "rough", "rough_sound")]
        off = [abs(line["cents"]) for line in own if line["cents"] is not None]
        tuned = f"in tune (20 cents) {np.mean(np.array(off) <= 20):.0%} of {len(off)}" if off else ""
        print(f"{row:8s} {len(own):4d}  {'  '.join(means)}  {tuned}  | log-mel L1: {'  '.join(parts)}")


def main() -> None:
    """Runs the rows that are not there yet, and prints means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, help="sounds of each category; all if not given")
    parser.add_argument("--rows", default=",".join(ROWS), help="names of rows, with commas")
    parser.add_argument("--octaves", action="store_true", help="tune an octave up and down, too, in row all")
    parser.add_argument("--part", default="1/1", help="K/N runs every Nth sound from the Kth")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    there = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(line["file"], line["row"]) for line in there}
    first, parts = map(int, options.part.split("/"))
    vital = Vital(passing=10**9)
    chosen = list(sounds(options.folder, options.each))[first - 1 :: parts]
    for entry in chosen:
        sound = None
        for row in options.rows.split(","):
            if (entry["file"], row) in done:
                continue
            sound = trim_noise(without_offset(load(options.folder / entry["file"]))) if sound is None else sound
            octaves = options.octaves and row == "all"
            line = measured(vital, sound, ROWS[row], octaves=octaves, again=row == "again")
            line = {"file": entry["file"], "category": entry["category"], "row": row, **line, "made_by": facts(0)}
            with options.out.open("a") as file:
                file.write(json.dumps(line) + "\n")
            there.append(line)
    names = {entry["file"] for entry in chosen}
    summary([line for line in there if line["file"] in names])


if __name__ == "__main__":
    main()
