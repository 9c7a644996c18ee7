"""`patchflow turn`: more or less of an attribute of a preset, such as brightness."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._parse import OutFolder, whole

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
            metavar="WORD=CHANGE...",
            help="What to turn and how far, in standard deviations, -3 to 3: brightness=+1.5, dark=0.5, natural=+1, "
            "or along a latent dimension of a model, latent:12=+1. `patchflow macros` lists the words.",
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
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE|RUN|NAME", help="With latent:N: whose latent.  [default: flow_joint of the synth]"),
    ] = None,
    out: OutFolder = Path("patchflow-out"),
    seed: Annotated[int, typer.Option(metavar="N", parser=whole, help="Seed of the random generator.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON.")] = False,
) -> None:
    """Turn attributes of PRESET and leave the others, its pitch and its loudness as they are.

    A learned map says which way, and the synth plays what is tried: what is promised is what is heard. Writes
    the presets on the way (a bank where the synth has banks, else a file each; the last one is the result),
    what they sound like one after the other (.wav) and under one held note (-sweep.wav), MIDI files that go
    through them on a DX7, for Vital a preset with the way in a macro knob, and all numbers (.json).

    A latent dimension moves what it moves, since nobody said what it is for. It is said what changed, and
    nothing is corrected.

    \b
    Example: patchflow turn brass.syx brightness=+1.5
    Example: patchflow turn brass.syx natural=+1
    Example: patchflow turn brass.syx latent:12=+1
    Example: patchflow turn bank.syx:3 dark=1 attack=+0.5 --lock op1 --lock algorithm
    """
    from dataclasses import replace

    from ..audio.note_names import note_number
    from ..engines import engines
    from ..explore.morph import read_ends
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
            instant=instant, model=model, seed=seed, progress=bar.show, tell=say_between,
        )  # fmt: skip
        asked = (f"{word.replace(':', '')}{amount:+g}" for word, amount in words.items())
        stem = "-".join([one.name, *asked])
        settings = {"words": words, "steps": steps, "lock": locked, "instant": instant, "seed": seed}
        if model is not None:
            settings["model"] = str(model)
        content = {**turned.content(), "settings": settings}
        files = write_path(turned.path, stem, out, extra={"turn": content}, progress=bar.show)
    _print(turned, files, as_json=as_json)


def _print(turned: "TurnedPreset", files: "PathFiles", *, as_json: bool) -> None:
    from ._console import print_json, say

    if as_json:
        print_json(files.content)
        return
    for word in turned.words:
        say(
            f"{word.word}: {word.before:+.2f} to {word.after:+.2f}, "
            f"{word.changed:+.2f} of the {word.asked:+.2f} asked for",
            f"  {word.provenance}",
            f"  it stands for {', '.join(f'{name} {change:+.2f}' for name, change in word.attributes.items())}",
        )
    if turned.latent:
        say(f"{turned.latent}: moved along the latent of a model, and nothing was corrected")
    for one in turned.reached:
        say(f"{one.name}: {one.before} to {one.after}, {one.changed:+.2f} of the {one.asked:+.2f} asked for")
    for one in turned.others:
        went = "changed" if turned.latent else "went along"
        say(f"  {went}: {one.name} {one.before} to {one.after} ({one.changed:+.2f})")
    if turned.reached or turned.others:
        say("  values are of the note that is played, numbers with a sign means over the octaves around it too")
    if turned.latent and not turned.others:
        say("  changed: nothing that is measured, by a quarter of a standard deviation or more")
    if abs(turned.cents) >= 1:
        say(f"  pitch: {turned.cents:+.0f} cents")
    moving = [f"{moving.name} {moving.first} to {moving.last}" for moving in turned.moved[:6]]
    say(f"  moves most: {', '.join(moving)}" if moving else "  moves: nothing")
    if not turned.learned and not turned.latent:
        say("  no learned map of this synth: its slopes were measured, which takes longer")
    say(*(f"  {files.folder / name}" for name in files.names))
