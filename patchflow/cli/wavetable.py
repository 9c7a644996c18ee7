"""`patchflow wavetable`: a recording becomes a preset of Vital."""

from pathlib import Path
from typing import Annotated

import typer

from ._parse import whole

__all__ = ["wavetable"]


def wavetable(
    sound: Annotated[Path, typer.Argument(metavar="SOUND", help="A recording of a note, or any other sound.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The .vital file to write; one that is there is replaced.  [default: named after SOUND]",
        ),
    ] = None,
    note: Annotated[
        str | None, typer.Option(metavar="NOTE", help="The recorded note, as 60 or C4.  [default: estimated]")
    ] = None,
    noise: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What plays breath, bow and hiss: lines (a second wavetable), loop (of noise) or none.  "
            "[default: auto]",
        ),
    ] = "auto",
    most_kb: Annotated[
        int, typer.Option(metavar="KB", parser=whole, help="Size of the file at most; 2000 for rich sounds.")
    ] = 1_000,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is named after SOUND, if there is one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON: what was found and done.")] = False,
) -> None:
    """Write a preset of Vital that plays SOUND, on every key.

    The spectra of the recording become wavetables, and an LFO walks through them as the sound did. There is no search.
    The four macros move the position in the sound, its noise, its brightness and its length.

    \b
    Example: patchflow wavetable flute.wav -o flute.vital
    Example: patchflow wavetable choir.flac --note A3 --most-kb 2000 --json
    """
    from ..audio.note_names import note_number
    from ..resynthesis.wavetable_file import write_wavetable
    from ._console import note as tell
    from ._console import print_json, say

    pitch = None if note is None else note_number(note)
    written = write_wavetable(sound, out, note=pitch, noise=noise, most_kb=most_kb, force=force)
    if as_json:
        print_json(written.facts())
        return
    for line in written.notes:
        tell(f"{sound}: {line}")
    say(*written.lines())
