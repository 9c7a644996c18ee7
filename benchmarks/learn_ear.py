"""Trains the ear from banks of presets, in stages that go on where they stopped, and writes its weights and card.

Usage: python benchmarks/learn_ear.py FOLDER SYNTH=BANK.npz[:MOST] ... [--valid SYNTH] [--views N ...] [--recipe JSON]
       torchrun --nproc-per-node 2 benchmarks/learn_ear.py FOLDER SYNTH=BANK.npz[:MOST] ... --stage train

Stages, all of them if `--stage` names none:

- `render`: every preset is played several times, at most two of a family: plain; plain in a room, with noise, through a
  codec or in a narrow band; on other keys, some of these changed as well; plain in a room with noise through a codec;
  on other keys again, heard to the end. What the ear is given of each is kept in FOLDER, a file for each view of 512
  presets. Files that are there are not made again.
- `train`: learns from the presets of the split `train`, with a checkpoint every 50 steps. With torchrun on two cores.
- `ship`: writes patchflow/ear/ear.safetensors, the card beside it and benchmarks/results/learn_ear.jsonl.

Measured on voices of the split `valid` of the synth that `--valid` names, among so many others that a gallery has
3,144 voices: how often the nearest plain sound is of the same family. `same` is the same note changed, `near` another
note within an octave with another velocity and length, `far` one within two octaves.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patchflow.data import Bank
from patchflow.ear.ear import SHIPPED, Ear, from_onset, save_ear
from patchflow.ear.learn_ear import BLOCK, EarRecipe, Views, load_views, recall, train_ear
from patchflow.ear.network import BANDS, FRAMES, RATE, EarNetwork, ear_levels
from patchflow.ear.views import CHANGES, PLAIN, SAME_NOTE, changed, other_note
from patchflow.engines import Engine, Note, engines
from patchflow.engines._renderer import INAUDIBLE, render_or_silence
from patchflow.storage import write_atomically
from patchflow.train.distributed import Team, joined

RESULTS = Path(__file__).parent / "results" / "learn_ear.jsonl"
CARD = SHIPPED.with_name("ear.md")
GALLERY = 3_144
RELATIVES = 2  # presets of one family that are played
MOST = 16_384  # presets of a synth, where the call says nothing else
SEED = 7
TOGETHER = 4  # the view with all that a recording does
WHOLE = (5, 6)  # views whose other notes are heard to their end
SOFT = 7  # the first view of soft notes
ASKED = (2, 3, *WHOLE)  # views whose other notes are asked for
RECORDING = ("room", "noise", "codec")
NARROW = ("room", "noise", "band")  # takes a fifth of the time
CHECK = 50  # steps
QUICK = tuple(name for name in CHANGES if name != "codec")  # a codec takes as long as ten of the others
_ENGINES: dict[str, Engine] = {}  # of this process

Vectors = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Returns vectors of views of presets, given the numbers of both, shape `(B, width)`."""


@dataclass(frozen=True)
class Job:
    """A file of views to make."""

    synth: str
    view: int
    block: int
    points: np.ndarray
    path: Path


def main() -> None:
    """Runs the stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("banks", nargs="+", metavar="SYNTH=BANK.npz[:MOST]")
    parser.add_argument("--stage", choices=("render", "train", "ship"))
    parser.add_argument("--valid", default="dexed", metavar="SYNTH")
    parser.add_argument("--views", type=int, nargs="+", default=list(range(9)), help="which to render, in this order")
    parser.add_argument("--start", type=Path, metavar="EAR.safetensors", help="weights to train further")
    parser.add_argument("--recipe", type=json.loads, default={}, help="fields of EarRecipe, as JSON")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    parts = parts_of(options.banks, options.valid)
    torch.set_num_threads(1)
    recipe = EarRecipe(**{"check": CHECK, **options.recipe})
    if options.stage in (None, "render"):
        render(parts, options.folder, options.views, options.processes)
    if options.stage in (None, "train"):
        with joined("cpu") as team:
            train(parts, options.folder, options.valid, recipe, team, start=options.start and Ear.load(options.start))
    if options.stage in (None, "ship"):
        ship(parts, options.folder)


def parts_of(banks: Sequence[str], valid: str) -> dict[tuple[str, str], Bank]:
    """Returns what is learned from, and what is measured on, by synth and split."""
    parts = {}
    for text in banks:
        synth, _, place = text.partition("=")
        path, _, most = place.partition(":")
        bank = Bank.load(path)
        parts[synth, "train"] = few_of_a_family(bank.part("train"), int(most or MOST))
        if synth == valid:
            parts[synth, "valid"] = bank.part("valid")
    return parts


def few_of_a_family(bank: Bank, most: int) -> Bank:
    """Returns at most two presets of each family, chosen at random but always alike."""
    rng = np.random.default_rng(0)
    counts: dict[int, int] = {}
    kept = []
    for row in rng.permutation(len(bank.family)).tolist():
        family = int(bank.family[row])
        counts[family] = counts.get(family, 0) + 1
        if counts[family] <= RELATIVES:
            kept.append(row)
    rows = np.sort(kept[:most])
    return Bank(bank.points[rows], bank.family[rows], bank.names[rows], bank.split[rows])


def render(parts: dict[tuple[str, str], Bank], folder: Path, views: Sequence[int], processes: int) -> None:
    """Makes the files of views that are missing, view by view."""
    jobs = []
    for view in views:
        for (synth, split), bank in parts.items():
            for block in range(0, len(bank.points), BLOCK):
                path = views_folder(folder, synth, split) / f"v{view:02}-{block // BLOCK:04}.npy"
                if not path.exists():
                    jobs.append(Job(synth, view, block, bank.points[block : block + BLOCK], path))
    with Pool(processes) as pool:
        for done, path in enumerate(pool.imap_unordered(make_views, jobs), 1):
            print(f"{path}  {done} of {len(jobs)}", flush=True)


def make_views(job: Job) -> str:
    """Plays some presets in one view, and writes what the ear is given of them."""
    torch.set_num_threads(1)
    if job.synth not in _ENGINES:
        _ENGINES[job.synth] = engines[job.synth]()
    levels = np.zeros((len(job.points), BANDS, FRAMES), np.uint8)
    for row, point in enumerate(job.points):
        rng = np.random.default_rng((SEED, job.view, job.block + row))
        note, names, count = plan(job.view, rng)
        sound = render_or_silence(_ENGINES[job.synth], point, note, RATE)
        if np.abs(sound).max() < INAUDIBLE:
            continue
        if names:
            sound = changed(sound, rng, names, count=count)
        heard = from_onset(sound, RATE)
        if heard is None:
            continue
        level = ear_levels(torch.from_numpy(heard)[None])[0]
        levels[row] = (255 * level).round().to(torch.uint8).numpy()
    job.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = job.path.with_suffix(f".{os.getpid()}")
    with unfinished.open("wb") as file:
        np.save(file, levels)
    unfinished.replace(job.path)
    return job.path.name


def plan(view: int, rng: np.random.Generator) -> tuple[Note, Sequence[str], int | None]:
    """Returns the note of a view, and of which changes it has how many, one or two where nothing is said."""
    if view == 0:
        return PLAIN, (), 0
    if view == 1:
        return PLAIN, SAME_NOTE, None
    if view == TOGETHER:
        return PLAIN, RECORDING if rng.random() < 0.5 else NARROW, len(RECORDING)
    note = other_note(rng, soft=view >= SOFT, whole=view in WHOLE)
    chance = rng.random()
    if chance < 0.6:
        return note, (), 0
    return note, QUICK if chance < 0.93 else ("codec",), None


def views_folder(folder: Path, synth: str, split: str) -> Path:
    """Returns where views lie."""
    return folder / f"{synth}-{split}"


def train(
    parts: dict[tuple[str, str], Bank], folder: Path, valid: str, recipe: EarRecipe, team: Team, *, start: Ear | None
) -> None:
    """Trains on the views that are there; keeps the weights of the best check as best.safetensors."""
    banks = {synth: bank for (synth, split), bank in parts.items() if split == "train"}
    exam = Exam(parts, folder, valid)
    log = folder / "log.jsonl"
    best = [max(map(merit, read_log(log)), default=0.0)]

    def sources() -> list[Views]:
        found = [load_views(views_folder(folder, synth, "train"), bank.family) for synth, bank in banks.items()]
        return [views for views in found if len(views.parts) >= 2]

    def judge(network: EarNetwork, so_far: Mapping[str, float]) -> dict[str, float]:
        scores = exam.scores(network)
        if merit(scores) >= best[0]:
            best[0] = merit(scores)
            about = {"recipe": asdict(recipe), "batches": f"{team.size} of {recipe.presets}", "scores": scores}
            if start is not None:
                about["start"] = {"version": start.version, **start.about}
            save_ear(folder / "best.safetensors", network, {**about, **so_far})
        return scores

    def tell(line: str) -> None:
        print(line, flush=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    network = None if start is None else start.network
    train_ear(sources, recipe, folder, team, judge=judge, tell=tell, start=network)


def merit(scores: Mapping[str, float]) -> float:
    """Returns what the weights of the best check are best by."""
    return scores["same"] + scores["together"] + scores["near"]


def read_log(path: Path) -> list[dict[str, float]]:
    """Returns what was measured at the checks so far."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Exam:
    """Finds voices of a synth that nobody learned from, among others.

    Args:
        parts: Banks by synth and split.
        folder: With the views.
        synth: The synth.
    """

    def __init__(self, parts: dict[tuple[str, str], Bank], folder: Path, synth: str) -> None:
        self.family = parts[synth, "valid"].family
        self.views = load_views(views_folder(folder, synth, "valid"), self.family)
        others = parts[synth, "train"].family
        self.others = load_views(views_folder(folder, synth, "train"), others)
        count = min(len(others), GALLERY - len(self.family))
        self.rows = np.sort(np.random.default_rng(0).choice(len(others), count, replace=False))
        self.of_gallery = np.concatenate([self.family, others[self.rows]])
        self.queries: dict[str, list[tuple[int, int]]] = {"same": [], "together": [], "near": [], "far": []}
        for row in range(len(self.family)):
            self.queries["same"].append((row, 1))
            if plan(TOGETHER, np.random.default_rng((SEED, TOGETHER, row)))[1] is RECORDING:
                self.queries["together"].append((row, TOGETHER))
            for view in ASKED:
                note, names, _ = plan(view, np.random.default_rng((SEED, view, row)))
                if not names:
                    self.queries["near" if abs(note.pitch - PLAIN.pitch) <= 12 else "far"].append((row, view))

    def scores(self, network: EarNetwork) -> dict[str, float]:
        """Returns how often one of the nearest is the voice itself, or a twin of it."""
        return self.scores_of(partial(embedded, network, self.views), partial(embedded, network, self.others))

    def scores_of(self, asked: Vectors, others: Vectors) -> dict[str, float]:
        """Returns the same for vectors of views of the presets that are asked for, and of others."""
        whole = np.arange(len(self.family))
        gallery = np.concatenate([asked(whole, 0 * whole), others(self.rows, 0 * self.rows)])
        found = {}
        for name, pairs in self.queries.items():
            rows, views = np.array(pairs).T
            vectors = asked(rows, views)
            for most, ending in ((1, ""), (10, "@10")):
                value = recall(vectors, gallery, self.family[rows], self.of_gallery, most)
                found[name + ending] = round(value, 4)
        return found


@torch.inference_mode()
def embedded(network: EarNetwork, views: Views, rows: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Returns vectors of views of presets, shape `(B, width)`."""
    parts = []
    for place in range(0, len(rows), 128):
        levels = views.take(rows[place : place + 128], of[place : place + 128])
        parts.append(network(levels).numpy())
    return np.concatenate(parts)


def ship(parts: dict[tuple[str, str], Bank], folder: Path) -> None:
    """Copies the best weights into the package, and writes their card and the log of their training."""
    data = (folder / "best.safetensors").read_bytes()
    write_atomically(SHIPPED, data)
    ear = Ear.load(folder / "best.safetensors")
    shipped = {"shipped": ear.version, **{key: ear.about[key] for key in ("step", "seconds")}, **ear.about["scores"]}
    lines = [*log_before(ear.about), *(folder / "log.jsonl").read_text().splitlines(), json.dumps(shipped)]
    write_atomically(RESULTS, "".join(line + "\n" for line in lines).encode())
    write_atomically(CARD, card(parts, folder).encode())


def log_before(about: Mapping[str, Any]) -> list[str]:
    """Returns the lines of the results up to the last shipped ear that weights began with."""
    starts = []
    while "start" in about:
        about = about["start"]
        starts.append(about["version"])
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    ends = [number for number, line in enumerate(lines, 1) if json.loads(line).get("shipped") in starts]
    return lines[: max(ends, default=0)]


SOURCES = {
    "dexed": """DX7 voices from public cartridge collections (ROM and user banks that circulate as freeware), played by
Dexed's engine (GPL-3.0).""",
    "amsynth": "presets of the factory banks that come with amsynth (GPL-2.0-or-later), played by amsynth.",
    "vital": """presets drawn from the roles in recipes/roles/vital.toml, played by Vital's engine (GPL-3.0); nobody's
presets were used.""",
}
CARD_TEXT = """# The ear

Given any sound, it gives {width} numbers: a vector of length 1. Sounds of one timbre are near each other, on whatever
key they were played and however they were recorded; how unlike two are is 1 less the cosine of their vectors. Search
and map go by it.

| | |
|---|---|
| file | `{file}`, {megabytes:.1f} MB, half precision, safetensors; its header holds all settings |
| licence of the weights | CC-BY-4.0 (the code is GPL-3.0-or-later) |
| input | levels in {bands} bands of a semitone from C1 on, {frames} frames: the first 4 s from the onset, 22,050 Hz |
| network | convolutions, pooled by statistics over bands, frames and both; {weights:,} weights |
| sizes | {sizes} |
| cost | {ms:.1f} ms for 4 s at 22,050 Hz on one core, {ms_resampled:.1f} ms at 44,100 Hz |
| made with | `python benchmarks/learn_ear.py` and `learn_ear_head.py` |

## Data

{data}

Of each family of near twins two presets at most were played. Whole families were dealt to training and validation. The
presets themselves are not part of the package. No recording of a real instrument or voice was used.

Views of a preset: on C4; on C4 in a room, with noise, through MP3, Vorbis or Opus, or in a narrow band, one or two of
these or three at once; on other keys within an octave (75 %) or two, with velocities from 40 to 127, held for 0.3 to
3 s, some to their very end, four in ten of these changed as well, also played faster or slower as a sampler does. While
it learns, views are also filtered, cut, covered by noise and put into a room once more. Not every piece of the training
had all presets and all views: the later ones had half of amsynth's presets, and none of Vital's.

## Training

AdamW with warm-up and cosine decay; the weights are the moving average. The loss is the contrast of the two views of a
preset with all others of a batch, twins left out, at least half of them neighbours that are hard to tell apart; and
{geometry} times a term that keeps distances of plain sounds in the order of their spectral distances. On a CPU of two
cores, one after the other:

{pieces}

Some were stopped and planned anew, and all but the first ran beside other work: one call of the recipe gives weights of
the same kind, not these.

## Results

On {valid:,} presets of {synth} that were kept for validation, in a gallery of {gallery:,} on C4: how often one of the
same family is the first, or among the first ten.

| query | first | first ten |
|---|---|---|
{rows}

More, with other embeddings beside it and on voices of the test part, is in [docs/ear.md](../../docs/ear.md).

## What it cannot do

- It hears one note. Of chords, phrases and loops it gives an average.
- It hears the first four seconds, and nothing of how loud a sound is.
- It learned from renders. What no synth of these plays, such as speech, it was never shown.
- Presets that sound quite different from key to key, or soft and hard, are taken for others.
"""
ROWS = {
    "same": "the same note in a room, with noise, through a codec or in a narrow band",
    "together": "the same note in a room, with noise and through a codec, all at once",
    "near": "another note within an octave, another velocity, another length",
    "far": "another note within two octaves",
}


def milliseconds(ear: Ear, rate: int) -> float:
    """Returns what 4 s of sound cost on one core, in ms of its time: the median of some."""
    torch.set_num_threads(1)
    sound = np.random.default_rng(0).standard_normal(4 * rate).astype(np.float32)
    spent = []
    for _ in range(41):
        began = time.process_time()
        ear.embed([sound], rate)
        spent.append(1000 * (time.process_time() - began))
    return float(np.median(spent))


def card(parts: dict[tuple[str, str], Bank], folder: Path) -> str:
    """Returns the text of the card of the best weights."""
    ear = Ear.load(folder / "best.safetensors")
    about = ear.about
    scores = about["scores"]
    data = []
    for (name, split), bank in parts.items():
        if split == "train":
            data.append(f"- {len(bank.points):,} {SOURCES.get(name, f'presets of {name}.')}")
    rows = [f"| {text} | {scores[name]:.3f} | {scores[f'{name}@10']:.3f} |" for name, text in ROWS.items()]
    synth, valid = next((synth, bank) for (synth, split), bank in parts.items() if split == "valid")
    return CARD_TEXT.format(
        width=ear.width,
        file=SHIPPED.name,
        megabytes=(folder / "best.safetensors").stat().st_size / 1e6,
        bands=BANDS,
        frames=FRAMES,
        weights=sum(weight.numel() for weight in ear.network.parameters()),
        ms=milliseconds(ear, RATE),
        ms_resampled=milliseconds(ear, 44_100),
        sizes=", ".join(f"{name} {size}" for name, size in ear.network.config().items()),
        data="\n".join(data),
        geometry=about["recipe"]["geometry"],
        pieces="\n".join(pieces(about)),
        valid=len(valid.points),
        synth=synth,
        gallery=min(GALLERY, len(valid.points) + len(parts[synth, "train"].points)),
        rows="\n".join(rows),
    )


def pieces(about: Mapping[str, Any]) -> list[str]:
    """Returns a line for each training that weights went through, the first one first."""
    before = pieces(about["start"]) if "start" in about else []
    hot, cold = about["recipe"]["temperature"]
    number = len(before) + 1
    line = f"{number}. {about['step']:,} steps of batches of presets ({about['batches']}), temperature {hot} to {cold},"
    return [*before, f"{line} {about['seconds'] / 60:.0f} minutes"]


if __name__ == "__main__":
    main()
