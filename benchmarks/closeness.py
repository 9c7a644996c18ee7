"""What the words for closeness stand for: how far apart pairs of presets are whose kinship is known.

Usage: python benchmarks/closeness.py BANK.npz [FOLDER]  (writes benchmarks/results/closeness.json)

BANK.npz is what `prepare_bank.py` makes; FOLDER has preset files of amsynth, which has to be a synth of yours. Pairs of
several kinds are played on one note and measured by `perceptual`. "The same" holds up to where nine of ten presets lie
that are played again at another rate, in 16 bits. Between two other kinds that follow each other the threshold lies
where as many pairs of the nearer kind are farther as pairs of the farther kind are nearer. The overlap is the share of
pairs on the wrong side. A difference in attack, length and others counts from where nine of ten pairs of twins stay
below, and from a tenth. `patchflow/match/verdict.py` has these numbers. Voices for validation and test are left out.
"""

import itertools
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from timing import facts

from patchflow.audio.conditioning import resample
from patchflow.data.bank import Bank
from patchflow.engines import Note, Renderer, engines, load_presets
from patchflow.match.polish import audible_parameters
from patchflow.match.verdict import LEAST, Judge
from patchflow.metrics import metrics
from patchflow.metrics.perceptual import WEIGHTS
from patchflow.presets.preset import category_from_name

RESULTS = Path(__file__).parent / "results" / "closeness.json"
METRIC = "perceptual"
KINDS = ("the same", "a twin", "close", "same family", "another sound")
PAIRS = 200  # of each kind, for a synth
NOTES = (36, 48, 60, 72, 84)
HOLD = 1.0
LENGTH = 1.5
RATE = 22_050
QUIET = 1e-3  # peak below which a sound is left out
STEP = 1 / 64  # of a continuous knob, in its range
INAUDIBLE = 1e-4  # power of the difference of two sounds relative to the sound: 40 dB below
NINE_OF_TEN = 0.9
HARDLY = 0.14  # octaves: a tenth more or less is hardly heard
ROUNDS = 500  # at most
SEED = 0

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Presets:
    """Presets of one synth.

    Args:
        synth: Name of the engine.
        points: Encoded, shape `(N, P)`.
        names: Of each.
        family: Number of each; relatives share it.
    """

    synth: str
    points: np.ndarray
    names: list[str]
    family: list[int]


@dataclass(frozen=True)
class Measured:
    """Two presets that were played.

    Args:
        distance: Of their sounds, in dB.
        audible: Whether the sounds differ at all, to people.
        differences: By name, as `LEAST` counts them.
    """

    distance: float
    audible: bool
    differences: dict[str, float]


def main(bank: str, folder: str | None = None) -> None:
    """Prints and writes distances, thresholds and overlaps."""
    torch.set_num_threads(1)
    run = facts(SEED)
    sources = [from_bank(Path(bank))]
    if folder is not None:
        sources.append(from_folder("amsynth", Path(folder)))
    found: dict[str, list[Measured]] = {kind: [] for kind in ("", *KINDS)}
    spread: dict[str, dict[str, list[float]]] = {}
    for presets in sources:
        rng = np.random.default_rng(SEED)
        spread[presets.synth] = {}
        with Renderer(engines[presets.synth]) as renderer:
            for name, kind, pairs in kinds_of(presets, renderer, rng):
                found[kind] += pairs
                values = [pair.distance for pair in pairs]
                spread[presets.synth][name] = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]).round(2).tolist()
                print(f"{presets.synth:8} {name:28} {len(values):4} {spread[presets.synth][name]}", flush=True)
    same, *others = KINDS
    words = {same: up_to(distances(found[same]), distances(found[others[0]]))}
    for near, far in itertools.pairwise(others):
        words[near] = between(distances(found[near]), distances(found[far]))
    least = {}
    for name in LEAST:
        values = [pair.differences[name] for pair in found["a twin"] if name in pair.differences]
        least[name] = max(HARDLY, round(float(np.quantile(values, NINE_OF_TEN)), 2))
    report = run | {
        "metric": METRIC,
        "weights": WEIGHTS,
        "quantiles_5_25_50_75_95": spread,
        "words": words,
        "least": least,
    }
    print(json.dumps([words, least], indent=1))
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def distances(pairs: list[Measured]) -> np.ndarray:
    """Returns the distance of each pair, shape `(N,)`."""
    return np.array([pair.distance for pair in pairs])


def from_bank(file: Path) -> Presets:
    """Returns the DX7 voices for training."""
    bank = Bank.load(file).part("train")
    return Presets("dexed", bank.points, bank.names.tolist(), bank.family.tolist())


def from_folder(synth: str, folder: Path) -> Presets:
    """Returns the presets of all files of a folder; nothing is known about which are relatives."""
    space = engines[synth].space
    points = []
    names = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        for preset in load_presets(file, synth).presets:
            points.append(space.encode(preset.values))
            names.append(preset.name)
    return Presets(synth, np.stack(points), names, list(range(len(points))))


def kinds_of(
    presets: Presets, renderer: Renderer, rng: np.random.Generator
) -> Iterator[tuple[str, str, list[Measured]]]:
    """Yields what pairs are, the word that they stand for, if any, and how they sound."""
    rows = np.arange(len(presets.points))
    names = [re.sub(r"[^a-z]", "", name.lower()) for name in presets.names]
    categories = [category_from_name(name) for name in presets.names]
    family = presets.family
    yield "played again", "the same", again(renderer, presets.points[rng.choice(rows, PAIRS)], rng)
    steps = measured(renderer, [stepped(presets, i, rng) for i in rng.choice(rows, 2 * PAIRS)], rng)
    yield "one step, not to be heard", "", [each for each in steps if not each.audible]
    yield "one step, to be heard", "a twin", [each for each in steps if each.audible]

    def pairs(group: list[str] | list[int], apart: Callable[[int, int], bool]) -> list[Measured]:
        chosen = [(presets.points[i], presets.points[j]) for i, j in some(group, apart, rng)]
        return [each for each in measured(renderer, chosen, rng) if each.audible]

    if len(set(family)) < len(family):
        yield "one to four values differ", "a twin", pairs(family, lambda i, j: differing(presets, i, j) <= 4)
    yield "one name", "close", pairs(names, lambda i, j: family[i] != family[j] and bool(categories[i]))
    yield "one category", "same family", pairs(categories, lambda i, j: family[i] != family[j] and names[i] != names[j])
    known = ["known" if name else "" for name in categories]
    yield "two categories", "another sound", pairs(known, lambda i, j: categories[i] != categories[j])


def some(
    group: list[str] | list[int], apart: Callable[[int, int], bool], rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Returns pairs within groups, each group at most once in a round, so that no large one has them all."""
    members: dict[str | int, list[int]] = defaultdict(list)
    for row, key in enumerate(group):
        if key != "":
            members[key].append(row)
    large = [rows for rows in members.values() if len(rows) > 1]
    found: list[tuple[int, int]] = []
    for _ in range(ROUNDS if large else 0):
        for place in rng.permutation(len(large)).tolist():
            i, j = rng.choice(large[place], 2, replace=False).tolist()
            if apart(i, j) and len(found) < PAIRS:
                found.append((i, j))
    return found


def differing(presets: Presets, first: int, second: int) -> int:
    """Returns in how many values two presets differ."""
    return int((np.abs(presets.points[first] - presets.points[second]) > 1e-6).sum())


def stepped(presets: Presets, row: int, rng: np.random.Generator) -> Pair:
    """Returns a preset, and the same with one parameter that counts a step higher or lower."""
    engine = engines[presets.synth]()
    point = presets.points[row]
    place = int(rng.choice(np.flatnonzero(audible_parameters(engine, point))))
    cells = engine.space.parameters[place].cells
    step = 1 / cells if cells else STEP
    moved = point.copy()
    moved[place] += step if moved[place] + step < 1 else -step
    return point, moved


def again(renderer: Renderer, points: np.ndarray, rng: np.random.Generator) -> list[Measured]:
    """Returns distances of sounds from the same at another rate, in 16 bits."""
    found = []
    for point in points:
        note = Note(int(rng.choice(NOTES)), 100, HOLD, LENGTH)
        sounds = []
        for rate in (44_100, 48_000):
            (sound,) = renderer.stream([(point, note)], rate)
            sounds.append(resample(sound, rate, RATE)[: note.samples(RATE)])
        plain, coarse = sounds
        peak = np.abs(coarse).max()
        if min(peak, np.abs(plain).max()) >= QUIET:
            rounded = np.round(coarse / peak * 32_767) / 32_767
            found.append(Measured(distance(plain, rounded.astype(np.float32)), False, {}))
    return found


def measured(renderer: Renderer, pairs: list[Pair], rng: np.random.Generator) -> list[Measured]:
    """Returns the distances of pairs that both sound, each on one note."""
    jobs = []
    for (first, second), pitch in zip(pairs, rng.choice(NOTES, len(pairs)), strict=True):
        note = Note(int(pitch), 100, HOLD, LENGTH)
        jobs += [(first, note), (second, note)]
    sounds = list(renderer.stream(jobs, RATE))
    found = []
    for first, second in zip(sounds[::2], sounds[1::2], strict=True):
        if min(np.abs(first).max(), np.abs(second).max()) >= QUIET:
            residual = np.square(first - second).mean() / np.square(first).mean()
            verdict = Judge(first, RATE, pitched=False, hold=HOLD).verdict(second)
            differences = {each.name: each.weight * LEAST[each.name] for each in verdict.differences}
            found.append(Measured(distance(first, second), bool(residual > INAUDIBLE), differences))
    return found


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the distance of two sounds."""
    value = metrics[METRIC](torch.from_numpy(first)[None], torch.from_numpy(second)[None], RATE)
    return float(value)


def up_to(near: np.ndarray, far: np.ndarray) -> dict[str, float]:
    """Returns the distance within which nine of ten pairs of a kind lie, in dB, and the share of the next within it."""
    most = round(float(np.quantile(near, NINE_OF_TEN)), 2)
    return {"at_most_db": most, "overlap": round(float((far <= most).mean()), 3)}


def between(near: np.ndarray, far: np.ndarray) -> dict[str, float]:
    """Returns the distance that parts two kinds best, in dB, and the share on the wrong side of it."""
    places = np.sort(np.concatenate([near, far]))
    beyond = np.array([(near > place).mean() for place in places])
    within = np.array([(far <= place).mean() for place in places])
    best = int(np.abs(beyond - within).argmin())
    return {"at_most_db": round(float(places[best]), 2), "overlap": round(float(beyond[best] + within[best]) / 2, 3)}


if __name__ == "__main__":
    main(*sys.argv[1:])
