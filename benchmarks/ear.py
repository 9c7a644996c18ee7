"""How well the ear finds a preset again by another sound of it, beside embeddings that nobody had to learn.

Usage: python benchmarks/ear.py BANK.npz --cache FOLDER [--synth dexed] [--part test] [--queries N] [--gallery N]
       [--only NAME;...] [--kinds KIND;...] [--one-key]
       (writes its part of benchmarks/results/ear.json)

The gallery: presets of one synth, held out with their families from all training, each on middle C, velocity 100,
held 3 s of 4 s. Where there are fewer than --gallery, others of the bank fill it up, which are never asked for. In
the rows of three keys each preset has the mean of its vectors on the keys of `preset_vectors`, as in a library.

The queries: presets of the part, drawn by chance. Either the same note again, with noise, in a room, through a codec or
all at once, see `recorded.py`; or another note: up to an octave away, velocity 40 to 127, held 0.3 to 3 s, one of these
alone or all together. What cannot be heard is not asked for.

Two presets whose sounds on middle C are within 1 dB of log-mel L1 are twins: finding one is as right as the other.
`recall` is the share of queries for which the preset or a twin is the first, or among the first ten, with an interval
by bootstrap over queries. Vectors stay in the folder --cache, by embedding and version: a run goes on where it
stopped, and another ear is measured alone.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from embeddings import EMBEDDINGS, RATE, unit
from recorded import RECORDED
from timing import facts

from patchflow.data.bank import Bank, near_duplicates
from patchflow.ear.ear import KEYS
from patchflow.engines import Engine, Note, engines
from patchflow.engines._renderer import INAUDIBLE, render_or_silence
from patchflow.features.mel import mel_spectrogram, power_to_db

__all__ = ["Gallery", "Play", "drawn", "kept_vectors", "scaled", "training_of"]

RESULTS = Path(__file__).parent / "results" / "ear.json"
PLAIN = Note()
TWINS_DB = 1.0
TRAINING = 300  # presets whose vectors give the scale
BATCH = 16
DRAWS = 2000
FIRST = (1, 10)
OCTAVE = 12
VELOCITIES = (40, 127)
HOLDS = (0.3, 3.0)  # seconds
OTHER = ("another key", "another velocity", "another length", "another note")

Play = Callable[[int], np.ndarray]
"""Returns the sound of a preset, given its number in the gallery."""


@dataclass(frozen=True)
class Gallery:
    """What is looked through, and what for.

    Args:
        name: Vectors are kept by it.
        engine: Plays the presets.
        points: Encoded presets, shape `(N, P)`.
        asked: Numbers of those that are asked for, from 0 on, shape `(Q,)`.
    """

    name: str
    engine: Engine
    points: np.ndarray
    asked: np.ndarray

    def play(self, note: Note, number: int) -> np.ndarray:
        """Returns the sound of a preset, or silence, as long as the plain note at least."""
        sound = render_or_silence(self.engine, self.points[number], note, RATE)
        return np.pad(sound, (0, max(0, PLAIN.samples(RATE) - len(sound))))


def main() -> None:
    """Measures what is not there yet, prints and writes the numbers of a synth."""
    options = parsed()
    torch.set_num_threads(1)
    run = facts(seed=0)
    bank = Bank.load(options.bank)
    engine = engines[options.synth]()
    gallery = drawn(bank, engine, options)
    names = options.only.split(";") if options.only else list(EMBEDDINGS)
    keep = partial(kept_vectors, options.cache, names=names)
    scales = training_of(bank, engine, options.synth, names, options.cache)
    kinds = options.kinds.split(";") if options.kinds else (*RECORDED, *OTHER)
    queries = {kind: partial(query, gallery, kind) for kind in kinds}
    asked, audible = {}, {}
    for kind, play in queries.items():
        audible[kind] = heard(gallery, kind, play, options.cache)
        asked[kind] = keep(f"{gallery.name}-{len(gallery.asked)}-{kind}", play=play, count=len(gallery.asked))
    plain = keep(f"{gallery.name}-plain", play=partial(gallery.play, PLAIN), count=len(gallery.points))
    keys = []
    for note in () if options.one_key else KEYS:
        label = f"{gallery.name}-{note.pitch}-{note.hold:g}-{note.length:g}"
        keys.append(keep(label, play=partial(gallery.play, note), count=len(gallery.points)))
    twins = twins_of(gallery, options.cache)
    recall = {}
    for name in names:
        scale = scales[name]
        shelves = {"one key": scaled(plain[name], scale)}
        if keys:
            shelves["three keys"] = unit(np.sum([scaled(vectors[name], scale) for vectors in keys], 0))
        vectors = {kind: scaled(found[name], scale) for kind, found in asked.items()}
        recall[name] = measured(shelves, vectors, audible, gallery, twins)
        show(name, recall[name])
    others = {number for number in gallery.asked.tolist() if len(twins[number]) > 1}
    found = {
        **run, "gallery": len(gallery.points), "of_the_part": int((bank.split == options.part).sum()),
        "queries": len(gallery.asked), "with_twins": len(others), "twins_db": TWINS_DB,
        "audible": {name: int(kept.sum()) for name, kept in audible.items()},
        "versions": {name: EMBEDDINGS[name].version for name in recall}, "recall": recall,
    }  # fmt: skip
    write(f"{options.synth} {options.part}", found)


def parsed() -> argparse.Namespace:
    """Returns the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("bank", help="made by prepare_bank.py")
    options.add_argument("--cache", type=Path, required=True, help="folder where vectors stay")
    options.add_argument("--synth", default="dexed", help="name of the engine")
    options.add_argument("--part", default="test", choices=("test", "valid"), help="whose presets are asked for")
    options.add_argument("--queries", type=int, default=300, help="the most of them")
    options.add_argument("--gallery", type=int, default=3144, help="presets to look through")
    options.add_argument("--one-key", action="store_true", help="leave out the rows of three keys")
    options.add_argument("--only", default="", help="names of embeddings with semicolons; all if empty")
    options.add_argument("--kinds", default="", help="of queries, with semicolons; all if empty")
    found = options.parse_args()
    found.cache.mkdir(parents=True, exist_ok=True)
    return found


def drawn(bank: Bank, engine: Engine, options: argparse.Namespace) -> Gallery:
    """Returns the presets of the part, first, and others, so that the gallery is as large as it should be."""
    rng = np.random.default_rng(0)
    own = rng.permutation(np.nonzero(bank.split == options.part)[0])
    # The other held-out part comes before what was learned from. Test presets are never looked at while developing.
    fillers = ("valid", "train") if options.part == "test" else ("train",)
    rows = own[: options.gallery]
    for split in fillers:
        rows = np.concatenate([rows, rng.permutation(np.nonzero(bank.split == split)[0])])[: options.gallery]
    asked = np.arange(min(len(own), options.queries, len(rows)))
    name = f"{options.synth}-{options.part}-{len(rows)}"
    return Gallery(name, engine, bank.points[rows], asked)


def query(gallery: Gallery, kind: str, number: int) -> np.ndarray:
    """Returns what is asked with for a preset: its sound on the plain note, as recorded; or on another note."""
    rng = np.random.default_rng((number, sorted((*RECORDED, *OTHER)).index(kind)))
    if kind in RECORDED:
        return RECORDED[kind](gallery.play(PLAIN, number), RATE, rng)
    note = PLAIN
    if kind in ("another key", "another note"):
        note = replace(note, pitch=note.pitch + int(rng.integers(1, OCTAVE + 1)) * int(rng.choice((-1, 1))))
    if kind in ("another velocity", "another note"):
        note = replace(note, velocity=int(rng.integers(VELOCITIES[0], VELOCITIES[1] + 1)))
    if kind in ("another length", "another note"):
        note = replace(note, hold=float(rng.uniform(*HOLDS)))
    return gallery.play(note, number)


def heard(gallery: Gallery, kind: str, play: Play, cache: Path) -> np.ndarray:
    """Returns which queries can be heard, shape `(Q,)`."""
    plays = [partial(gallery.play, PLAIN)] if kind in RECORDED else [partial(gallery.play, PLAIN), play]
    file = cache / f"{gallery.name}-{len(gallery.asked)}-{kind}-audible.npy"
    if not file.exists():
        rows = [min(np.abs(each(number)).max() for each in plays) >= INAUDIBLE for number in gallery.asked.tolist()]
        np.save(file, np.array(rows))
    return np.load(file)


def twins_of(gallery: Gallery, cache: Path) -> list[set[int]]:
    """Returns for each preset those that sound the same on the plain note, and itself."""
    file = cache / f"{gallery.name}-twins.npy"
    if not file.exists():
        mels = []
        for first in range(0, len(gallery.points), BATCH):
            numbers = range(first, min(first + BATCH, len(gallery.points)))
            sounds = torch.from_numpy(np.stack([gallery.play(PLAIN, number) for number in numbers]))
            mels.append(power_to_db(mel_spectrogram(sounds, RATE)).half().numpy())
        np.save(file, near_duplicates(np.concatenate(mels), TWINS_DB))
    found = [{number} for number in range(len(gallery.points))]
    for first, second in np.load(file).tolist():
        found[first].add(second)
        found[second].add(first)
    return found


def kept_vectors(folder: Path, sounds: str, names: Sequence[str], play: Play, count: int) -> dict[str, np.ndarray]:
    """Returns vectors of sounds by each embedding, shape `(count, D)`, from files where they are there.

    Args:
        folder: Where the files are.
        sounds: What the sounds are called.
        names: Embeddings.
        play: Returns a sound by its number, from 0.
        count: How many sounds there are.
    """
    files = {}
    for name in names:
        files[name] = folder / f"{sounds}-{name.replace(' ', '_')}-{EMBEDDINGS[name].version}.npy"
    missing = [name for name in names if not files[name].exists()]
    parts: dict[str, list[np.ndarray]] = {name: [] for name in missing}
    for first in range(0, count if missing else 0, BATCH):
        batch = torch.from_numpy(np.stack([play(number) for number in range(first, min(first + BATCH, count))]))
        for name in missing:
            parts[name].append(EMBEDDINGS[name].of(batch).astype(np.float32))
    for name in missing:
        np.save(files[name], np.concatenate(parts[name]))
    return {name: np.load(file) for name, file in files.items()}


def training_of(
    bank: Bank, engine: Engine, synth: str, names: Sequence[str], folder: Path
) -> dict[str, tuple[np.ndarray, np.ndarray] | None]:
    """Returns mean and deviation of each embedding's vectors of training presets; None of one that has no scale."""
    points = bank.part("train").points
    points = points[np.random.default_rng(1).choice(len(points), min(TRAINING, len(points)), replace=False)]
    trained = Gallery("", engine, points, np.arange(0))
    wanted = [name for name in names if EMBEDDINGS[name].scaled]
    vectors = kept_vectors(folder, f"{synth}-train", wanted, partial(trained.play, PLAIN), len(points))
    return {name: scale_of(vectors[name]) if name in wanted else None for name in names}


def scale_of(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and deviation of vectors of training presets, each of shape `(D,)`."""
    return vectors.mean(0), vectors.std(0).clip(1e-6)


def scaled(vectors: np.ndarray, scale: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
    """Returns vectors of length 1, in deviations from the mean if there is a scale."""
    if scale is None:
        return unit(vectors)
    mean, deviation = scale
    return unit((vectors - mean) / deviation)


def measured(
    shelves: Mapping[str, np.ndarray],
    asked: Mapping[str, np.ndarray],
    audible: Mapping[str, np.ndarray],
    gallery: Gallery,
    twins: list[set[int]],
) -> dict[str, Any]:
    """Returns the recall of one embedding in each gallery, for each kind of query.

    Args:
        shelves: Vectors of the gallery, each shape `(N, D)`, by how they were made.
        asked: Those of the queries, shape `(Q, D)`, by kind.
        audible: Which queries count, shape `(Q,)`, by kind.
        gallery: What they are of.
        twins: See `twins_of`.
    """
    found: dict[str, Any] = {}
    for shelf, rows in shelves.items():
        found[shelf] = {}
        for kind, vectors in asked.items():
            places = first_right(vectors @ rows.T, gallery.asked, twins)[audible[kind]]
            found[shelf][kind] = {str(count): share(places < count) for count in FIRST}
    return found


def first_right(likeness: np.ndarray, asked: np.ndarray, twins: list[set[int]]) -> np.ndarray:
    """Returns at which place, from 0, each query finds its preset or a twin, shape `(Q,)`; of equals the last place.

    Args:
        likeness: Of every query with every preset, shape `(Q, N)`.
        asked: The right preset of each, shape `(Q,)`.
        twins: For each preset the numbers of those that count as right.
    """
    places = []
    for row, number in zip(likeness, asked.tolist(), strict=True):
        right = list(twins[number])
        wrong = np.delete(row, right)
        places.append(int((wrong >= row[right].max()).sum()))
    return np.array(places)


def share(right: np.ndarray) -> list[float]:
    """Returns a share and its 95 % interval."""
    drawn = np.random.default_rng(0).integers(len(right), size=(DRAWS, len(right)))
    low, high = np.quantile(right[drawn].mean(1), (0.025, 0.975))
    return [round(float(value), 4) for value in (right.mean(), low, high)]


def show(name: str, found: Mapping[str, Any]) -> None:
    """Prints what an embedding reaches."""
    for shelf, kinds in found.items():
        parts = [f"{kind} {rates['1'][0]:.3f}/{rates['10'][0]:.3f}" for kind, rates in kinds.items()]
        print(f"{name}, {shelf}: {'; '.join(parts)}", flush=True)


def write(section: str, found: dict[str, Any]) -> None:
    """Puts a section into the results; embeddings that were not measured now stay as they were."""
    whole = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    before = whole.get(section, {})
    same = all(before.get(key) == found[key] for key in ("gallery", "queries", "twins_db"))
    for key in ("versions", "recall"):
        found[key] = (before[key] if same else {}) | found[key]
    whole[section] = found
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
