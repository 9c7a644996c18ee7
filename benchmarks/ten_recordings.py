"""Ten recordings as presets of Vital: pictures of the sound, the first candidate and the best, and numbers beside them.

Usage: python benchmarks/ten_recordings.py SOUNDS
       (writes benchmarks/results/ten_recordings.json, docs/ten_recordings.md, .png and the presets in docs/recordings)

SOUNDS is the folder that `recordings.py` takes. The ten were chosen by what their licences allow, CC0 and CC BY, and
before they were played: instruments, voices and the sea.
"""

import argparse
import csv
import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import rows
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from recordings import Answer, matched, measured, play
from timing import facts

from patchflow.audio.conditioning import resample
from patchflow.audio.note_names import note_name
from patchflow.audio.sound_file import load
from patchflow.engines import one_torch_thread
from patchflow.features.mel import mel_spectrogram
from patchflow.match.target import LONGEST, prepare_target
from patchflow.presets.files import write_presets

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "ten_recordings.json"
PAGE = ROOT / "docs" / "ten_recordings.md"
PICTURE = ROOT / "docs" / "ten_recordings.png"
PRESETS = ROOT / "docs" / "recordings"
SOUNDS = 10
RENDERS = 150
RANGE_DB = 70.0
GREYS = 24  # of the picture: as many as one can tell, in a file of half the size
ALLOWED = ("CC BY 4.0", "CC BY 3.0", "CC0")
PARTS = (("instruments", 6), ("voices", 3), ("environment", 1))
FREE_SOURCES = ("MTG/sms-tools", "Salamander", "VocalSet", "Sonic Pi")
PAGE_TEXT = """# Ten recordings

Ten recordings, and the presets of Vital that were found for them: the first candidate, which is one render, and the
best of {renders} renders. Made by `benchmarks/ten_recordings.py`; [wavetables.md](wavetables.md) says how the presets
work, and [recordings.md](recordings.md) how near 262 others come.

![Spectrograms of ten sounds, a row each: the recording, the first candidate, the best](ten_recordings.png)

Each row is a sound: the recording, the first candidate and the best. Mel bands from 30 Hz to 16 kHz, bottom to top,
{range:.0f} dB from black to white.

| sound | preset | key | log-mel L1, dB: first | best | perceptual, dB: first | best |
|---|---|---|---|---|---|---|
{table}

The best is the nearest by the perceptual distance, so it may be farther by another. Of the best, {own} of {count} are
made of wavetables of the sound.

Where the recordings are from:

{sources}
"""


def main() -> None:
    """Matches the sounds and writes what they became."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", type=Path)
    options = parser.parse_args()
    run = facts(0)
    PRESETS.mkdir(exist_ok=True)
    found = []
    images = []
    with one_torch_thread():
        for number, entry in enumerate(chosen(options.sounds), 1):
            one, pictures = recording(options.sounds, entry)
            found.append(one)
            images.append(pictures)
            levels = [one[which]["log_mel_l1"] for which in ("first", "best")]
            print(f"{number}/{SOUNDS} {one['sound']}: {levels[0]:.2f}, {levels[1]:.2f} dB", flush=True)
    RESULTS.write_text(json.dumps({**run, "renders": RENDERS, "sounds": found}, indent=1) + "\n")
    PAGE.write_text(page(), "utf-8")
    draw(images, PICTURE)


def chosen(folder: Path) -> list[dict[str, str]]:
    """The lines of the manifest: of each part the first whose licence allows it, evenly spaced."""
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    taken = []
    for category, count in PARTS:
        own = [line for line in lines if line["category"] == category and free(line)]
        places = np.linspace(0, len(own) - 1, count).round().astype(int)
        taken += [own[place] for place in places.tolist()]
    return taken


def free(line: dict[str, str]) -> bool:
    """Whether a sound may be shown, with its source named."""
    return line["licence"].startswith(ALLOWED) and any(name in line["source"] for name in FREE_SOURCES)


def recording(folder: Path, entry: dict[str, str]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Returns what is measured of a sound, and its pictures; writes its preset."""
    sound = load(folder / entry["file"])
    pitched = bool(entry["pitch_midi"])
    first = matched("vital", "own", "1", sound, 0)
    best = matched("vital", "both", str(RENDERS), sound, 0)
    name = Path(entry["file"]).stem
    file = PRESETS / f"{name}.vital"
    write_presets(file, [best.preset])
    kept = prepare_target(sound).recording
    assert kept is not None
    target = resample(kept.samples[: round(LONGEST * kept.rate)], kept.rate, rows.FULL_RATE)
    length = len(target) / rows.FULL_RATE
    one = {
        "sound": name,
        "category": entry["category"],
        "source": entry["source"],
        "licence": entry["licence"],
        "preset": file.name,
        "bytes": file.stat().st_size,
        "first": facts_of(sound, first, pitched),
        "best": facts_of(sound, best, pitched),
    }
    return one, [spectrogram(samples) for samples in (target, play(first, length), play(best, length))]


def facts_of(sound: Any, answer: Answer, pitched: bool) -> dict[str, Any]:
    """What a preset is and measures."""
    return {"note": answer.note.pitch, "kind": answer.kind, **measured(sound, answer, pitched)}


def spectrogram(samples: np.ndarray) -> np.ndarray:
    """Returns mel bands below the peak, from 0 to 1."""
    x = torch.from_numpy(np.ascontiguousarray(samples, np.float32))[None]
    bands = mel_spectrogram(x, rows.FULL_RATE, n_fft=2048, hop=512, bands=80, low=30.0, high=16_000.0)
    levels = 10 * np.log10(bands[0].numpy() + 1e-12)
    return np.clip(1 + (levels - levels.max()) / RANGE_DB, 0, 1)[::-1]


def page() -> str:
    """Returns the page, by the results on file."""
    found = json.loads(RESULTS.read_text())["sounds"]
    table = []
    for number, one in enumerate(found, 1):
        first, best = one["first"], one["best"]
        preset = f"[{one['bytes'] / 1e6:.1f} MB](recordings/{one['preset']})"
        cells = [f"{number} {one['sound']}", preset, note_name(best["note"])]
        for metric in ("log_mel_l1", "perceptual"):
            cells += [f"{first[metric]:.2f}", f"{best[metric]:.2f}"]
        table.append(f"| {' | '.join(cells)} |")
    sources = []
    for number, one in enumerate(found, 1):
        text = f"{number}. {one['source']}: {one['licence']}."
        sources.append(textwrap.fill(text, 118, subsequent_indent="   ", break_long_words=False))
    own = sum(one["best"]["kind"].startswith("wavetable") for one in found)
    return PAGE_TEXT.format(
        renders=RENDERS, range=RANGE_DB, table="\n".join(table), own=own, count=len(found), sources="\n".join(sources)
    )


def draw(images: list[list[np.ndarray]], picture: Path) -> None:
    """Writes a picture of spectrograms: a row a sound."""
    figure = Figure(figsize=(9, 11), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(len(images), 3)
    for number, row in enumerate(images):
        for place, image in enumerate(row):
            one = axes[number][place]
            one.imshow(image, cmap="gray", vmin=0, vmax=1, aspect="auto", interpolation="antialiased")
            one.set_xticks([])
            one.set_yticks([])
            if not number:
                one.set_title(("recording", "first candidate", "best")[place], fontsize=10)
        axes[number][0].set_ylabel(str(number + 1), rotation=0, va="center", labelpad=12)
    canvas.draw()
    greys = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("L")
    greys.quantize(GREYS).save(picture, optimize=True)


if __name__ == "__main__":
    main()
