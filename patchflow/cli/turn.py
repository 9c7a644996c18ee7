"""`patchflow turn`: more or less of an attribute of a preset, such as brightness."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._parse import whole

if TYPE_CHECKING:
    from ..explore.output.path_files import PathFiles
    from ..explore.turned_path import TurnedPreset

__all__ = ["turn"]


def turn(
    preset: Annotated[
        str, typer.Argument(metavar="PRESET", help="A preset file, or a voice of a bank such as bank.syx:3.")
    ],
    wishes: Annotated[
        list[str],
        typer.Argument(
            metavar="ATTRIBUTE=CHANGE...",
            help="What to turn and how far, in standard deviations over the presets of the synth, -3 to 3: "
            "brightness=+1.5, or dark=0.5. See `patchflow macros`.",
        ),
    ],
    *,
    voice: Annotated[
        int | None, typer.Option(metavar="N", parser=whole, help="Which preset of the file, from 1.")
    ] = None,
    steps: Annotated[
        int, typer.Option(metavar="N", parser=whole, help="How many presets on the way, the last one among them.")
    ] = 8,
    lock: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=VALUE]",
            help="Keep a parameter or a group such as op6 as it is, or fix a parameter (NAME=VALUE). May be repeated.",
        ),
    ] = None,
    note: Annotated[
        str, typer.Option(metavar="NOTE", help="MIDI number or name; the octaves around it are turned as well.")
    ] = "C4",
    instant: Annotated[
        bool, typer.Option("--instant", help="Trust the learned map: the synth only plays what the map gives.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write; made if it is not there.")] = Path(
        "patchflow-out"
    ),
    seed: Annotated[int, typer.Option(metavar="N", parser=whole, help="Seed of the random generator.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON.")] = False,
) -> None:
    """Turn attributes of PRESET and leave the others, its pitch and its loudness as they are.

    A learned map says which way, and the synth plays what is tried: what is promised is what is heard. Writes
    the presets on the way (a bank where the synth has banks, else a file each; the last one is the result),
    what they sound like one after the other (.wav) and under one held note (-sweep.wav), MIDI files that go
    through them on a DX7, for Vital a preset with the way in a macro knob, and all numbers (.json).

    \b
    Example: patchflow turn brass.syx brightness=+1.5
    Example: patchflow turn bank.syx:3 dark=1 attack=+0.5 --lock op1 --lock algorithm
    """
    from dataclasses import replace

    from ..audio.note_names import note_number
    from ..engines import engines
    from ..explore.ends import read_ends
    from ..explore.output.path_files import write_path
    from ..explore.player import NOTE
    from ..explore.turned_path import turn_preset
    from ..presets import chosen_voice
    from ._console import ProgressBar
    from ._console import note as tell
    from ._parse import key_values, locks, number

    words = {word: number(text) for word, text in key_values(wishes).items()}
    pitch = note_number(note)
    path, place = chosen_voice(preset, voice)
    with ProgressBar("loading") as bar:

        def say_between(line: str) -> None:
            with bar.hidden():
                tell(line)

        (one,) = read_ends(
            [str(path)], voice=place, pitch=pitch, seed=seed, tell=say_between, progress=bar.show
        ).presets
        locked = locks(lock or [], engines[one.synth].space)
        turned = turn_preset(
            one,
            words,
            steps=steps, note=replace(NOTE, pitch=pitch), lock=locked,
            instant=instant, seed=seed, progress=bar.show, tell=say_between,
        )  # fmt: skip
        stem = "-".join([one.name, *(f"{word}{amount:+g}" for word, amount in words.items())])
        settings = {"words": words, "steps": steps, "lock": locked, "instant": instant, "seed": seed}
        content = {**turned.content(), "settings": settings}
        files = write_path(turned.path, stem, out, extra={"turn": content}, progress=bar.show)
    _print(turned, files, as_json=as_json)


def _print(turned: "TurnedPreset", files: "PathFiles", *, as_json: bool) -> None:
    from ._console import print_json, say

    if as_json:
        print_json(files.content)
        return
    for one in turned.reached:
        say(f"{one.name}: {one.before} to {one.after}, {one.changed:+.2f} of the {one.asked:+.2f} asked for")
    for one in turned.others:
        say(f"  went along: {one.name} {one.before} to {one.after} ({one.changed:+.2f})")
    moving = [f"{moving.name} {moving.first} to {moving.last}" for moving in turned.moved[:6]]
    say(f"  moves most: {', '.join(moving)}")
    if not turned.learned:
        say("  no learned map of this synth: its slopes were measured, which takes longer")
    say(*(f"  {files.folder / name}" for name in files.names))
