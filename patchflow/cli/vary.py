"""`patchflow vary`: variations of a preset at a heard distance, or children of two."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._parse import OutFolder, number, synth_name, whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..explore.output import Written

__all__ = ["vary"]

_SHOWN = 3  # parts and parameters of a child in its line


def vary(
    preset: Annotated[
        Path,
        typer.Argument(
            metavar="PRESET",
            help="A preset file, such as a .syx voice, or a voice of a bank such as bank.syx:3, or the .json of a "
            "match: its best preset.",
        ),
    ],
    *,
    voice: Annotated[
        int | None, typer.Option(metavar="N", parser=whole, help="Which preset of the file, from 1.")
    ] = None,
    amount: Annotated[
        float | None,
        typer.Option(
            metavar="A",
            parser=number,
            help="How far children sound from PRESET, 0.05 to 1: 0.1 is a twin, 0.3 close, 0.6 of the same family, 1 "
            "another sound. With --with: the share of the way to the other preset, 0.1 to 0.9.  [default: 0.3, or 0.5]",
        ),
    ] = None,
    count: Annotated[int, typer.Option(metavar="K", parser=whole, help="How many children, 1 to 32.")] = 8,
    section: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What may change: a group such as op3, a parameter, the beginning of groups such as op, or amp, "
            "effects, env, filter, lfo, mod, osc or pitch. May be repeated.  [default: all]",
        ),
    ] = None,
    lock: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=VALUE]", help="Keep a parameter or a group, or fix its value. May be repeated."),
    ] = None,
    how: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="borrow: sections of good presets, drawn by the synth's models or from your library; walk: through "
            "the space of a model; or both, some of each.",
        ),
    ] = "both",
    other: Annotated[
        Path | None,
        typer.Option(
            "--with", metavar="FILE", help="Make children of PRESET and this one, with sections of both, between them."
        ),
    ] = None,
    with_voice: Annotated[
        int | None, typer.Option(metavar="N", parser=whole, help="With --with: which preset of that file, from 1.")
    ] = None,
    synth: Annotated[
        str,
        typer.Option(
            metavar="NAME", parser=synth_name, help="Synth that the presets are for.  [default: read from the file]"
        ),
    ] = "",
    library: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Preset library to borrow of too.  [default: that of `patchflow presets`, if any]",
        ),
    ] = None,
    no_library: Annotated[bool, typer.Option("--no-library", help="Use no preset library.")] = False,
    note: Annotated[
        str, typer.Option(metavar="NOTE", help="Note that is played and compared, as MIDI number or name.")
    ] = "C4",
    seed: Annotated[int, typer.Option(metavar="N", parser=whole, help="Seed of the random generator.")] = 0,
    renders: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole, help="How many notes may be played, about.  [default: 150 a child]"),
    ] = None,
    out: OutFolder = Path("patchflow-out"),
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON: what the .json file holds.")] = False,
) -> None:
    """Make variations of PRESET that all sound as far from it as you ask, and far from each other.

    Writes, for each child, the preset (-1.syx, -2.syx ...) and what it sounds like (-1.wav ..., all as loud as the
    parent, -parent.wav), a bank of all where the synth has banks, and all numbers (.json): distance, tuning, loudness,
    where each part comes from and which parameters moved.

    \b
    Example: patchflow vary brass.syx --amount 0.3
    Example: patchflow vary bank.syx:7 --amount 0.1 --section env --lock op1 --count 16
    Example: patchflow vary brass.syx --with bell.syx
    """
    from ..audio.note_names import note_number
    from ..errors import OptionError
    from ..explore.output import breed_files, vary_file
    from ..explore.player import NOTE
    from ..match.output.play import only_voice
    from ..presets import chosen_voice
    from ._console import ProgressBar, print_json
    from ._console import note as tell
    from ._parse import library_file, locks

    if with_voice is not None and other is None:
        raise typer.BadParameter("--with-voice says which preset of the file that --with names")
    if other is not None and how != "both":
        raise OptionError(f"how={how}: children of two presets are always made of sections of both")
    played = replace(NOTE, pitch=note_number(note))
    path, place = chosen_voice(preset, voice)
    space = _space_of(only_voice(path, place, synth).synth) if lock else None
    locked = locks(lock or [], space) if space else {}
    shared = {
        "count": count, "sections": section or [], "lock": locked, "note": played, "seed": seed, "renders": renders,
        "synth": synth, "tell": tell,
    }  # fmt: skip
    with ProgressBar("loading") as bar:
        if other is None:
            chosen = library_file(library, none=no_library)
            share = 0.3 if amount is None else amount
            written = vary_file(path, out, share, voice=place, library=chosen, how=how, progress=bar.show, **shared)
        else:
            share = 0.5 if amount is None else amount
            second, beside = chosen_voice(other, with_voice)
            written = breed_files(path, second, out, share, voices=(place, beside), progress=bar.show, **shared)
    if as_json:
        print_json(written.summary)
    else:
        _print(written)


def _space_of(synth: str):
    from ..engines import engines

    return engines[synth].space


def _print(written: "Written") -> None:
    from ..match.verdict import closeness, tuning_text
    from ._console import note, say

    for child in written.summary["children"]:
        words = [str(written.folder / child["preset"])]
        words.append(" and ".join(f"{distance:.1f}" for distance in child["distance_db"]) + " dB")
        words.append(closeness(child["distance_db"][0], child["cents"]))
        words.append(tuning_text(child["cents"]) or "no pitch to compare")
        words.append(f"{child['louder_lu']:+.1f} LU")
        words.append(_parts(child))
        say("  ".join(words))
    bank = written.summary["bank"]
    say(f"{written.folder / written.file}" + (f"  {written.folder / bank}" if bank else ""))
    for remark in written.summary["remarks"]:
        note(remark)


def _parts(child: "Mapping[str, Any]") -> str:
    """Where a child comes from, and what moved most."""
    of = [f"{each['section']} of {each['of']}" for each in child["sources"][:_SHOWN]]
    more = len(child["sources"]) - _SHOWN
    moved = [f"{each['name']} {_value(each['before'])} to {_value(each['after'])}" for each in child["moved"][:_SHOWN]]
    return ", ".join(of) + (f" and {more} more" if more > 0 else "") + "; moved " + (", ".join(moved) or "nothing")


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
