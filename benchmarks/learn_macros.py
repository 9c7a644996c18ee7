"""Learns the attribute map that comes with a synth: which way each parameter moves brightness, attack and the others.

Usage: python benchmarks/learn_macros.py BANK.npz OUT.safetensors [--synth dexed] [--sounds 200000]

BANK.npz is what `prepare_bank.py` makes; presets of its training part alone are drawn from. What was played is kept in
OUT.safetensors.parts, so a call that was stopped goes on. Ends with how well the map predicts the sounds of 500 presets
of the validation part on C4, R^2 by attribute, and how well it predicts what changes when one of them is turned.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from patchflow.data.bank import Bank
from patchflow.engines import engines
from patchflow.explore.attribute_map import MAP, AttributeMap
from patchflow.explore.learn_map import learn_map
from patchflow.explore.player import Player
from patchflow.features.measures import MEASURES
from patchflow.models import save_model
from patchflow.progress import Progress
from patchflow.version import commit

__all__ = ["explained", "main"]

HELD_OUT = 500


def main() -> None:
    """Learns, says how well, and writes the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank")
    parser.add_argument("out", type=Path)
    parser.add_argument("--synth", default="dexed")
    parser.add_argument("--sounds", type=int, default=200_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bank = Bank.load(options.bank)
    make = engines[options.synth]
    learned = learn_map(
        make,
        bank.points[bank.split == "train"],
        folder=options.out.with_name(f"{options.out.name}.parts"),
        sounds=options.sounds,
        progress=_say,
    )
    held_out = bank.points[bank.split == "valid"][:HELD_OUT]
    with Player(make) as player:
        found = explained(learned, held_out, player.play(held_out).measures[:, 0])
    about = {"made": f"learn_macros.py --synth {options.synth} --sounds {options.sounds}", "commit": commit()}
    save_model(options.out, learned, MAP, options.synth, about={**about, "explained": found})
    print(json.dumps(found))


def explained(learned: AttributeMap, points: np.ndarray, measures: np.ndarray) -> dict[str, float]:
    """Returns R^2 of what the map predicts on C4, by attribute.

    Args:
        learned: The map.
        points: Encoded presets, shape `(N, P)`.
        measures: What was measured of them, shape `(N, M)`.
    """
    audible = np.isfinite(measures).all(1)
    wanted = learned.standardised(measures[audible])
    pitch = torch.full((len(wanted),), 60.0)
    predicted = learned(torch.from_numpy(points[audible]).float(), pitch).numpy()
    share = 1 - np.square(predicted - wanted).mean(0) / wanted.var(0)
    return {attribute.name: round(float(one), 3) for attribute, one in zip(MEASURES, share, strict=True)}


def _say(progress: Progress) -> None:
    if progress.stage == "play" or progress.done % 1000 == 0:
        print(f"{progress.stage} {progress.done:.0f}/{progress.total:.0f} {dict(progress.losses)}", flush=True)


if __name__ == "__main__":
    main()
