"""Ten turns heard by numbers: a picture of their spectrograms, and what is measured at start, middle and end.

Usage: python benchmarks/ten_turns.py BANK.npz  (writes benchmarks/results/ten_turns.json, docs/ten_turns.md, .png)

Of the validation part of the bank, one preset of each of the first ten families that `macros.py` takes; each attribute
is turned on one of them, and brightness on two, from -1.5 to +1.5 standard deviations.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from macros import KEYS, chosen_presets
from ten_morphs import RANGE_DB, draw, spectrograms
from timing import facts

from patchflow.data.bank import Bank
from patchflow.ear import ATTRIBUTES, LOUDNESS, MEASURES
from patchflow.engines import engines, one_torch_thread
from patchflow.explore.attribute_map import load_map
from patchflow.explore.player import Player, cents_from
from patchflow.explore.turn import Turn, Turner
from patchflow.metrics.perceptual import Reference

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "ten_turns.json"
PAGE = ROOT / "docs" / "ten_turns.md"
PICTURE = ROOT / "docs" / "ten_turns.png"
SYNTH = "dexed"
TURNS = 10
SHARES = np.linspace(-1.5, 1.5, 7)
MIDDLE = 3
HEARD = len(KEYS) // 2  # the key that is shown: middle C
PAGE_TEXT = """# Ten turns

Ten presets of {synth}, each with one attribute turned from -1.5 to +1.5 standard deviations in {steps} steps: what they
look like and measure. The presets are of the first ten families of the validation part of a bank. Made by
`benchmarks/ten_turns.py`; [turning.md](turning.md) says how presets are turned, and how good two hundred others are.

![Spectrograms of ten turns, a row each, from the least on the left to the most on the right](ten_turns.png)

Each row is a turn, each of its columns a preset that holds middle C: mel bands from 30 Hz to 11 kHz, bottom to top,
{range:.0f} dB from black to white. The one in the middle is the original.

| turn | attribute | least | original | most | went along most | loudness | cents |
|---|---|---|---|---|---|---|---|
{table}

Attributes are of middle C; what went along most is of all three keys, in standard deviations beside those of what was
turned; loudness is the change from the least to the most, and cents the largest change of pitch on any key.
"""


def main() -> None:
    """Turns presets, and writes what is heard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank")
    options = parser.parse_args()
    run = facts(0)
    make = engines[SYNTH]
    entries = []
    rows = []
    with one_torch_thread(), Player(make, KEYS) as player:
        turner = Turner(make, player, load_map(SYNTH, make.space))
        presets = chosen_presets(Bank.load(options.bank), "valid", TURNS, player)
        for number, (name, point) in enumerate(presets):
            column = number % len(ATTRIBUTES)
            turn = turner.turn(point, np.eye(len(MEASURES))[column], shares=SHARES)
            entries.append({"turn": number + 1, "row": name, **numbers(turn, column)})
            rows.append(spectrograms(turn.sounds[:, HEARD]))
            print(f"{number + 1}/{TURNS}", flush=True)
    RESULTS.write_text(json.dumps({**run, "synth": SYNTH, "turns": entries}, indent=1) + "\n")
    PAGE.write_text(page(entries))
    draw(rows, PICTURE)


def numbers(turn: Turn, column: int) -> dict[str, Any]:
    """Returns what is measured of a turn of one attribute."""
    change = (turn.changes[-1] - turn.changes[0]).mean(0)
    others = np.where(np.arange(len(change)) == column, 0.0, np.abs(change))
    along = int(others.argmax())
    cents = []
    for key in range(turn.sounds.shape[1]):
        original = Reference(torch.from_numpy(turn.sounds[MIDDLE, key]))
        cents.append(np.abs(cents_from(original, turn.sounds[:, key])).max())
    levels = turn.measures[:, HEARD, MEASURES.index(LOUDNESS)]
    return {
        "attribute": ATTRIBUTES[column].name,
        "values": [round(float(value), 3) for value in turn.measures[[0, MIDDLE, -1], HEARD, column]],
        "changed": round(float(change[column]), 3),
        "along": MEASURES[along].name,
        "along_changed": round(float(change[along]), 3),
        "loudness_db": round(float(levels[-1] - levels[0]), 2),
        "cents": round(float(max(cents)), 1),
    }


def page(entries: list[dict[str, Any]]) -> str:
    """Returns the page."""
    lines = []
    for entry in entries:
        attribute = next(one for one in ATTRIBUTES if one.name == entry["attribute"])
        values = " | ".join(attribute.text(value) for value in entry["values"])
        lines.append(
            f"| {entry['turn']} | {attribute.name} | {values} | {entry['along']} {entry['along_changed']:+.1f} of "
            f"{entry['changed']:+.1f} | {entry['loudness_db']:+.1f} dB | {entry['cents']:.0f} |"
        )
    return PAGE_TEXT.format(synth=SYNTH, steps=len(SHARES) - 1, range=RANGE_DB, table="\n".join(lines))


if __name__ == "__main__":
    main()
