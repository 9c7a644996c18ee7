"""Makes the examples of interpolation: ways between two sounds, the straight line beside them, and neighbourhoods.

Usage: python site/make_morphs.py [--out site/examples] [--seed N]
"""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from example_files import write_about, write_clip
from maker import SYNTH, Maker, emptied, make_with
from sections import Clip, Interpolation, Pair, Place, Step

from patchflow.explore.grid import Grid
from patchflow.explore.morph import morph
from patchflow.explore.neighbours import PLACES, Neighbour, TwoNeighbourhoods, two_neighbourhoods
from patchflow.explore.output.path_files import write_path
from patchflow.explore.path import Path as PresetPath
from patchflow.presets import Preset

PAIRS = 4
STEPS = 7
RENDERS = 1_000
NEIGHBOURS = 3
DEVIATION = 0.1
SHOWN = 80  # draws in the picture


def make(maker: Maker) -> None:
    """Finds the ways and writes them."""
    folder = emptied(maker.out / f"interpolation-{SYNTH}")
    chosen = maker.diverse(2 * PAIRS)
    pairs = []
    for number in range(PAIRS):
        # The first half with the second: a draw and the next are chosen to be far apart in any case.
        places = (number, number + PAIRS)
        names = [f"sound {place + 1} ({maker.words(chosen[place])})" for place in places]
        ends = [maker.preset(chosen[place], name) for place, name in zip(places, names, strict=True)]
        pairs.append(_pair(maker, folder, f"pair-{number + 1}", ends))
    text = (
        f"Draws from `flow_joint`. The path is what `patchflow morph` finds in {RENDERS} renders with {STEPS} presets; "
        "beside it, as many on the straight line between the parameters. The picture has the latents of `flow_joint`, "
        "on the two directions in which the ends, their neighbours, the line and the path differ most: two "
        f"neighbourhoods, made of the latents of the ends with normal noise of deviation {DEVIATION:g} added, the "
        "straight line between in the latent space, and the path that was found by listening."
    )
    write_about(folder, Interpolation(SYNTH, tuple(pairs), text=text))


def _pair(maker: Maker, folder: Path, stem: str, ends: list[Preset]) -> Pair:
    path = morph(ends, steps=STEPS, renders=RENDERS)
    encode = maker.space.encode
    points = np.stack([encode(step.values) for step in path.steps])
    straight = maker.space.snap(Grid(1, STEPS).weights(2) @ points[[0, -1]])
    shares = np.linspace(0, 1, STEPS).round(4).tolist()
    around = two_neighbourhoods(maker.good, ends[0], ends[1], deviation=DEVIATION, count=NEIGHBOURS, steps=STEPS)
    found = Pair(
        first=ends[0].name,
        second=ends[1].name,
        path=maker.steps(folder, f"{stem}-path", shares, points),
        naive=maker.steps(folder, f"{stem}-straight", shares, straight),
        around_first=_neighbours(maker, folder, f"{stem}-first", around.of(PLACES[0]), 0),
        around_second=_neighbours(maker, folder, f"{stem}-second", around.of(PLACES[2]), 1),
        whole=(_sweep(path, folder, stem),),
        picture=_picture(maker, around, points),
    )
    print(f"{found.first} to {found.second}: {_largest(found.path)}, straight {_largest(found.naive)}", flush=True)
    return found


def _largest(steps: tuple[Step, ...]) -> str:
    return f"largest step {max(step.distance_db for step in steps):.1f} dB"


def _neighbours(maker: Maker, folder: Path, stem: str, found: tuple[Neighbour, ...], end: int) -> tuple[Step, ...]:
    """Neighbours of an end that can be heard, each with its distance from it."""
    steps = []
    for number, one in enumerate(found):
        played = maker.steps(folder, f"{stem}-neighbour-{number + 1}", [one.share], one.point[None])
        steps += [dataclasses.replace(step, distance_db=one.distances[end]) for step in played]
    return tuple(steps)


def _sweep(path: PresetPath, folder: Path, stem: str) -> Clip:
    """The path under one held note, as `patchflow morph` writes it."""
    with tempfile.TemporaryDirectory() as work:
        written = write_path(path, stem, Path(work))
        name = next(name for name in written.names if name.endswith("-sweep.wav"))
        samples, rate = soundfile.read(Path(work) / name, dtype="float32")
    mono = samples if samples.ndim == 1 else samples.mean(1)
    return write_clip(folder / f"{stem}-sweep.mp3", mono, rate, "The path under one held note")


def _picture(maker: Maker, around: TwoNeighbourhoods, points: np.ndarray) -> tuple[Place, ...]:
    """The latents on the two directions in which those of the figure differ most."""
    groups = {"draws": maker.draws.z[:SHOWN]}
    words = dict(zip(PLACES, ("around the first", "straight line in the latent", "around the second"), strict=True))
    for place, word in words.items():
        groups[word] = np.stack([one.latent for one in around.of(place)])
    groups["path found by listening"] = maker.good.space.encode(points)
    figure = np.concatenate([z for name, z in groups.items() if name != "draws"])
    centre = figure.mean(0)
    _, _, axes = np.linalg.svd(figure - centre, full_matrices=False)
    places = []
    for name, z in groups.items():
        for number, (x, y) in enumerate(((z - centre) @ axes[:2].T).tolist(), 1):
            places.append(Place(x, y, name, f"{number} of {len(z)}"))
    return tuple(places)


if __name__ == "__main__":
    make_with(make, __doc__ or "")
