"""Makes a bank for a synth nobody has presets of: drawn around the fresh preset, families by ear, split by family.

Usage: python benchmarks/prepare_drawn.py SYNTH BANK.npz COUNT
"""

import sys

import numpy as np

from patchflow.data.make_bank import gather
from patchflow.data.sampler import draw_around_fresh
from patchflow.engines import Renderer, engines
from patchflow.progress import Progress


def main(synth: str, out: str, count: str) -> None:
    """Draws the presets, writes the bank."""
    make = engines[synth]
    points = make.space.snap(draw_around_fresh(make.space, int(count), np.random.default_rng(0)))
    with Renderer(make) as renderer:
        points = renderer.make().canonical(points)
        bank = gather(points, [""] * len(points), renderer, progress=_show)
    print(f"{len(points) - len(bank.points)} silent; {bank.family.max() + 1} families")
    bank.save(out)


def _show(progress: Progress) -> None:
    print(f"\r{progress.done} of {progress.total}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
