"""`patchflow convert`: preset files from one format to another."""

from pathlib import Path
from typing import Annotated

import typer

from ._parse import synth_name

__all__ = ["convert"]

_MOST_LINES = 200  # of what was mended, left out or is to be known: a file may be nothing but damage


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A preset file of any format.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write; its ending says the format.")],
    *,
    synth: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            parser=synth_name,
            help="Synth that the presets are for; vital and vital_full take each other's.  "
            "[default: read from the file]",
        ),
    ] = "",
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Refuse a file in which anything has to be mended or left out; a wrong checksum alone is only said.",
        ),
    ] = False,
) -> None:
    """Write the presets of IN into OUT, in another format of the same synth.

    Faults that a synth would not mind are mended and reported. Damaged presets are reported and left out; in a bank
    their places are filled, so that program numbers stay.

    \b
    Example: patchflow convert bank.syx bank.json
    Example: patchflow convert lead.fxp lead.bank --synth amsynth
    Example: patchflow convert mine.vital mine.json --synth vital_full
    """
    from ..engines._preset_files import convert_file
    from ._console import say

    done = convert_file(source, target, synth, strict=strict)
    problems = done.read.problems
    for line in problems[:_MOST_LINES]:
        say(f"{source}: {line}", err=True)
    if len(problems) > _MOST_LINES:
        say(f"{source}: and {len(problems) - _MOST_LINES:,} more of these", err=True)
    if done.gaps:
        what = f"filled with {done.filler!r}" if done.filler else "left out, presets behind move up"
        say(f"{target}: {_ranges(done.gaps)} {what}", err=True)
    count = len(done.read.presets)
    say(f"{done.file}  {count:,} preset{'s' * (count != 1)}")


def _ranges(numbers: tuple[int, ...]) -> str:
    """Numbers in words: `places 3, 7 to 32`.

    Example:
        >>> _ranges((3, 7, 8, 9)), _ranges((4,))
        ('places 3, 7 to 9', 'place 4')
    """
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    said = [f"{first} to {last}" if last > first else str(first) for first, last in runs]
    return f"place{'s' * (len(numbers) > 1)} {', '.join(said)}"
