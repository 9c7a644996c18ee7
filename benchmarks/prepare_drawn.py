"""Makes a bank for a synth without presets: drawn around the fresh preset, split by family.

Usage: python benchmarks/prepare_drawn.py SYNTH BANK.npz COUNT

Presets make a family if their sounds are nearly the same.
"""

import sys

import numpy as np

from patchflow.data.make_bank import make_bank
from patchflow.data.sampler import random_presets
from patchflow.engines import Renderer, engines
from patchflow.progress import Progress


def main(synth: str, out: str, count: str) -> None:
    """Draws the presets, writes the bank."""
    make = engines[synth]
    points = make.space.snap(random_presets(make.space, int(count), np.random.default_rng(0)))
    with Renderer(make) as renderer:
        points = renderer.make().canonical(points)
        bank = make_bank(points, [""] * len(points), renderer, progress=_show)
    print(f"{len(points) - len(bank.points)} silent; {bank.family.max() + 1} families")
    bank.save(out)


def _show(progress: Progress) -> None:
    print(f"\r{progress.done} of {progress.total}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
