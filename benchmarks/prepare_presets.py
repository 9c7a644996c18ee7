"""Makes a bank of the preset files of any synth, with families by sound, split by family.

Usage: python benchmarks/prepare_presets.py SYNTH BANK.npz FILE_OR_FOLDER ...

A plug-in has to be described before: `patchflow synth add`.
"""

import sys

import numpy as np

from patchflow.data.dataset import DatasetRecipe, read_pool
from patchflow.data.make_bank import make_bank
from patchflow.engines import Renderer, engines


def main(synth: str, out: str, *sources: str) -> None:
    """Reads the files, writes the bank."""
    make = engines[synth]
    pool = read_pool(DatasetRecipe(synth=synth, presets=sources), make())
    print(f"{len(pool.points)} distinct presets, {pool.rejected} rejected")
    with Renderer(make) as renderer:
        bank = make_bank(pool.points, np.array(pool.names), renderer, family=pool.family)
    print(f"{len(pool.points) - len(bank.points)} silent; {bank.family.max() + 1} families")
    print({part: int((bank.split == part).sum()) for part in ("train", "valid", "test")})
    bank.save(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
