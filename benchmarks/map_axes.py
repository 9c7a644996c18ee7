"""Finds the two directions of the map in all presets that come with the package, and ships them with the ear.

Usage: python benchmarks/map_axes.py

Writes patchflow/ear/axes.npz. Run it again after a new ear or new embedded presets: see embedded_bank.py.
"""

import numpy as np

from patchflow.browse import Shelf
from patchflow.browse.places import ENOUGH, axes_bytes, find_axes, meanings, shipped_axes_file
from patchflow.browse.shelf import ear_version, embedded_synths
from patchflow.ear import MEASURES
from patchflow.storage import write_atomically

__all__ = ["main"]


def main() -> None:
    """Finds the directions, says what they mean, and writes them."""
    shelves = []
    for synth in embedded_synths():
        shelf = Shelf.embedded(synth)
        if shelf.unknown:
            raise SystemExit(
                f"{synth}: of another ear. First: python benchmarks/embedded_bank.py FOLDER {synth} --listen-again"
            )
        shelves.append(shelf)
    bank = Shelf.joined(shelves)
    if np.count_nonzero(bank.vectors.any(axis=1)) < ENOUGH:
        raise SystemExit(f"{len(bank)} embedded presets: not {ENOUGH}")
    axes = find_axes(bank.vectors, bank.measures)
    write_atomically(shipped_axes_file(), axes_bytes(axes, ear_version()))
    for name, meaning in zip("xy", meanings(axes.place(bank.vectors), bank.measures), strict=True):
        said = f"{MEASURES[meaning.measure].name} {meaning.correlation:+.2f}" if meaning else "no attribute"
        print(f"{name}: {said}")
    print(f"{shipped_axes_file()}: of {len(bank):,} presets of {', '.join(embedded_synths())}")


if __name__ == "__main__":
    main()
