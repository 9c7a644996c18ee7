"""Makes the examples of variations: presets at three heard distances from each of three, and with one section free.

Usage: python site/make_variations.py [--out site/examples] [--seed N]
"""

from pathlib import Path

from example_files import write_about, write_clip
from maker import LISTENING_RATE, SYNTH, Maker, emptied, make_with
from sections import Variation, Variations

from patchflow.errors import OptionError
from patchflow.explore.children import Child
from patchflow.explore.vary import DB_PER_AMOUNT, vary

PRESETS = 3
COUNT = 3
ASKED = ((0.1, ""), (0.3, ""), (0.3, "env"), (0.6, ""))
"""Amounts, and the section that may move; all if empty."""


def make(maker: Maker) -> None:
    """Varies the presets and writes what comes out."""
    for number, row in enumerate(maker.diverse(PRESETS), 1):
        _vary(maker, number, row)


def _vary(maker: Maker, number: int, row: int) -> None:
    folder = emptied(maker.out / f"variations-{SYNTH}-{number}")
    name = f"Sound {number} ({maker.words(row)})"
    preset = maker.preset(row, name)
    found = []
    missing = []
    for amount, section in ASKED:
        try:
            children = vary(maker.good, preset, amount, count=COUNT, sections=[section] if section else []).children
        except OptionError as error:
            # The reader should know as well: a section may not lead as far.
            missing.append(f"{section or 'all'}: {error}.")
            continue
        for place, child in enumerate(children, 1):
            stem = f"{amount:g}-{section or 'all'}-{place}".replace(".", "")
            found.append(_variation(maker, folder, stem, amount, section, child))
    point = maker.draws.points[row]
    original = write_clip(folder / "original.mp3", maker.play(point), LISTENING_RATE, f"{name}, original")
    said = [_text(), *missing] if number == 1 else missing
    write_about(folder, Variations(SYNTH, name, original, maker.positions(point), tuple(found), text="\n\n".join(said)))
    print(f"{name}: " + ", ".join(f"{one.amount:g} {one.distance_db:.1f} dB" for one in found), flush=True)


def _variation(maker: Maker, folder: Path, stem: str, amount: float, section: str, child: Child) -> Variation:
    label = f"Amount {amount:g}, {section or 'all'}, {stem[-1]}"
    clip = write_clip(folder / f"{stem}.mp3", maker.play(child.point), LISTENING_RATE, label)
    walked = any(source.origin.startswith("walk") for source in child.sources)
    distance = child.distances[0]
    return Variation(
        amount=amount,
        heard=distance / DB_PER_AMOUNT,
        section=section or "all",
        method="walk" if walked else "borrow",
        clip=clip,
        preset=maker.positions(child.point),
        distance_db=distance,
    )


def _text() -> str:
    return (
        f"Draws from `flow_joint`, varied by `patchflow vary` with {COUNT} children an amount. Amount 1 is "
        f"{DB_PER_AMOUNT:g} dB. A child borrows sections of other draws, or walks through the space of a model. Where "
        "a section is named, nothing else moved, but to keep the child in tune and as loud."
    )


if __name__ == "__main__":
    make_with(make, __doc__ or "")
