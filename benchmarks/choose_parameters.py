"""Chooses a synth's parameters for smaller spaces, by how much each moves a typical sound.

Usage: python benchmarks/choose_parameters.py SYNTH BANK.npz SIZE ...

Writes benchmarks/results/parameters_SYNTH.csv and patchflow/engines/subsets/SYNTH_SIZE.toml for each size.

The typical voice has the median of every number, and the most frequent of every option, over the training voices of
the bank, each weighted by one over the size of its family. It is a statistic and nobody's voice. A parameter is
continuous if it is a knob or has at least eight values in order. Each is moved alone through what training voices have
it at (at most 32 quantiles); its move is the mean log-mel L1 distance to the typical voice, in dB, by the same weights.
The set of a size is made of the parameters that move it most, so a smaller set is a part of a larger one.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import torch

import patchflow
from patchflow.data.bank import Bank
from patchflow.engines import Note, Renderer, Selection, engines, selection_text
from patchflow.metrics.log_mel_l1 import level_gap, log_mel
from patchflow.presets import Choice, ParamSpace

RATE = 22_050
MOST = 32  # values tried of a parameter
FEWEST = 8  # values in order that make a parameter continuous


def main(synth: str, path: str, *sizes: str) -> None:
    """Measures all continuous parameters and writes the sets."""
    torch.set_num_threads(1)
    make = engines[synth]
    bank = Bank.load(path).part("train")
    weight = 1 / np.bincount(bank.family)[bank.family]
    voice = typical(bank.points, weight, make.space)
    names = [p.name for p in make.space.parameters if not isinstance(p, Choice) and not 0 < p.cells < FEWEST]
    moves = {}
    with Renderer(make, threads=1) as renderer:
        for name in names:
            place = make.space.index[name]
            values, shares = quantiles(make.space.snap(bank.points)[:, place], weight)
            gaps = distances(renderer, voice, place, values)
            moves[name] = (float(shares @ gaps), float(gaps.max()), len(values))
    ranked = sorted(names, key=lambda name: -moves[name][0])
    write_table(synth, ranked, moves)
    values = make.space.decode(voice)
    for size in map(int, sizes):
        chosen = tuple(name for name in make.space.names if name in ranked[:size])
        about = (
            f"The {size} continuous parameters of {synth} that move a typical voice most; all else is as in [voice].\n"
            f"Made by benchmarks/choose_parameters.py of {len(bank.points):,} training voices in "
            f"{len(np.unique(bank.family)):,} families."
        )
        name = f"{synth}_{size}"
        file = Path(patchflow.__file__).parent / "engines" / "subsets" / f"{name}.toml"
        file.write_text(selection_text(Selection(name, synth, chosen, values), about))
        print(f"{file.name}: {len(chosen)} parameters, the least moves it by {moves[ranked[size - 1]][0]:.2f} dB")


def typical(points: np.ndarray, weight: np.ndarray, space: ParamSpace) -> np.ndarray:
    """Returns the weighted median of numbers and the most frequent of options, encoded, shape `(P,)`."""
    points = space.snap(points)
    found = np.empty(len(space))
    for place, parameter in enumerate(space.parameters):
        values, member = np.unique(points[:, place], return_inverse=True)
        share = np.bincount(member, weight) / weight.sum()
        option = isinstance(parameter, Choice)
        found[place] = values[share.argmax() if option else np.searchsorted(share.cumsum(), 0.5)]
    return found


def quantiles(column: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns at most `MOST` values that stand for a weighted column, and the share of each."""
    values, member = np.unique(column, return_inverse=True)
    share = np.bincount(member, weight) / weight.sum()
    if len(values) > MOST:
        at = (np.arange(MOST) + 0.5) / MOST
        values = values[np.searchsorted(share.cumsum(), at)]
        share = np.full(MOST, 1 / MOST)
    return values, share


def distances(renderer: Renderer, voice: np.ndarray, place: int, values: np.ndarray) -> np.ndarray:
    """Returns how far the voice is from itself with one parameter at other values, in dB."""
    points = np.repeat(voice[None], 1 + len(values), 0)
    points[1:, place] = values
    sounds = renderer.render(points, [Note()] * len(points), RATE)
    levels = log_mel(torch.from_numpy(np.stack(sounds)))
    return level_gap(levels[1:], levels[:1]).numpy().astype(float)


def write_table(synth: str, ranked: list[str], moves: dict[str, tuple[float, float, int]]) -> None:
    """Writes a line for each parameter, the one that moves the sound most first."""
    path = Path(__file__).parent / "results" / f"parameters_{synth}.csv"
    with path.open("w", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["rank", "parameter", "mean_move_db", "largest_move_db", "values_tried"])
        for rank, name in enumerate(ranked, 1):
            mean, largest, count = moves[name]
            table.writerow([rank, name, f"{mean:.3f}", f"{largest:.3f}", count])


if __name__ == "__main__":
    main(*sys.argv[1:])
