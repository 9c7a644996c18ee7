"""Makes the fingerprint library of a synth: presets that are played once, so that a match begins with the nearest.

Usage: python benchmarks/fingerprint_library.py SYNTH ROLES.toml FOLDER [--count 3400] [--play 3400]

Two thirds of the presets are drawn from the file of roles, the others are crossovers and small changes of these. What
was played lies in FOLDER, and an interrupted run goes on there. Writes patchflow/models/weights/SYNTH-fingerprints
with its card. See patchflow/match/fingerprints.py.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from patchflow.data.sampler import crossover, jitter, read_roles
from patchflow.engines import Engine, Renderer, engines
from patchflow.match.fingerprints import (
    BANDS,
    FINGERPRINTS,
    KEYS,
    Fingerprints,
    choose_fingerprints,
    play_fingerprints,
    rounded,
)
from patchflow.storage import write_atomically

WEIGHTS = Path(__file__).parent.parent / "patchflow" / "models" / "weights"
SEED = 18
SHARES = (22 / 34, 7 / 34)  # of presets of roles and of crossovers; the rest are small changes
CHUNK = 64  # presets that are played between two writes
CARD = """# The fingerprint library for the synth {synth}

Presets that were played once, with what each sounds like in a few hundred bytes. `patchflow match` compares them with a
sound before it plays anything, and begins with the nearest.

| | |
|---|---|
| file | `{file}`, {megabytes:.2f} MB, safetensors with compressed bytes |
| licence | CC-BY-4.0 (the code is GPL-3.0-or-later) |
| presets | {presets:,}: {roles:,} drawn from `{source}`, {crossed:,} crossovers and {moved:,} small changes of such |
| played on | MIDI notes {keys}, velocity 100, held 2 s |
| made with | `python benchmarks/fingerprint_library.py {synth} {source} FOLDER --count {count} --play {played}` |

Nobody's presets were used. Each can be heard on every key, and no two are within 1 dB of each other.
"""


def main() -> None:
    """Draws, plays, chooses, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synth")
    parser.add_argument("roles", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=3_400, help="presets that are drawn")
    parser.add_argument("--play", type=int, help="presets of these that are played; all if not given")
    parser.add_argument("--threads", type=int, help="threads that render; all cores if not given")
    options = parser.parse_args()
    engine = engines[options.synth]()
    points, kinds = drawn(engine, options)
    points = points[: options.play]
    levels = played(points, options)
    library = choose_fingerprints(points, levels, engine.space.cells)
    write(library, kinds[rows_of(library, points)], options)


def drawn(engine: Engine, options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Returns rounded presets in random order, and their kinds: 0 for roles, 1 crossed, 2 slightly changed."""
    rng = np.random.default_rng(SEED)
    space = engine.space
    roles = round(SHARES[0] * options.count)
    crossed = round(SHARES[1] * options.count)
    moved = options.count - roles - crossed
    plain = read_roles(options.roles, space, options.synth).draw(roles, rng).points
    pairs = rng.integers(roles, size=(crossed, 2))
    children = crossover(space, plain[pairs[:, 0]], plain[pairs[:, 1]], rng)
    changed = jitter(space, plain[rng.integers(roles, size=moved)], rng)
    order = rng.permutation(options.count)
    points = np.concatenate([plain, children, changed])[order]
    return rounded(points, engine), np.repeat([0, 1, 2], [roles, crossed, moved])[order]


def played(points: np.ndarray, options: argparse.Namespace) -> np.ndarray:
    """Returns the fingerprints of presets; those that lie in the folder are not played again."""
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"{options.synth}-levels.npy"
    if path.exists():
        levels = np.load(path)
    else:
        one = play_fingerprints(points[:1], Renderer(engines[options.synth], 1))
        levels = np.full((len(points), *one.shape[1:]), np.nan, np.float32)
    with Renderer(engines[options.synth], options.threads) as renderer:
        while len(missing := np.flatnonzero(np.isnan(levels).any((1, 2, 3)))):
            rows = missing[:CHUNK]
            levels[rows] = play_fingerprints(points[rows], renderer)
            np.save(path, levels)
            print(f"{len(points) - len(missing) + len(rows)} of {len(points)} played", file=sys.stderr)
    return levels


def rows_of(library: Fingerprints, points: np.ndarray) -> list[int]:
    """Returns where the presets of a library stand among those that were drawn."""
    places = {point.tobytes(): row for row, point in enumerate(points)}
    return [places[point.tobytes()] for point in library.points]


def write(library: Fingerprints, kinds: np.ndarray, options: argparse.Namespace) -> None:
    """Writes the library and its card."""
    path = WEIGHTS / f"{options.synth}-{FINGERPRINTS}.safetensors"
    about = {"roles": options.roles.name, "count": options.count, "seed": SEED, "bands": BANDS}
    library.save(path, options.synth, engines[options.synth].space, about)
    counts = np.bincount(kinds, minlength=3)
    text = CARD.format(
        synth=options.synth,
        file=path.name,
        megabytes=path.stat().st_size / 1e6,
        presets=len(library),
        roles=counts[0],
        crossed=counts[1],
        moved=counts[2],
        source=options.roles,
        keys=" and ".join(map(str, KEYS)),
        count=options.count,
        played=options.play or options.count,
    )
    write_atomically(path.with_suffix(".md"), text.encode())
    print(f"{len(library)} presets, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
