"""`patchflow make`: new presets from words, made of those that fit them best."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._parse import OutFolder, synth_name, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..browse.make import Making, Refined

__all__ = ["make"]


def make(
    text: Annotated[
        list[str], typer.Argument(metavar="TEXT...", help='What it should be, such as "glassy bell, slow decay".')
    ],
    *,
    synth: Annotated[
        str, typer.Option(metavar="NAME", parser=synth_name, help="Synth that the presets are for.")
    ] = "dexed",
    count: Annotated[int, typer.Option(metavar="K", parser=whole, help="How many presets, 1 to 32.")] = 4,
    seed: Annotated[int, typer.Option(metavar="N", parser=whole, help="Seed of the random generator.")] = 0,
    renders: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole, help="How many notes may be played, about.  [default: 150 a preset]"),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Preset library to go on from, beside the embedded bank.  [default: that of `patchflow presets`]",
        ),
    ] = None,
    out: OutFolder = Path("patchflow-out"),
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON: what the .json file holds.")] = False,
) -> None:
    """Make presets that fit TEXT better than those there are.

    Looks for presets that fit, as `patchflow search` does, turns them towards the words, varies them, plays and
    measures everything, and keeps what fits better. Writes each preset (-1.syx ...), what it sounds like (-1.wav ...,
    all equally loud) and all numbers (.json): which preset it was made of, and which attribute moved from where to
    where.

    \b
    Example: patchflow make "glassy bell, slow decay" --synth dexed
    Example: patchflow make "dark pad, not noisy" --count 8 --seed 3 --library mine.sqlite
    """
    from ..browse.embedded import opened_shelf
    from ..browse.make import make as make_presets
    from ..browse.make import write_making
    from ..presets.library.library import Library
    from ..storage import readable, writable_folder
    from ._console import ProgressBar, print_json
    from ._console import note as tell

    source = Library(library, notice=tell)
    with ProgressBar("reading", every=60) as bar:
        shelf = opened_shelf(source, progress=bar.show, tell=tell)
    with writable_folder(out), ProgressBar("loading") as bar:
        typed = readable(" ".join(text))
        making = make_presets(typed, shelf, source, synth, count=count, seed=seed, renders=renders, progress=bar.show)
        numbers, summary = write_making(making, out)
    if as_json:
        print_json(summary)
    else:
        _print(making, summary, out / numbers)


def _print(making: "Making", summary: "Mapping[str, Any]", numbers: Path) -> None:
    from ._console import note, say

    say(f"understood: {making.meaning.text()}")
    for made, facts in zip(making.made, summary["made"], strict=True):
        words = [str(numbers.with_name(facts["preset"])), f"fits {made.fit_before:.0%} to {made.fit:.0%}"]
        words.append(f"{made.how} from {made.parent.name or 'a preset without a name'}")
        words.append(_moves(making, made))
        say("  ".join(filter(None, words)))
    say(str(numbers))
    for remark in summary["remarks"]:
        note(remark)


def _moves(making: "Making", made: "Refined") -> str:
    """Which attributes that were asked for moved from where to where; of a role alone, those that moved most."""
    from ..features.measures import MEASURES

    found = []
    for attribute, before, after in zip(MEASURES, made.before, made.after, strict=True):
        size = abs(after - before) / attribute.spread
        if attribute.name in making.moved or (not making.moved and size > 0.3):
            found.append(f"{attribute.name} {attribute.text(before)} to {attribute.text(after)}")
    return ", ".join(found)
