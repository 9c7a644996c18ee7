"""How near a recording its wavetables come, played by Vital in one render, with and without each ingredient.

Usage: python benchmarks/wavetables.py FOLDER [--every 4] [--rows all,again] [--part 1/1] [--tables]
       (writes benchmarks/results/wavetables.jsonl, a line for each sound and row, and tables of docs/wavetables.md;
       what is there is not done again)

FOLDER has sounds and a `manifest.csv` with the columns `file` and `category`. `--every` takes every Nth of them.
Nothing is told but the sound: pitch and release are estimated.

Rows: `all` is the default; `2 MB` may be larger. Each of the others lacks one thing: `steady` does not follow the
pitch, `equal` has frames at equal times, `raw` is not corrected by how it sounds, `loop` plays the residual as a loop
of noise, `bare` leaves it out, `lines` has no table of harmonics. `again` is the floor: the render of `all` is taken
for a recording, and compared with the render of its own wavetables. That is what the format costs. `macros` turns each
macro from end to end.

Of each: `log_mel_l1`, `mss` and `perceptual` in dB, `sot`; how rough both are; bytes of the file, frames, and seconds
that one processor took to analyse and write. Of `all` also:
- `cents` between sound and render: the median over all frames in which the network SwiftF0 hears a pitch in both; where
  there are fewer than five, or the pitch is beyond its range, the difference of the project's estimates. `octave_up`
  and `octave_down` are of keys an octave away. `judged` is what `match` would say.
- `goes_on`: level at three times the length of the recording with the key held, in dB above that of the held part.
- `click`: of a held key where its path turns, by how much the second difference of the samples is larger there than
  1.5 times the largest within 60 ms, in dB below the peak of the sound; -120 where it is not larger.
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
from marked import filled
from timing import facts

from patchflow.audio import load
from patchflow.audio.conditioning import resample
from patchflow.audio.pitch import estimate_pitch
from patchflow.audio.pitch.contour import RATE as PITCH_RATE
from patchflow.audio.pitch.contour import contour
from patchflow.audio.sound import Sound, trim_noise, without_offset
from patchflow.engines import Engine, Note
from patchflow.engines.vital import Vital
from patchflow.match.verdict import Judge
from patchflow.metrics import metrics
from patchflow.presets.formats.vital import Vital as VitalFile
from patchflow.presets.vital import load_state, pack_state
from patchflow.resynthesis import Options, Resynthesis
from patchflow.resynthesis.resynthesis import RATE
from patchflow.resynthesis.spectra import buzz

RESULTS = Path(__file__).parent / "results" / "wavetables.jsonl"
PAGE = Path(__file__).parent.parent / "docs" / "wavetables.md"
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
    "macros": Options(),
}
DISTANCES = ("log_mel_l1", "mss", "perceptual", "sot")
LONGEST = 6.0
JUDGED_AT = 22_050
HEARD = (31.0, 94.0)  # semitones that the network knows
SURE = 0.7  # its confidence from which on a frame counts
FEWEST = 5  # frames
PULSES = 1.5  # times as large as another one that a pulse of the sound itself may be
LENGTHS = np.geomspace(0.25, 4, 33)
MACROS = ("position", "noise", "brightness", "length")


def sounds(folder: Path, every: int) -> Iterator[dict[str, str]]:
    """The lines of the manifest that are measured."""
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        yield from list(csv.DictReader(file))[::every]


def play(
    vital: Engine, found: Resynthesis, seconds: float, *, hold: float | None = None, octaves: int = 0, **macros: float
) -> np.ndarray:
    """What Vital makes of it, with macros turned that are named."""
    preset = found.vital("Measured")
    state = load_state(preset.state)
    for name, value in macros.items():
        state["settings"][f"macro_control_{MACROS.index(name) + 1}"] = value
    vital.build_on(pack_state(state))
    key = int(np.clip(found.key + 12 * octaves, 0, 127))
    note = Note(key, 100, found.course.hold if hold is None else hold, seconds)
    return vital.render(vital.space.encode(preset.values), note, RATE)


def cents(sound: np.ndarray, played: np.ndarray, octaves: int = 0) -> float | None:
    """How far the render is above the sound, moved by octaves; None where one has no pitch."""
    a = contour(np.asarray(resample(sound, RATE, PITCH_RATE), np.float32))
    b = contour(np.asarray(resample(played, RATE, PITCH_RATE), np.float32))
    size = min(len(a.pitch), len(b.pitch))
    both = (a.confidence[:size] > SURE) & (b.confidence[:size] > SURE)
    there = a.pitch[:size] + 12 * octaves
    both &= (there > HEARD[0]) & (there < HEARD[1])
    if both.sum() >= FEWEST:
        return 100 * float(np.median((b.pitch[:size] - there)[both]))
    first = estimate_pitch(sound, RATE).sounding
    second = estimate_pitch(played, RATE).sounding
    return None if first is None or second is None else 100 * (second - first - 12 * octaves)


def level(samples: np.ndarray) -> float:
    """In dB."""
    return 10 * float(np.log10(np.square(samples, dtype=np.float64).mean() + 1e-12))


def held(vital: Engine, found: Resynthesis, seconds: float) -> dict[str, float | None]:
    """What happens while a key is held three times as long as the recording."""
    played = play(vital, found, 3 * seconds, hold=3 * seconds)
    last = min(0.3, seconds / 2)
    goes_on = level(played[-round(last * RATE) :]) - level(played[: round(found.course.hold * RATE)])
    loop = found.path.loop
    if loop is None:
        return {"goes_on": goes_on, "click": None}
    bend = np.abs(np.diff(played, 2))
    half = (found.path.seconds - loop) / 2
    most = 0.0
    for turn in np.arange(loop + half, 3 * seconds - 0.1, half):
        first, start, end, last = (round((turn + offset) * RATE) for offset in (-0.06, -0.003, 0.01, 0.07))
        around = max(float(bend[max(0, first) : start].max(initial=0.0)), float(bend[end:last].max(initial=0.0)))
        most = max(most, float(bend[start:end].max(initial=0.0)) - PULSES * around)
    click = 20 * np.log10(most / (4 * float(np.abs(played).max()) + 1e-12) + 1e-6)
    return {"goes_on": goes_on, "click": float(click)}


def turned(vital: Engine, found: Resynthesis, sound: np.ndarray) -> dict[str, float]:
    """What each macro moves: seconds into the sound, dB of noise, octaves of brightness, times the length."""
    seconds = len(sound) / RATE
    usual = play(vital, found, seconds)

    def course(samples: np.ndarray) -> np.ndarray:
        hop = RATE // 100
        size = len(samples) // hop * hop
        return 10 * np.log10(np.square(samples[:size]).reshape(-1, hop).mean(1) / np.square(samples).max() + 1e-6)

    def spectrum(samples: np.ndarray) -> np.ndarray:
        return np.abs(np.fft.rfft(samples * np.hanning(len(samples))))

    def centroid(samples: np.ndarray) -> float:
        power = np.square(np.abs(np.fft.rfft(samples)))
        return float((power * np.fft.rfftfreq(len(samples), 1 / RATE)).sum() / max(float(power.sum()), 1e-20))

    size = min(round(0.1 * RATE), len(usual) // 3)
    start = spectrum(play(vital, found, seconds, position=1.0)[:size])
    starts = np.arange(0, len(usual) - size, RATE // 50)
    likeness = [float(start @ (there := spectrum(usual[at : at + size])) / np.linalg.norm(there)) for at in starts]
    silent = play(vital, found, seconds, noise=0.0)
    noises = [level(play(vital, found, seconds, noise=value) - silent) for value in (0.5, 1.0)]
    bright = [centroid(play(vital, found, seconds, brightness=value)) for value in (0.0, 1.0)]
    line = {
        "position": float(starts[int(np.argmax(likeness))]) / RATE,
        "noise": noises[1] - noises[0],
        "brightness": float(np.log2(bright[1] / max(bright[0], 1.0))),
    }
    wanted = course(usual)
    at = np.arange(len(wanted))
    for name, value in (("shortest", 0.0), ("longest", 1.0)):
        other = course(play(vital, found, seconds, hold=found.course.hold * 2 ** (2 * value - 1), length=value))
        missed = [float(np.abs(np.interp(at / share, at, wanted) - other).mean()) for share in LENGTHS]
        line[name] = float(LENGTHS[int(np.argmin(missed))])
    return line


def measured(vital: Engine, sound: Sound, row: str) -> dict[str, Any]:
    """One line of results, without names."""
    x = np.asarray(resample(sound.samples, sound.rate, RATE), np.float32)[: round(LONGEST * RATE)]
    if row == "macros":
        return turned(vital, Resynthesis.of(x, RATE), x)
    if row == "again":
        x = play(vital, Resynthesis.of(x, RATE), len(x) / RATE)
    seconds = len(x) / RATE
    begun = time.process_time()
    found = Resynthesis.of(x, RATE, options=ROWS[row])
    text = VitalFile().write([found.vital("Measured")])
    spent = time.process_time() - begun
    played = play(vital, found, seconds)
    line: dict[str, Any] = {}
    for name in DISTANCES:
        distance = metrics[name](torch.from_numpy(played[None]), torch.from_numpy(np.ascontiguousarray(x[None])), RATE)
        line[name] = float(distance[0])
    if row == "all" and found.track is not None:
        judge = Judge(np.asarray(resample(x, RATE, JUDGED_AT), np.float32), JUDGED_AT)
        line["judged"] = judge.cents(np.asarray(resample(played, RATE, JUDGED_AT), np.float32))
        line["cents"] = cents(x, played)
        line["octave_up"] = cents(x, play(vital, found, seconds, octaves=1), 1)
        line["octave_down"] = cents(x, play(vital, found, seconds, octaves=-1), -1)
    if row == "all":
        line |= held(vital, found, seconds)
    rough = {"rough": buzz(played, RATE), "rough_sound": buzz(x, RATE)}
    made = {"bytes": len(text), "frames": found.frames, "seconds": spent, "course": found.course.kind}
    return {**line, **rough, **made, "key": None if found.track is None else found.key, "notes": list(found.notes)}


def page() -> str:
    """The document with tables of the results."""
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    own = [line for line in lines if line["row"] == "all"]
    floors = {line["file"]: line for line in lines if line["row"] == "again"}
    distances = "log-mel L1 | again | MSS | perceptual | SOT"
    table = [f"| | sounds | {distances} | in tune | octaves | held | click | KB | s |", "|---|" + "---:|" * 12]
    for category in [*sorted({line["category"] for line in own}), "all"]:
        some = [line for line in own if category in (line["category"], "all")]
        table.append(f"| {category.replace('_', ' ')} | {len(some)} | {' | '.join(_cells(some, floors))} |")
    ways = [
        "| row | sounds | log-mel L1 | `all` on the same | MSS | roughness | of the sounds |",
        "|---|" + "---:|" * 6,
    ]
    usual = {line["file"]: line for line in own}
    for row in ROWS:
        some = [line for line in lines if line["row"] == row and line["file"] in usual and row != "macros"]
        if some:
            same = _mean([usual[line["file"]] for line in some], "log_mel_l1")
            means = " | ".join(f"{_mean(some, name):.2f}" for name in ("mss", "rough", "rough_sound"))
            ways.append(f"| `{row}` | {len(some)} | {_mean(some, 'log_mel_l1'):.2f} | {same:.2f} | {means} |")
    return filled(PAGE, {"measured": table, "ways": ways, "macros": _macros(lines)})


def _mean(lines: list[dict[str, Any]], name: str) -> float:
    found = [line[name] for line in lines if line.get(name) is not None]
    return float(np.mean(found)) if found else float("nan")


def _cells(some: list[dict[str, Any]], floors: dict[str, dict[str, Any]]) -> list[str]:
    again = [floors[line["file"]] for line in some if line["file"] in floors]
    cells = [f"{_mean(some, 'log_mel_l1'):.2f}", f"{_mean(again, 'log_mel_l1'):.2f}" if again else "-"]
    cells += [f"{_mean(some, name):.2f}" for name in ("mss", "perceptual", "sot")]
    off = [abs(line["cents"]) for line in some if line.get("cents") is not None]
    cells.append(f"{sum(each <= 20 for each in off)} of {len(off)}")
    moved = [abs(line[way]) for line in some for way in ("octave_up", "octave_down") if line.get(way) is not None]
    cells.append(f"{sum(each <= 10 for each in moved)} of {len(moved)}")
    kept = [line["goes_on"] for line in some if line["course"] == "sustained"]
    cells.append(f"{sum(each > -10 for each in kept)} of {len(kept)}")
    clicks = [line["click"] for line in some if line["click"] is not None]
    cells.append(f"{max(clicks):.0f} dB" if clicks else "-")
    return [*cells, f"{_mean(some, 'bytes') / 1_000:.0f}", f"{_mean(some, 'seconds'):.2f}"]


def _macros(lines: list[dict[str, Any]]) -> list[str]:
    some = [line for line in lines if line["row"] == "macros"]
    said = {
        "position": "position, up: begins so many seconds later",
        "noise": "noise, up: so many dB more noise",
        "brightness": "brightness, from down to up: octaves of the centroid",
        "shortest": "length, down: times as long",
        "longest": "length, up: times as long",
    }
    table = ["| macro | median | quartiles | sounds |", "|---|---:|---:|---:|"]
    for name, words in said.items():
        low, middle, high = np.quantile([line[name] for line in some], [0.25, 0.5, 0.75]) if some else [np.nan] * 3
        table.append(f"| {words} | {middle:.2f} | {low:.2f} to {high:.2f} | {len(some)} |")
    return table


def main() -> None:
    """Runs the rows that are not there yet, and prints means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="every Nth sound of the manifest")
    parser.add_argument("--rows", default=",".join(ROWS), help="names of rows, with commas")
    parser.add_argument("--part", default="1/1", help="K/N runs every Nth sound from the Kth")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--tables", action="store_true", help="only write the tables")
    options = parser.parse_args()
    torch.set_num_threads(1)
    there = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(line["file"], line["row"]) for line in there}
    first, parts = map(int, options.part.split("/"))
    vital = Vital(passing=10**9)
    chosen = [] if options.tables else list(sounds(options.folder, options.every))[first - 1 :: parts]
    for row in options.rows.split(","):
        for entry in chosen:
            if (entry["file"], row) in done:
                continue
            sound = trim_noise(without_offset(load(options.folder / entry["file"])))
            names = {"file": entry["file"], "category": entry["category"], "row": row}
            there.append({**names, **measured(vital, sound, row), "made_by": facts(0)})
            with options.out.open("a") as file:
                file.write(json.dumps(there[-1]) + "\n")
            print(row, entry["file"], round(there[-1].get("log_mel_l1", 0.0), 2), flush=True)
    if options.out == RESULTS:
        PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
