"""Makes the examples of macro-controls that turn: presets along which one attribute rises, each step played.

Usage: python site/make_turns.py [--out site/examples] [--seed N]

Each attribute is turned on two of four presets, by turns, so that no example is chosen by how well it went.
"""

import dataclasses

import numpy as np
from example_files import write_about
from maker import SYNTH, Maker, emptied, make_with
from sections import Macro, MacroControls

from patchflow.explore.attribute_map import load_map
from patchflow.explore.player import NOTE, Player
from patchflow.explore.turn import Turn, Turner
from patchflow.features.measures import ATTRIBUTES, MEASURES, wishes

PRESETS = 4
FARTHEST = 2.0  # standard deviations over the presets of the synth
SHARES = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
KEYS = tuple(dataclasses.replace(NOTE, pitch=pitch) for pitch in (48, 60, 72))


def make(maker: Maker) -> None:
    """Turns every attribute and writes what is heard."""
    folder = emptied(maker.out / f"macros-{SYNTH}-engine")
    learned = load_map(SYNTH, maker.space)
    chosen = maker.diverse(PRESETS)
    made = []
    lines = []
    with Player(maker.engine, KEYS) as player:
        turner = Turner(maker.engine, player, learned)
        for number, preset in enumerate(chosen):
            for column in _columns(number):
                attribute = ATTRIBUTES[column]
                wish = wishes({attribute.name: FARTHEST})
                turn = turner.turn(maker.draws.points[preset], wish, shares=SHARES)
                stem = f"sound-{number + 1}-{attribute.name}"
                steps = maker.steps(folder, stem, (FARTHEST * SHARES).tolist(), turn.points)
                name = f"{attribute.name.capitalize()} of sound {number + 1}"
                start = f"sound {number + 1} ({maker.words(preset)})"
                unit = "standard deviations"
                made.append(Macro(name, attribute.low, attribute.high, unit, "engine in the loop", start, steps))
                lines.append(_came(turn, column))
                print(f"{name}: {lines[-1]}", flush=True)
    made = [dataclasses.replace(one, method=f"{one.method}; {came}") for one, came in zip(made, lines, strict=True)]
    write_about(folder, MacroControls(SYNTH, tuple(made), text=_text(), title="attributes, turned by listening"))


def _columns(number: int) -> list[int]:
    """The attributes that a preset is for: each attribute has two presets."""
    return [column for column in range(len(ATTRIBUTES)) if number in (column % PRESETS, (column + 2) % PRESETS)]


def _came(turn: Turn, column: int) -> str:
    """How far it came, and what changed most beside it, from the first step to the last."""
    changes = (turn.changes[-1] - turn.changes[0]).mean(0)
    others = np.abs(changes)
    others[column] = 0.0
    other = int(others.argmax())
    return (
        f"asked for {2 * FARTHEST:+.1f}, came {changes[column]:+.1f} standard deviations; "
        f"most beside it, {MEASURES[other].name} {changes[other]:+.1f}"
    )


def _text() -> str:
    return (
        f"Draws from `flow_joint`, turned by `patchflow turn`'s own search: of {len(ATTRIBUTES)} attributes, each on "
        f"two of {PRESETS} presets, from {-FARTHEST:g} to {FARTHEST:+g} standard deviations over the presets of the "
        "synth. The learned map says which way, the synth plays variants of each step on three keys, and what is "
        "measured corrects the map. What is heard and measured here is middle C."
    )


if __name__ == "__main__":
    make_with(make, __doc__ or "")
