"""Makes the examples that need nothing but shipped weights: reconstruction, macros, attributes, recordings.

Usage: python site/make_examples.py [SECTION ...] [--recordings MANIFEST.csv] [--seed N]

Sections: reconstruction, macros, semantics, out_of_domain; all but the last if none is named. The sounds are draws from
`flow_joint`, so nothing is anybody's. Recordings come from a folder with a CSV of file, category and source;
only those of the sources in `CREDITS` are used: CC0, CC BY, or generated. Everything is written to `site/examples`.
"""

import argparse
import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from example_files import write_about, write_clip
from maker import LISTENING_RATE, LONG, SYNTH, Maker, distance_between, emptied
from sections import (
    Attempt,
    LatentMap,
    Macro,
    MacroControls,
    Matrix,
    OutOfDomain,
    Point,
    Reconstruction,
    Scatter,
    Semantics,
    Sound,
    Step,
    Traversal,
)

from patchflow.audio.load import load
from patchflow.audio.resample import resample
from patchflow.data.attributes import MEASURED_ATTRIBUTES, NAMED_ATTRIBUTE
from patchflow.explore.player import RATE
from patchflow.explore.sound_attributes import ATTRIBUTES
from patchflow.match import Matcher
from patchflow.metrics.perceptual import Reference

HERE = Path(__file__).resolve().parent

SOUNDS = 12
SEARCH = 400  # renders
STEPS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # standard deviations of a latent dimension
STARTS = 24  # presets that the matrix is measured on
PROBES = 4  # presets that each dimension is tried on
DIMENSIONS = 4  # of those without an attribute, shown
PER_CATEGORY = 2
CREDITS = {
    "MTG/sms-tools": ("Music Technology Group, sms-tools; CC BY 4.0", "https://github.com/MTG/sms-tools"),
    "Salamander": (
        "Salamander Grand Piano V3, Alexander Holm; CC BY 3.0",
        "https://archive.org/details/SalamanderGrandPianoV3",
    ),
    "Sonic Pi": ("Sonic Pi samples; CC0", "https://github.com/sonic-pi-net/sonic-pi"),
    "VocalSet": ("VocalSet, Wilkins et al. 2018; CC BY 4.0", "https://doi.org/10.5281/zenodo.1193957"),
    "espeak-ng": ("generated with eSpeak NG", "https://github.com/espeak-ng/espeak-ng"),
}
"""By the beginning of a source: whom to credit and the licence, and where it comes from. Others are not shown."""
NAMED = tuple((one.low, one.high) for one in (*MEASURED_ATTRIBUTES, NAMED_ATTRIBUTE))


def reconstruction(maker: Maker) -> None:
    """Own presets, and what the shipped models and the search make of their sounds."""
    folder = emptied(maker.out / f"reconstruction-{SYNTH}")
    matcher = Matcher.load(SYNTH)
    sounds = []
    for number, index in enumerate(maker.diverse(SOUNDS), 1):
        name = f"Sound {number}: {maker.words(index)}"
        point = maker.draws.points[index]
        original = maker.play(point, LONG)
        heard = resample(original, LISTENING_RATE, RATE)
        found = {
            "search": matcher.match(original, LISTENING_RATE, renders=SEARCH, note=LONG.pitch).candidates[0].point,
            "posterior, best of 16": matcher.match(original, LISTENING_RATE, renders=16, note=60).candidates[0].point,
            "flow_joint": maker.predicted(heard),
            "nearest draw": _nearest(maker, index),
            "random draw": maker.draws.points[(index + 1) % len(maker.draws)],
        }
        attempts = [_attempt(maker, folder, f"{number}", name, method, each, heard) for method, each in found.items()]
        clip = write_clip(folder / f"{number}.mp3", original, LISTENING_RATE, f"{name}, original")
        sounds.append(Sound(name, clip, maker.positions(point), tuple(attempts)))
        print(f"{name}: " + ", ".join(f"{one.method} {one.distance_db:.1f} dB" for one in attempts), flush=True)
    text = (
        f"The originals are draws from `flow_joint`, chosen to be unlike each other, on C4. The search has {SEARCH} "
        f"renders. The nearest draw is the one of {len(maker.draws)} draws whose sound is nearest. Only models whose "
        "weights are shipped are here; [inference](inference.md) has the numbers of all."
    )
    write_about(folder, Reconstruction(SYNTH, tuple(sounds), text=text))


def _attempt(
    maker: Maker, folder: Path, stem: str, name: str, method: str, point: np.ndarray, heard: np.ndarray
) -> Attempt:
    sound = maker.play(point, LONG)
    slug = "".join(letter if letter.isalnum() else "-" for letter in method)
    distance = distance_between(resample(sound, LISTENING_RATE, RATE), heard)
    clip = write_clip(folder / f"{stem}-{slug}.mp3", sound, LISTENING_RATE, f"{name}, {method}")
    return Attempt(method, clip, distance, maker.positions(point))


def _nearest(maker: Maker, index: int) -> np.ndarray:
    sounds = maker.draws.renders.sounds[:, 0]
    reference = Reference(torch.from_numpy(sounds[index]))
    distances = reference.distance(torch.from_numpy(sounds)).numpy().copy()
    distances[index] = np.inf
    return maker.draws.points[int(distances.argmin())]


def macros(maker: Maker) -> None:
    """Attributes that the model learned, and the dimensions without one that change most."""
    folder = emptied(maker.out / f"macros-{SYNTH}-latent")
    start = maker.diverse(3)[2]
    made = []
    for dimension, (low, high) in enumerate(NAMED[:7]):
        unit = "standard deviations"
        steps = _walk(maker, folder, f"attribute-{dimension}", maker.draws.z[start], dimension)
        name = f"{low} to {high}"
        made.append(Macro(name, low, high, unit, "learned dimension", maker.words(start), steps))
    for dimension, attribute, sign in _strongest(maker):
        low, high = (ATTRIBUTES[attribute].low, ATTRIBUTES[attribute].high)[:: 1 if sign > 0 else -1]
        steps = _walk(maker, folder, f"latent-{dimension}", maker.draws.z[start], dimension)
        name = f"Latent dimension {dimension}"
        made.append(Macro(name, low, high, "standard deviations", "latent dimension", maker.words(start), steps))
    text = (
        "One dimension of the latent of `flow_joint` is set to each value, all others stay, and the synth plays the "
        f"preset. Nothing is corrected by listening. The last {DIMENSIONS} are dimensions that no attribute was given "
        "to: those that change the measured attributes most, called after what they change most."
    )
    write_about(folder, MacroControls(SYNTH, tuple(made), text=text, title="dimensions of the latent"))


def _walk(maker: Maker, folder: Path, stem: str, z: np.ndarray, dimension: int) -> tuple[Step, ...]:
    """The steps along one dimension that can be heard."""
    places = np.repeat(z[None], len(STEPS), 0)
    places[:, dimension] = STEPS
    return maker.steps(folder, stem, STEPS, maker.presets(places))


def _strongest(maker: Maker) -> list[tuple[int, int, float]]:
    """Dimensions without an attribute, the attribute each changes most, and in which direction."""
    size = maker.model.latent_size
    known = len(NAMED)
    effects = _effects(maker, range(known, size), maker.diverse(PROBES))
    mean = np.nanmean(effects, 1)
    strength = np.abs(mean).max(1)
    found = []
    for row in np.argsort(-strength)[:DIMENSIONS]:
        attribute = int(np.abs(mean[row]).argmax())
        found.append((known + int(row), attribute, float(mean[row, attribute])))
    return found


def _effects(maker: Maker, dimensions: Sequence[int], starts: Sequence[int]) -> np.ndarray:
    """How far each attribute moves from -1 to +1 of a dimension, in deviations of the draws, `(D, N, M)`."""
    places = []
    for dimension in dimensions:
        for end in (-1.0, 1.0):
            moved = maker.draws.z[list(starts)].copy()
            moved[:, dimension] = end
            places.append(moved)
    measures = maker.player.play(maker.presets(np.concatenate(places))).measures[:, 0, : len(ATTRIBUTES)]
    ends = measures.reshape(len(dimensions), 2, len(starts), -1)
    return (ends[:, 1] - ends[:, 0]) / maker.draws.renders.measures[:, 0, : len(ATTRIBUTES)].std(0)


def semantics(maker: Maker) -> None:
    """Maps, traversals and the matrix of the attributes that the model learned."""
    folder = emptied(maker.out / f"semantics-{SYNTH}")
    measured = [one for one in range(len(NAMED)) if NAMED[one][0] != NAMED_ATTRIBUTE.low]
    starts = maker.diverse(STARTS)
    effects = np.nan_to_num(_effects(maker, range(len(NAMED)), starts))
    least = 0.03  # standard deviations
    agreement = np.where(np.abs(effects) > least, np.sign(effects), 0.0).mean(1)
    matrix = Matrix(
        f"Share of {STARTS} presets in which an attribute rises from -1 to +1, less that in which it falls",
        tuple(f"{low} to {high}" for low, high in NAMED),
        tuple(one.name for one in ATTRIBUTES),
        tuple(tuple(row) for row in agreement.tolist()),
    )
    names = {one.name: column for column, one in enumerate(ATTRIBUTES)}
    maps = []
    for dimension in measured:
        column = names.get(MEASURED_ATTRIBUTES[dimension].measure)
        if column is not None:
            maps.append(_map(maker, dimension, column))
    origin = np.zeros(maker.model.latent_size, np.float32)
    traversals = []
    for dimension, (low, high) in enumerate(NAMED):
        steps = _walk(maker, folder, f"{low.lower()}-{high.lower()}", origin, dimension)
        traversals.append(Traversal(f"{low} to {high}", low, high, "the origin of the space", steps))
    text = (
        f"The scatters are {len(maker.draws)} draws from `flow_joint`, coloured by the attribute that was measured on "
        "their sounds. The space after is that of the model, whose first dimensions were given attributes; the one "
        "before is that of the parameters."
    )
    write_about(folder, Semantics(SYNTH, tuple(maps), tuple(traversals), (matrix,), text=text))


def _map(maker: Maker, dimension: int, column: int) -> LatentMap:
    low, high = NAMED[dimension]
    centred = maker.draws.points - maker.draws.points.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    raw = centred @ axes[:2].T
    other = (dimension + 1) % len(NAMED)
    learned = maker.draws.z[:, [dimension, other]]
    # Colours by rank: a few extremes would leave all others one colour.
    ranks = maker.draws.renders.measures[:, 0, column].argsort().argsort() / (len(maker.draws) - 1)
    names = (f"{low} to {high}", f"{NAMED[other][0]} to {NAMED[other][1]}")
    before = Scatter("Before: principal components of the parameters", "first", "second", _points(raw, ranks))
    after = Scatter("After: dimensions of the latent", *names, _points(learned, ranks))
    return LatentMap(f"{ATTRIBUTES[column].name}, rank", low, high, before, after)


def _points(places: np.ndarray, values: np.ndarray) -> tuple[Point, ...]:
    rows = zip(places.tolist(), values.tolist(), strict=True)
    return tuple(Point(x, y, value) for (x, y), value in rows)


def out_of_domain(maker: Maker, manifest: Path) -> None:
    """Recordings that may be shown, and what the search makes of them."""
    folder = emptied(maker.out / f"recordings-{SYNTH}")
    matcher = Matcher.load(SYNTH)
    sounds = []
    for row in _free(manifest):
        recording = load(manifest.parent / row["file"], seconds=4.0)
        result = matcher.match(recording, renders=SEARCH)
        best = result.candidates[0]
        stem = Path(row["file"]).stem
        samples = resample(recording.samples, recording.rate, LISTENING_RATE)
        original = write_clip(folder / f"{stem}.mp3", samples, LISTENING_RATE, f"{stem}, original")
        found = write_clip(folder / f"{stem}-search.mp3", best.audio.samples, best.audio.rate, f"{stem}, search")
        distance = best.distances["perceptual"]
        attempt = Attempt("search", found, distance, maker.positions(best.point))
        credit, link = _credit(row["source"])
        name = stem.replace("_", " ")
        sounds.append(Sound(name, original, {}, (attempt,), row["category"], credit, link))
        print(f"{stem}: {distance:.1f} dB", flush=True)
    text = f"What the search finds in {SEARCH} renders. Each sound is credited beside its player."
    write_about(folder, OutOfDomain(SYNTH, tuple(sounds), text=text))


def _free(manifest: Path) -> list[dict[str, str]]:
    """Rows of sources that allow to show the sound here, a few a category, no source twice in one."""
    free: list[dict[str, str]] = []
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        same = [one for one in free if one["category"] == row["category"]]
        is_new = row["source"] not in {one["source"] for one in same}
        if _credit(row["source"])[0] and is_new and len(same) < PER_CATEGORY:
            free.append(row)
    return free


def _credit(source: str) -> tuple[str, str]:
    """Whom to credit for a recording, and where it comes from; empty if it may not be shown."""
    for start, credit in CREDITS.items():
        if source.startswith(start):
            return credit
    return "", ""


_SECTIONS: dict[str, Callable[[Maker], None]] = {
    "reconstruction": reconstruction,
    "macros": macros,
    "semantics": semantics,
}


def main() -> None:
    """Makes what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sections", nargs="*", choices=[*_SECTIONS, "out_of_domain", []], help="all if none is named")
    parser.add_argument("--recordings", type=Path, metavar="MANIFEST", help="CSV beside recordings")
    parser.add_argument("--out", type=Path, default=HERE / "examples")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    maker = Maker(given.out, given.seed)
    for name in given.sections or _SECTIONS:
        if name != "out_of_domain":
            _SECTIONS[name](maker)
        elif given.recordings is None:
            raise SystemExit("out_of_domain: --recordings is missing")
        else:
            out_of_domain(maker, given.recordings)
    maker.player.close()


if __name__ == "__main__":
    main()
