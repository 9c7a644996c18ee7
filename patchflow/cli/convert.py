"""`patchflow convert`: preset files from one format to another."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["convert"]


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A preset file of any format.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write; its ending says the format.")],
    *,
    synth: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Synth that the presets are for; vital and vital_full take each other's.  "
            "[default: read from the file]",
        ),
    ] = "",
) -> None:
    """Write the presets of IN into OUT, in another format of the same synth.

    Damaged presets are reported and left out.

    \b
    Example: patchflow convert bank.syx bank.json
    Example: patchflow convert lead.fxp lead.bank --synth amsynth
    Example: patchflow convert mine.vital mine.json --synth vital_full
    """
    from ..engines._preset_files import convert_file

    done = convert_file(source, target, synth)
    for line in (*done.read.rejected, *done.read.notes):
        typer.echo(f"{source}: {line}", err=True)
    count = len(done.read.presets)
    typer.echo(f"{done.file}  {count:,} preset{'s' * (count != 1)}")
