"""How many DX7 voices each measured tag describes, and where the descriptors lie.

Usage: python benchmarks/tags.py BANK.npz [COUNT]  (writes benchmarks/results/tags.json)
"""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from patchflow.data.bank import Bank
from patchflow.data.label_library import WORDS, words_of
from patchflow.engines import Note, Renderer, engines
from patchflow.features.descriptors import UNITS, describe

RATE = 22_050


def main(path: str, count: str = "800") -> None:
    """Prints and writes the shares."""
    torch.set_num_threads(1)
    bank = Bank.load(path)
    rows = np.random.default_rng(0).choice(len(bank.points), int(count), replace=False)
    with Renderer(engines["dexed"]) as renderer:
        sounds = renderer.stream(((point, Note()) for point in bank.points[rows]), RATE)
        found = [described(sound) for sound in sounds]
    counts = Counter[str]()
    for values in found:
        counts.update(words_of(values))
    quantiles = {}
    for name in UNITS:
        values = [values[name] for values in found]
        quantiles[name] = np.quantile(values, [0.1, 0.5, 0.9]).round(4).tolist()
    report = {
        "voices": len(rows),
        "share": {word: round(counts[word] / len(rows), 3) for word in WORDS},
        "quantiles_10_50_90": quantiles,
    }
    text = json.dumps(report, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "tags.json").write_text(text + "\n")


def described(sound: np.ndarray) -> dict[str, float]:
    """Returns the descriptors of a sound, shape `(T,)`."""
    values = describe(torch.from_numpy(sound)[None], RATE)
    return {name: float(value) for name, value in values.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
