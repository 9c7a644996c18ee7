"""Ten morphs heard by numbers: a picture of their spectrograms, and what is measured at start, middle and end.

Usage: python benchmarks/ten_morphs.py BANK.npz  (writes benchmarks/results/ten_morphs.json, docs/ten_morphs.md, .png)

The pairs are the first ten of `morphs.py` of the validation part of the bank: presets of different families.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from morphs import Bench, steps_of
from PIL import Image
from timing import facts

from patchflow.data.bank import Bank
from patchflow.ear import LOUDNESS, MEASURES
from patchflow.engines import one_torch_thread
from patchflow.explore import NOTE, RATE
from patchflow.explore.morph import morph
from patchflow.explore.path import Path as PresetPath
from patchflow.features.mel import mel_spectrogram
from patchflow.presets import Preset

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "ten_morphs.json"
PAGE = ROOT / "docs" / "ten_morphs.md"
PICTURE = ROOT / "docs" / "ten_morphs.png"
SYNTH = "dexed"
PAIRS = 10
STEPS = 9
RENDERS = 1_000
SEED = 0
SHOWN = ("brightness", "attack", "length", "noisiness", "harmonicity")
RANGE_DB = 70.0
GAP = 4  # columns between two spectrograms
GREYS = 24  # of the picture: as many as one can tell, in a file of half the size
PAGE_TEXT = """# Ten morphs

Ten paths of {steps} presets of {synth}, of {renders:,} that were played for each: what they look like and measure. The
ends are the first ten pairs of presets of different families of the validation part of a bank. Made by
`benchmarks/ten_morphs.py`; [morphing.md](morphing.md) says how paths are found, and how good a hundred others are.

![Spectrograms of ten paths, a row each, from the first preset on the left to the last on the right](ten_morphs.png)

Each row is a path, each of its columns a preset that holds middle C for {hold} s: mel bands from 30 Hz to 11 kHz,
bottom to top, {range:.0f} dB from black to white.

How far each preset is from the next to the ear, in dB of `metrics.perceptual` (8 is a twin, 20 close), and how large
the largest step is straight through the parameters:

| path | steps | largest | over the mean | largest, straight |
|---|---|---|---|---|
{steps_table}

What is measured at the first preset, in the middle and at the last one:

| path | place | {names} |
|---|---|{rules}|
{table}
"""


def main() -> None:
    """Finds the paths and writes what they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank")
    options = parser.parse_args()
    options.synth, options.split, options.pairs = SYNTH, "valid", PAIRS
    run = facts(SEED)
    with one_torch_thread():
        bench = Bench(options, Bank.load(options.bank))
        found = []
        rows = []
        for number, pair in enumerate(bench.pairs()):
            entry, sounds = one_path(bench, pair, number + 1)
            found.append(entry)
            rows.append(spectrograms(sounds))
            print(f"{number + 1}/{PAIRS}: largest step {entry['largest_db']:.1f} dB", flush=True)
    report = {**run, "synth": SYNTH, "steps": STEPS, "renders": RENDERS, "paths": found}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    PAGE.write_text(page(found))
    draw(rows, PICTURE)


def one_path(bench: Bench, pair: tuple[int, int], number: int) -> tuple[dict[str, Any], np.ndarray]:
    """Returns what is measured of a path, and its sounds."""
    ends = [
        Preset(SYNTH, bench.engine.space.decode(point), name=name)
        for name, point in zip("AB", bench.ends(pair), strict=True)
    ]
    path = morph(ends, space=bench.space, steps=STEPS, renders=RENDERS, seed=SEED)
    sounds = bench.sounds(np.stack([bench.engine.space.encode(step.values) for step in path.steps]))
    straight = steps_of(bench.sounds(bench.points("parameters", pair)))
    heard = np.array(path.heard)
    places = {"first": 0, "middle": STEPS // 2, "last": STEPS - 1}
    entry = {
        "path": number,
        "rows": list(map(int, pair)),
        "steps_db": [round(step, 2) for step in path.heard],
        "largest_db": round(float(heard.max()), 2),
        "largest_over_mean": round(float(heard.max() / heard.mean()), 2),
        "straight_largest_db": round(float(straight.max()), 2),
        "sound": {name: measured(path, place) for name, place in places.items()},
    }
    return entry, sounds


def measured(path: PresetPath, place: int) -> dict[str, float]:
    """Returns what is measured of one preset."""
    return {name: round(value, 3) for name, value in path.steps[place].sound.items()}


def spectrograms(sounds: np.ndarray) -> np.ndarray:
    """Returns the spectrograms of a path beside each other, from 0 to 1, on one scale."""
    bands = mel_spectrogram(torch.from_numpy(sounds), RATE, n_fft=1024, hop=512, bands=64, low=30.0, high=11_000.0)
    levels = 10 * np.log10(bands.numpy() + 1e-12)
    scaled = np.clip(1 + (levels - levels.max()) / RANGE_DB, 0, 1)
    apart = np.ones((scaled.shape[1], GAP))
    parts = []
    for one in scaled:
        parts += [one, apart]
    return np.concatenate(parts[:-1], 1)[::-1]


def page(found: list[dict[str, Any]]) -> str:
    """Returns the page."""
    shown = [attribute for attribute in (*MEASURES,) if attribute.name in SHOWN] + [LOUDNESS]
    steps_rows = []
    rows = []
    for entry in found:
        steps = " ".join(f"{step:.0f}" for step in entry["steps_db"])
        steps_rows.append(
            f"| {entry['path']} | {steps} | {entry['largest_db']:.1f} | {entry['largest_over_mean']:.1f} | "
            f"{entry['straight_largest_db']:.1f} |"
        )
        for place, sound in entry["sound"].items():
            cells = [attribute.text(sound[attribute.name]) if attribute.name in sound else "" for attribute in shown]
            rows.append(f"| {entry['path']} | {place} | {' | '.join(cells)} |")
    return PAGE_TEXT.format(
        steps=STEPS, synth=SYNTH, renders=RENDERS, hold=NOTE.hold, range=RANGE_DB,
        steps_table="\n".join(steps_rows), names=" | ".join(attribute.name for attribute in shown),
        rules="|".join(["---"] * len(shown)), table="\n".join(rows),
    )  # fmt: skip


def draw(rows: list[np.ndarray], picture: Path) -> None:
    """Writes a picture of spectrograms, a row each."""
    figure = Figure(figsize=(9, 9), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), 1)
    for number, (one, image) in enumerate(zip(axes, rows, strict=True)):
        one.imshow(image, cmap="gray", vmin=0, vmax=1, aspect="auto", interpolation="antialiased")
        one.set_ylabel(str(number + 1), rotation=0, va="center", labelpad=12)
        one.set_xticks([])
        one.set_yticks([])
    canvas.draw()
    greys = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("L")
    greys.quantize(GREYS).save(picture, optimize=True)


if __name__ == "__main__":
    main()
