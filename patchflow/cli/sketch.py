"""`patchflow sketch`: from a hummed melody to a MIDI file, a preset and a sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._parse import OutFolder, number, synth_name, whole

if TYPE_CHECKING:
    from ..audio.sound import Sound
    from ..progress import ProgressCallback

__all__ = ["sketch"]

_RECORDED = Path("voice.wav")


def sketch(
    voice: Annotated[
        Path | None,
        typer.Argument(metavar="[VOICE]", help="A melody that is hummed, sung or whistled, one note at a time."),
    ] = None,
    *,
    synth: Annotated[
        str, typer.Option(metavar="NAME", parser=synth_name, help="Synth that plays it, see `patchflow list`.")
    ] = "dexed",
    preset: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Preset that plays it, such as bank.syx:3.  [default: one is searched that sounds like VOICE]",
        ),
    ] = None,
    number_: Annotated[
        int | None,
        typer.Option("--voice", metavar="N", parser=whole, help="With --preset: which preset of FILE, from 1."),
    ] = None,
    out: OutFolder = Path("patchflow-out"),
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", parser=number, help="How long to search for the preset, in seconds.  [default: 5]"),
    ] = None,
    renders: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=whole, help="Search for N renders instead; the same seed then gives the same result."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", parser=whole, help="Seed of the random generator.")] = 0,
    bpm: Annotated[
        float, typer.Option(metavar="BPM", parser=number, help="Tempo of the MIDI file, 20 to 300 beats a minute.")
    ] = 120.0,
    bend: Annotated[
        bool, typer.Option("--bend", help="Write pitch bends too: notes then glide and waver as they were sung.")
    ] = False,
    record: Annotated[
        float | None,
        typer.Option(metavar="S", parser=number, help="Record VOICE from the microphone, for S seconds."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|RUN|NAME",
            help="Another model to propose presets, as for `patchflow match`.  [default: the one of the synth]",
        ),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Preset library whose presets are tried first.  [default: that of `patchflow presets`, if any]",
        ),
    ] = None,
    no_library: Annotated[bool, typer.Option("--no-library", help="Use no preset library.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON.")] = False,
) -> None:
    """Turn a hummed melody into a MIDI file, a preset and a sound.

    Writes the notes (-sketch.mid), a preset that sounds like the voice in the synth's own format, the
    melody played by it (-sketch.wav), the voice before that (-sketch-ab.wav) and all numbers with the
    contours of pitch, level and brightness (-sketch.json).

    \b
    Example: patchflow sketch hum.wav
    Example: patchflow sketch hum.wav --preset bank.syx:3 --bpm 96 --bend
    Example: patchflow sketch --record 8 --synth dexed --seconds 10
    """
    if (voice is None) == (record is None):
        raise typer.BadParameter("give either a sound file, VOICE, or --record S")
    if number_ is not None and preset is None:
        raise typer.BadParameter("--voice says which preset of the file that --preset names")
    if preset is not None and (seconds is not None or renders is not None):
        raise typer.BadParameter("with --preset nothing is searched: leave out --seconds and --renders")

    from ..engines import engines
    from ..explore.output.sketch_files import check_tempo, write_sketch
    from ..explore.sketch import sketch as sketched
    from ..match.output.play import only_voice
    from ..presets import chosen_voice
    from ..storage import writable_folder
    from ._console import ProgressBar
    from ._console import note as tell
    from ._parse import library_file

    check_tempo(bpm)
    given = None
    if preset is not None:
        path, place = chosen_voice(preset, number_)
        given = only_voice(path, place, synth if engines[synth] else "", tell=tell)
    with writable_folder(out), ProgressBar("loading") as bar:
        sound = _heard(voice, record, bar.show)
        found = sketched(
            sound, synth, given,
            model=model, library=library_file(library, none=no_library),
            seconds=seconds, renders=renders, seed=seed, progress=bar.show,
        )  # fmt: skip
        summary = write_sketch(found, voice or _RECORDED, out, bpm=bpm, bent=bend, recorded=voice is None)
    _print(summary, out, as_json=as_json)
    stopped = found.match is not None and not found.match.complete
    raise typer.Exit(130 if stopped else 0)


def _heard(voice: Path | None, seconds: float | None, progress: "ProgressCallback") -> "Sound":
    """The voice, from a file or the microphone."""
    from ..audio.sound_file import load, record
    from ..explore.melody import LONGEST_VOICE

    if voice is not None:
        return load(voice, seconds=LONGEST_VOICE)
    return record(seconds or 0.0, progress=progress)


def _print(summary: dict[str, Any], folder: Path, *, as_json: bool) -> None:
    from ._console import note as tell
    from ._console import print_json, print_table, say

    if as_json:
        print_json(summary)
        return
    for remark in summary["remarks"]:
        tell(f"{summary['voice']['file']}: {remark}")
    rows = []
    for each in summary["notes"]:
        length = each["end_s"] - each["onset_s"]
        rows.append(
            (
                each["name"],
                f"{each['onset_s']:.2f} s",
                f"{length:.2f} s",
                str(each["velocity"]),
                f"{each['cents']:+.0f}",
            )
        )
    count = len(rows)
    title = f"{summary['voice']['file']}  {count} {'note' if count == 1 else 'notes'}"
    print_table(title, ("note", "at", "for", "velocity", "cents"), rows)
    say(f"  {summary['tuning']}")
    preset = summary["preset"]
    if preset["searched"]:
        say(f"  preset: {preset['closeness']} at {preset['distance_db']:.2f} dB, on {preset['note']}")
    say(f"  {folder}: {', '.join(summary['files'])}, and the numbers in {Path(summary['midi']['file']).stem}.json")
