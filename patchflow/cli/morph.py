"""`patchflow morph`: from one preset or sound to another, or among four."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._parse import OutFolder, synth_name, whole

if TYPE_CHECKING:
    from ..explore.output.path_files import PathFiles
    from ..explore.path import Path as PresetPath

__all__ = ["morph"]


def morph(
    ends: Annotated[
        list[str],
        typer.Argument(
            metavar="A B [C D]",
            help="Two ends, or four corners: preset files, voices of banks such as bank.syx:3, or sounds.",
        ),
    ],
    *,
    voice: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole, help="Which preset of each file whose name does not say it, from 1."),
    ] = None,
    steps: Annotated[
        int, typer.Option(metavar="N", parser=whole, help="How many presets, the ends among them, 3 to 512.")
    ] = 32,
    synth: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            parser=synth_name,
            help="Synth whose presets they are; sounds and presets of others are matched by it first.  [default: that "
            "of the presets]",
        ),
    ] = "",
    lock: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=VALUE]",
            help="Fix a parameter (NAME=VALUE), or keep a parameter or a group such as op6 as it is in A. May be "
            "repeated.",
        ),
    ] = None,
    out: OutFolder = Path("patchflow-out"),
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|RUN|NAME",
            help="Weights of a model whose latent is the space that is gone through.  [default: flow_joint, if there "
            "are weights of it, else the parameters]",
        ),
    ] = None,
    note: Annotated[
        str | None,
        typer.Option(
            metavar="NOTE", help="Note that is played, as MIDI number or name.  [default: C4, or the sound's]"
        ),
    ] = None,
    renders: Annotated[
        int, typer.Option(metavar="N", parser=whole, help="How many presets to play on the way, at least 200.")
    ] = 2_000,
    seed: Annotated[int, typer.Option(metavar="N", parser=whole, help="Seed of the random generator.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON.")] = False,
) -> None:
    """Find presets that lead from A to B, or fill the square of four, in steps that sound even.

    Writes the presets (a bank where the synth has banks, else a file each), what they sound like one after
    the other (.wav) and under one held note (-sweep.wav), MIDI files that go through the bank (.mid) or send
    each voice (-sysex.mid) to a DX7, for Vital a preset with the way in its macro knobs (-macro.vital), and
    all numbers (.json).

    \b
    Example: patchflow morph bank.syx:3 bank.syx:17
    Example: patchflow morph piano.syx organ.syx brass.syx bell.syx --steps 25 --lock algorithm
    Example: patchflow morph voice.wav bell.flac --synth dexed --out voice-to-bell
    """
    from ..audio.note_names import note_number
    from ..engines import engines
    from ..explore.audio_space import AudioSpace
    from ..explore.morph import grid_of, read_ends
    from ..explore.morph import morph as morphed
    from ..explore.output.path_files import write_path
    from ._console import ProgressBar
    from ._console import note as tell
    from ._parse import locks

    grid_of(steps, len(ends))
    pitch = None if note is None else note_number(note)
    with ProgressBar("loading") as bar:

        def say_between(line: str) -> None:
            with bar.hidden():
                tell(line)

        read = read_ends(ends, synth=synth, voice=voice, pitch=pitch, seed=seed, tell=say_between, progress=bar.show)
        name = read.presets[0].synth
        locked = locks(lock or [], engines[name].space)
        space = AudioSpace.load(name, model)
        path = morphed(
            read.presets,
            space=space, steps=steps, note=read.note, lock=locked, renders=renders, seed=seed, progress=bar.show,
        )  # fmt: skip
        settings = {"lock": locked, "renders": renders, "seed": seed, "found": list(read.found)}
        files = write_path(path, "-to-".join(path.ends), out, extra={"settings": settings}, progress=bar.show)
    _print(path, files, as_json=as_json)


def _print(path: "PresetPath", files: "PathFiles", *, as_json: bool) -> None:
    from ._console import print_json, say

    if as_json:
        print_json(files.content)
        return
    first, *others = path.ends
    say(f"{first} to {', '.join(others)}: {len(path)} presets of {path.synth} through {path.space}")
    heard = path.heard
    presets = path.presets
    largest = path.largest_step
    say(
        f"  heard steps: {sum(heard) / len(heard):.1f} dB on average, the largest {max(heard):.1f} dB, from "
        f"{presets[largest].name} to {presets[largest + 1].name}"
    )
    moving = [f"{moving.name} {moving.first} to {moving.last}" for moving in path.moving[:6]]
    say(f"  moves most: {', '.join(moving)}")
    macro = files.content.get("macro")
    if macro:
        say(
            f"  macro knobs: {len(macro['knobs'])}, {macro['controls']} controls, "
            f"{macro['mean_error_db']:.1f} dB from the path on average, at most {macro['largest_error_db']:.1f} dB"
        )
    say(*(f"  {files.folder / name}" for name in files.names))
