"""`patchflow render`: plays a preset into a sound file."""

from pathlib import Path
from typing import Annotated

import typer

from ._parse import number, synth_name, whole

__all__ = ["render"]


def render(
    preset: Annotated[
        Path,
        typer.Argument(
            metavar="PRESET",
            help="A preset file, such as a .syx voice, or a voice of a bank such as bank.syx:3, or the .json of a "
            "match: its best preset.",
        ),
    ],
    *,
    synth: Annotated[
        str,
        typer.Option(
            metavar="NAME", parser=synth_name, help="Synth that the preset is for.  [default: read from the file]"
        ),
    ] = "",
    voice: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=whole, help="Which preset of the file, or candidate of a match, from 1.  [default: 1]"
        ),
    ] = None,
    note: Annotated[
        str | None, typer.Option(metavar="NOTE", help="MIDI number or name: 60 or C4.  [default: C4, or as matched]")
    ] = None,
    velocity: Annotated[
        int | None,
        typer.Option(
            metavar="V", parser=whole, help="How hard the key is struck, 1 to 127.  [default: 100, or as matched]"
        ),
    ] = None,
    hold: Annotated[
        float | None,
        typer.Option(
            metavar="S", parser=number, help="Seconds until the key is released.  [default: 3, or as matched]"
        ),
    ] = None,
    length: Annotated[
        float | None,
        typer.Option(metavar="S", parser=number, help="Seconds until the file ends.  [default: 4, or as matched]"),
    ] = None,
    rate: Annotated[int, typer.Option(metavar="HZ", parser=whole, help="Sample rate of the file.")] = 44_100,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The .wav or .flac file to write.  [default: named after preset and note]",
        ),
    ] = None,
) -> None:
    """Play PRESET and write what it sounds like.

    The sound has the synth's own level; it is turned down only where it would clip. A candidate of a match
    plays the note that was matched.

    \b
    Example: patchflow render brass.syx --voice 3 --note F#3 --hold 1 --out brass.wav
    Example: patchflow render patchflow-out/kick.json --voice 2
    """
    from ..audio.note_names import note_number
    from ..match.output.play import play_file
    from ..presets import chosen_voice
    from ._console import note as tell
    from ._console import say

    pitch = None if note is None else note_number(note)
    path, chosen = chosen_voice(preset, voice)
    played = play_file(
        path,
        pitch=pitch, velocity=velocity, hold=hold, length=length,
        synth=synth, voice=1 if chosen is None else chosen, rate=rate, out=out, tell=tell,
    )  # fmt: skip
    said = [str(played.file)]
    if played.preset.name:
        said.append(played.preset.name)
    if played.silent:
        said.append("silent")
    elif played.gain_db < 0:
        said.append(f"turned down by {-played.gain_db:.1f} dB")
    say("  ".join(said))
