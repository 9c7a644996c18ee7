"""Whether the ear finds, for a recording of anything, presets as near as the best that there are.

Usage: python benchmarks/ear_recordings.py BANK.npz SOUNDS --cache FOLDER [--synth dexed] [--category other_synths]
       [--gallery N] [--only NAME;...] [--every N]
       (writes its part of benchmarks/results/ear_recordings.json, and the table in docs/searching.md)

SOUNDS is a folder with manifest.csv (file, category, pitch_midi). The gallery is that of `ear.py`. Every preset of it
is played on the note of the sound, as long as it, and measured by log-mel L1: that says which are the best there are.
`found` is the share of sounds for which one of the first 1, 5, 50 or 500 presets is within 0.5 dB of the best,
`behind` the median of how far the best of the first 5 is behind, in dB; `near` the median of how many are that near.
Embeddings choose by vectors as a library has them, see `ear.preset_vectors`, made before any sound was known. So are
fingerprints, see `match/fingerprints.py`, but they are told the note of the sound and how long it is held. Levels and
vectors stay in the folder --cache, so a run goes on where it stopped.

`played` is what `patchflow search --play N` does: the first N are played on the note of the sound and sorted. They are
chosen by the ear; by the fingerprints that a library has beside its vectors; or by both, see
`browse.standing.likely_near`. `sorted by log-mel L1` is the share of sounds for which the very first is within 0.5 dB
of the best of the gallery; `sorted by perceptual` has one for the first, one for the first 5, and `behind_db`.
`note heard` is the same by both without being told the note; what is found is judged on the note that is told.
`seconds` is processor time for a sound, to choose 100 by both, play and sort them, of the first ten sounds.

How many are played and how many the ear chooses was decided with every second sound of `instruments` and presets of
the part `valid` (--part valid --category instruments --every 2), not with the sounds of other synths.
"""

import argparse
import csv
import json
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ear import Gallery, drawn, kept_vectors, scaled, training_of
from embeddings import EMBEDDINGS, RATE, unit
from marked import filled
from timing import facts

from patchflow.audio.sound_file import load
from patchflow.browse import Shelf
from patchflow.browse.played import Beside
from patchflow.browse.standing import likely_near
from patchflow.data.bank import Bank
from patchflow.ear.ear import KEYS
from patchflow.engines import Note, Renderer, engines
from patchflow.engines._renderer import one_torch_thread
from patchflow.match.fingerprints import KEYS as PRINTED
from patchflow.match.fingerprints import Fingerprints, play_fingerprints, play_prints, print_distances
from patchflow.match.target import Target, prepare_target
from patchflow.metrics.log_mel_l1 import level_gap, log_mel
from patchflow.presets import Entry

RESULTS = Path(__file__).parent / "results" / "ear_recordings.json"
PAGE = Path(__file__).parents[1] / "docs" / "searching.md"
NEAR_DB = 0.5
PLAYED = {
    "ear": (100, 200, 500), "fingerprints": (50, 100, 200), "both": (50, 100, 200), "both, note heard": (100,),
}  # fmt: skip
TIMED = 100  # presets played for a sound whose time is taken
TIMED_SOUNDS = 10
FIRST = (1, 5, 50, 500)
FINGERPRINTS = "fingerprints"
BATCH = 16


def main() -> None:
    """Measures what is not there yet, prints and writes the numbers."""
    options = parsed()
    torch.set_num_threads(1)
    run = facts(seed=0)
    bank = Bank.load(options.bank)
    gallery = drawn(bank, engines[options.synth](), options)
    asked = options.only.split(";") if options.only else [*EMBEDDINGS, FINGERPRINTS]
    names = [name for name in asked if name != FINGERPRINTS]
    learnt = training_of(bank, gallery.engine, options.synth, names, options.cache)
    keys = []
    for note in KEYS:
        label = f"{gallery.name}-{note.pitch}-{note.hold:g}-{note.length:g}"
        keys.append(kept_vectors(options.cache, label, names, partial(gallery.play, note), len(gallery.points)))
    shelves = {}
    for name in names:
        shelves[name] = unit(np.sum([scaled(vectors[name], learnt[name]) for vectors in keys], 0))
    prints = played(gallery, options.cache) if FINGERPRINTS in asked else None
    rows: dict[str, list[np.ndarray]] = {}
    files = chosen(options.sounds, options.category)[:: options.every]
    second = Second(gallery, shelves["ear"], options.cache) if "ear" in names else None
    for file, pitch in files:
        sound = load(options.sounds / file)
        target = prepare_target(sound, note=pitch)
        label = f"{gallery.name}-{Path(file).stem}"
        gaps = kept_gaps(options.cache / f"{label}-gaps.npy", gallery, target)
        for name in names:
            vector = scaled(EMBEDDINGS[name].of(torch.from_numpy(whole_sound(target)[None])), learnt[name])
            order = np.argsort(-(shelves[name] @ vector[0]), kind="stable")
            rows.setdefault(name, []).append(gaps[order])
        if prints is not None:
            far = prints.distances(target.samples, target.hold, [target.guesses[0].pitch])[:, 0]
            rows.setdefault(FINGERPRINTS, []).append(gaps[np.argsort(far, kind="stable")])
        if second is not None:
            second.take(label, target, prepare_target(sound), gaps)
    found = {name: summary(np.stack(gaps)) for name, gaps in rows.items()}
    for name, numbers in found.items():
        print(name, numbers, flush=True)
    every = np.stack(rows[asked[0]])
    near = (every <= every.min(1, keepdims=True) + NEAR_DB).sum(1)
    whole = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    key = f"{options.synth} {options.category}"
    if options.part != "test" or options.every != 1:
        key += f", {options.part}, every {options.every}"
    before = whole.get(key, {}).get("found", {}) if whole.get(key, {}).get("gallery") == len(gallery.points) else {}
    whole[key] = {
        **run, "gallery": len(gallery.points), "sounds": len(files), "near_db": NEAR_DB,
        "best_db": round(float(np.median(every.min(1))), 3), "near": float(np.median(near)), "found": before | found,
        "played": second.summary() if second else whole.get(key, {}).get("played", {}),
    }  # fmt: skip
    print(json.dumps(whole[key]["played"], indent=1))
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n")
    PAGE.write_text(filled(PAGE, {"played": played_table(whole)}), "utf-8")


def parsed() -> argparse.Namespace:
    """Returns the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("bank", help="made by prepare_bank.py")
    options.add_argument("sounds", type=Path, help="folder with manifest.csv")
    options.add_argument("--cache", type=Path, required=True, help="folder where levels and vectors stay")
    options.add_argument("--synth", default="dexed", help="name of the engine")
    options.add_argument("--category", default="other_synths", help="of the sounds")
    options.add_argument("--part", default="test", choices=("test", "valid"), help="of the bank, that comes first")
    options.add_argument("--gallery", type=int, default=3144, help="presets to look through")
    options.add_argument("--only", default="", help="names of embeddings with semicolons; all if empty")
    options.add_argument("--every", type=int, default=1, help="take every Nth sound")
    found = options.parse_args()
    found.queries = 0
    found.cache.mkdir(parents=True, exist_ok=True)
    return found


def chosen(folder: Path, category: str) -> list[tuple[str, int | None]]:
    """Returns the files of a category, and the note of each if the manifest has one."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["category"] == category]
    return [(row["file"], round(float(row["pitch_midi"])) if row["pitch_midi"] else None) for row in rows]


class Second:
    """Plays the first presets by the ear and by fingerprints beside sounds, as `patchflow search --play` does.

    Args:
        gallery: The presets.
        vectors: What the ear says of them, shape `(N, width)`.
        cache: Where fingerprints and distances stay.
    """

    def __init__(self, gallery: Gallery, vectors: np.ndarray, cache: Path) -> None:
        file = cache / f"{gallery.name}-prints.npy"
        if not file.exists():
            with one_torch_thread(), Renderer(type(gallery.engine), 1) as renderer:
                np.save(file, play_prints(gallery.points, renderer, KEYS))
        packed = np.load(file)
        measures = np.zeros((len(vectors), 0))
        entries = [Entry(row, "", ()) for row in range(len(vectors))]
        self._shelf = Shelf(entries, vectors, measures, prints=lambda rows: packed[rows])
        self._gallery = gallery
        self._cache = cache
        self._found: dict[str, list[list[float]]] = {}
        self._seconds: list[float] = []

    def take(self, label: str, target: Target, heard: Target, gaps: np.ndarray) -> None:
        """Chooses and plays presets for a sound.

        Args:
            label: Distances are kept by it.
            target: The sound, on the note that is told.
            heard: The same on the note that is heard in it.
            gaps: How far each preset is on the note that is told, in dB, shape `(N,)`.
        """
        keys = [note.pitch for note in KEYS]
        like = EMBEDDINGS["ear"].of(torch.from_numpy(whole_sound(target)[None]))[0]
        by_ear = self._shelf.vectors @ like
        assert self._shelf.prints is not None
        packed = self._shelf.prints(np.arange(len(self._shelf)))
        far = print_distances(packed, keys, target.samples, target.hold, target.guesses[0].pitch)
        began = time.process_time()
        by_both = likely_near(self._shelf, target, like)
        chosen_in = time.process_time() - began
        by_both_heard = likely_near(self._shelf, heard, like)
        assert by_both is not None
        assert by_both_heard is not None
        for name, near in {"ear": by_ear, "fingerprints": -far, "both": by_both}.items():
            order = np.argsort(-near, kind="stable")
            self._judge(name, label, target, gaps, order, chosen_in if name == "both" else None)
        order = np.argsort(-by_both_heard, kind="stable")
        self._judge("both, note heard", label, heard, gaps, order, None)

    def _judge(
        self, name: str, label: str, target: Target, gaps: np.ndarray, order: np.ndarray, chosen_in: float | None
    ) -> None:
        """Notes how far behind the best what is first and what is among the first five of those played is."""
        file = self._cache / f"{label}-{target.guesses[0].pitch}-distance.npy"
        distances = np.load(file) if file.exists() else np.full(len(gaps), np.nan)
        wanted = order[: max(PLAYED[name])]
        missing = wanted[np.isnan(distances[wanted])]
        beside = Beside(target)
        for row in missing.tolist():
            distances[row] = self._played(beside, row)
        np.save(file, distances)
        if chosen_in is not None and len(self._seconds) < TIMED_SOUNDS:
            began = time.process_time()
            for row in wanted[:TIMED].tolist():
                self._played(beside, row)
            self._seconds.append(chosen_in + time.process_time() - began)
        for count in PLAYED[name]:
            rows = order[:count]
            nearest_first = rows[np.argsort(distances[rows], kind="stable")]
            behind = gaps - gaps.min()
            found = [behind[rows].min(), behind[nearest_first[0]], behind[nearest_first[:5]].min()]
            self._found.setdefault(f"{name} {count}", []).append(found)

    def _played(self, beside: Beside, row: int) -> float:
        sound = self._gallery.engine.render(self._gallery.points[row], beside.note, RATE)
        return beside.distance(sound, RATE)

    def summary(self) -> dict[str, object]:
        """Returns the shares of all sounds, see the top of this file."""
        rows: dict[str, object] = {}
        for name, each in self._found.items():
            behind = np.array(each)
            near = (behind <= NEAR_DB).mean(0).round(4).tolist()
            median = round(float(np.median(behind[:, 2])), 3)
            rows[name] = {
                "sorted by log-mel L1": near[0], "sorted by perceptual": {"1": near[1], "5": near[2]},
                "behind_db": median,
            }  # fmt: skip
        seconds = {str(TIMED): round(float(np.mean(self._seconds)), 2)} if self._seconds else {}
        return {"seconds": seconds, **rows}


def whole_sound(target: Target) -> np.ndarray:
    """Returns the samples of a sound, four seconds long at least."""
    return np.pad(target.samples, (0, max(0, 4 * RATE - len(target.samples))))


def kept_gaps(file: Path, gallery: Gallery, target: Target) -> np.ndarray:
    """Returns how far every preset is from a sound on its note, in dB of log-mel L1, shape `(N,)`."""
    if not file.exists():
        wanted = log_mel(torch.from_numpy(target.samples)[None])
        note = Note(target.guesses[0].pitch, 100, target.hold, target.length)
        parts = []
        for first in range(0, len(gallery.points), BATCH):
            numbers = range(first, min(first + BATCH, len(gallery.points)))
            sounds = np.stack([gallery.play(note, number)[: len(target.samples)] for number in numbers])
            parts.append(level_gap(log_mel(torch.from_numpy(sounds)), wanted).numpy())
        np.save(file, np.concatenate(parts))
    return np.load(file)


def played(gallery: Gallery, cache: Path) -> Fingerprints:
    """Returns the fingerprints of the gallery."""
    file = cache / f"{gallery.name}-fingerprints.npy"
    if not file.exists():
        with one_torch_thread(), Renderer(type(gallery.engine), 1) as renderer:
            np.save(file, play_fingerprints(gallery.points, renderer))
    return Fingerprints(gallery.points, np.array(PRINTED), np.load(file), gallery.engine.space.cells)


def played_table(whole: Mapping[str, Any]) -> list[str]:
    """Returns the lines of the table in the document: what is found among presets that were played."""
    lines = [
        "| sounds | chosen by, played | log-mel L1: the first | `perceptual`: the first | one of 5 | behind, dB |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for section, part in whole.items():
        sounds = f"{part['sounds']} {section.partition(' ')[2].replace('_', ' ')}"
        for name, row in part.get("played", {}).items():
            if name == "seconds":
                continue
            shares = [row["sorted by log-mel L1"], *row["sorted by perceptual"].values()]
            cells = " | ".join(f"{100 * share:.0f} %" for share in shares)
            lines.append(f"| {sounds} | {name} | {cells} | {row['behind_db']:.2f} |")
    return lines


def summary(gaps: np.ndarray) -> dict[str, object]:
    """Returns what share of sounds have a preset near the best among the first, of gaps in the order of an embedding.

    Args:
        gaps: In dB, shape `(sounds, presets)`.
    """
    best = gaps.min(1)
    first = {count: gaps[:, :count].min(1) - best for count in FIRST}
    found = {str(count): round(float((behind <= NEAR_DB).mean()), 4) for count, behind in first.items()}
    return {"found": found, "behind_db": round(float(np.median(first[5])), 3)}


if __name__ == "__main__":
    main()
