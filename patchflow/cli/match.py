"""`patchflow match`: sounds to presets."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._parse import OutFolder, number, synth_name, whole

if TYPE_CHECKING:
    from ..engines import ChosenSynths
    from ..progress import TellCallback

__all__ = ["match"]

_WAVETABLES = ("own", "stock", "both")


def match(
    sounds: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOUND", help="Sound files: WAV, FLAC, AIFF, OGG or MP3; with ffmpeg m4a, WebM and others."
        ),
    ],
    *,
    synth: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            parser=synth_name,
            help="Synth to find presets for, see `patchflow list engines`; may be repeated. all: dexed, vital and the "
            "plug-ins that were added.  [default: dexed and vital]",
        ),
    ] = None,
    out: OutFolder = Path("patchflow-out"),
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", parser=number, help="How long to search for each sound, in seconds.  [default: 5]"),
    ] = None,
    renders: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=whole, help="Search for N renders instead; the same seed then gives the same result."
        ),
    ] = None,
    candidates: Annotated[
        int, typer.Option(metavar="K", parser=whole, help="How many different presets to give back, 1 to 32.")
    ] = 4,
    note: Annotated[
        str | None,
        typer.Option(
            metavar="NOTE", help="Note that is played, as MIDI number or name: 60 or C4.  [default: estimated]"
        ),
    ] = None,
    lock: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=VALUE]",
            help="Fix a parameter (NAME=VALUE), or keep a parameter or a group such as op6 at its default (or at its "
            "value in --on). One of several synths has to have it. May be repeated.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", parser=whole, help="Seed of the random generator.")] = 0,
    trim_db: Annotated[
        float | None,
        typer.Option(
            metavar="DB",
            parser=number,
            help="Parts before and after the sound that are quieter than this count as silence, in dB relative to its "
            "loudest point.  [default: -50, or the noise of the recording]",
        ),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ASPECT=WEIGHT",
            help="How much an aspect of the sound counts: spectrum, timbre, pitch or envelope; 0 leaves it out, 100 is "
            "the most. May be repeated.  [default: 1 each]",
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
    on: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep everything in this preset that the search does not change, such as wavetables, and start from "
            "it too. Only for synths whose presets hold such data.",
        ),
    ] = None,
    voice: Annotated[
        int | None, typer.Option(metavar="N", parser=whole, help="With --on: which preset of FILE, from 1.")
    ] = None,
    wavetables: Annotated[
        str | None,
        typer.Option(
            metavar="own|stock|both",
            help="Presets of Vital: with wavetables made of the sound (own), with Vital's own shapes (stock), or at "
            "least one of each (both).  [default: both]",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|RUN|NAME",
            help="Another model to propose presets: a file of weights, the folder of a training run, or a model's "
            "name.  [default: the one of the synth, if there is one]",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON, one line for each sound.")] = False,
) -> None:
    """Find presets that sound like each SOUND.

    Writes, for each sound, the best preset in its synth's own format (.syx, .vital; further candidates as -2, -3
    ...: ranks count over all synths), what each sounds like (.wav, all equally loud), the sound before each
    candidate (-ab.wav), a picture (.png) and all numbers (.json). Several sounds make a 32-voice bank as well.
    Several synths share the time, of which those get more that still improve. Ctrl-C keeps the best so far.

    \b
    Example: patchflow match piano.wav
    Example: patchflow match kicks/*.wav --synth dx7 --seconds 20 --out kicks-dx7
    Example: patchflow match hum.wav --synth dx7 --note A3 --lock algorithm=5 --lock op6 --renders 4000
    Example: patchflow match flute.wav --synth vital --wavetables own
    Example: patchflow match pluck.wav --synth dx7 --like envelope=0 --like timbre=2
    Example: patchflow match bell.wav --synth vital --on mine.vital
    Example: patchflow match bass.wav --synth all --seconds 30
    """
    since = time.monotonic()  # the imports below are most of what loads

    # What needs no torch to be checked comes first: a wrong option should start no process.
    from ..audio.note_names import note_number
    from ..engines import choose_synths, engines, start_playing
    from ..presets import chosen_voice
    from ._parse import library_file, locks

    pitch = None if note is None else note_number(note)
    aspects = _aspects(like or [])
    chosen = choose_synths(synth or [], [word.partition("=")[0] for word in lock or []])
    locked = locks(lock or [], *(engines[name].space for name in chosen.names))
    if voice is not None and on is None:
        raise typer.BadParameter("--voice says which preset of the file that --on names")
    _check_synths([*chosen.names, *chosen.left_out], on=on, model=model, wavetables=wavetables)
    base, place = chosen_voice(on, voice) if on else (None, None)

    from ..match.output.drawing import drawing_beside
    from ..match.target import SEARCH_RATE

    # The synths come first: they start beside all that is imported below.
    started = {} if on else {name: start_playing(engines[name], SEARCH_RATE) for name in chosen.names}
    with drawing_beside():  # which loads beside the imports below
        from ..match.limits import DEFAULT_SECONDS, check_locks
        from ..match.output.match_files import match_files
        from ._match_output import MatchOutput

        check_locks(locked, [engines[name].space for name in chosen.names])  # before a line says who has which
        if seconds is None and renders is None:
            seconds = DEFAULT_SECONDS  # said here, so that the written numbers name it
        with MatchOutput(out, as_json=as_json, optional=chosen.optional) as output:
            _say_who_does_without(chosen, locked, output.tell)
            matches = match_files(
                chosen, sounds, out, wavetables=wavetables or "both",
                model=model, library=library_file(library, none=no_library), on=base, voice=place,
                seconds=seconds, renders=renders, candidates=candidates,
                note=pitch, lock=locked, seed=seed, trim_db=trim_db, like=aspects, since=since, started=started,
                progress=output.progress, tell=output.tell,
            )  # fmt: skip
            for found in matches:
                output.show(found)
    raise typer.Exit(output.code)


def _say_who_does_without(chosen: "ChosenSynths", locked: Iterable[str], tell: "TellCallback") -> None:
    """Says which synths take no part, and which have not what is locked."""
    for name, reason in chosen.left_out.items():
        tell(f"without {name}: {reason}")
    for part in locked:
        having = chosen.who_has(part)
        if without := ", ".join(name for name in chosen.names if name not in having):
            tell(f"--lock {part} is for {', '.join(having)}: {without} is searched without it")


def _aspects(words: Sequence[str]) -> dict[str, float]:
    """Reads the weights of aspects; which there are is checked with the other options.

    Raises:
        BadParameter: If a word is not of the form `aspect=weight`, or an aspect comes twice.
    """
    found: dict[str, float] = {}
    for word in words:
        name, sign, weight = word.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"--like {word}: not of the form ASPECT=WEIGHT, such as envelope=0")
        if name in found:
            raise typer.BadParameter(f"--like {word}: {name} is given twice")
        found[name] = number(weight)
    return found


def _check_synths(synths: Sequence[str], *, on: Path | None, model: Path | None, wavetables: str | None) -> None:
    """Makes sure that options fit the synths that are asked for.

    Raises:
        BadParameter: If one does not.
    """
    given = {"--on": on, "--model": model}
    for option, value in given.items():
        if value is not None and len(synths) > 1:
            raise typer.BadParameter(f"{option} is for one synth, not for {', '.join(synths)}: give one --synth NAME")
    if wavetables is None:
        return
    if wavetables not in _WAVETABLES:
        raise typer.BadParameter(f"--wavetables={wavetables}: not one of {', '.join(_WAVETABLES)}")
    if on is not None and wavetables == "own":
        raise typer.BadParameter("--wavetables own makes wavetables of the sound, --on keeps those of a file: give one")
    from ..presets.vital import SPACES

    if not SPACES.keys() & set(synths):
        raise typer.BadParameter(f"--wavetables is for vital, not for {', '.join(synths)}")
