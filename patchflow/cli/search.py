"""`patchflow search`: finds presets by words, by a sound, by tags, in the library and in the embedded bank."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AudioError, OptionError, PresetError
from ._console import ProgressBar, note
from ._parse import AsJson, LibraryFile, OnlyCategories, OnlySynths, OnlyTags, whole

if TYPE_CHECKING:
    import numpy as np

    from ..audio.sound import Sound
    from ..browse import Hit, Shelf
    from ..engines import Engine
    from ..match.target import Target
    from ..presets import Library, Preset

__all__ = ["search"]

_NEAR = 0.5  # nearness from which on a preset is like a sound that is not wanted


def search(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help='What it should be, such as "warm dark pad, not noisy", or a name.'),
    ] = None,
    *,
    like: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="A sound file, a preset file (a voice of a bank as bank.syx:3), or the number of a preset; given "
            "several times, what lies in the middle.",
        ),
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="As --like; leaves out presets that are 50 % near to it or more."),
    ] = None,
    either: Annotated[
        bool, typer.Option("--or", help="What is like the sound or fits the words, whichever it does better; not both.")
    ] = False,
    play: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole,
            help="Play the N nearest to the sound on its note, as long as it, and sort them by how far they are, in "
            "dB. For DX7 voices 100 are enough, and take about half a second.",
        ),
    ] = None,
    note_played: Annotated[
        str | None,
        typer.Option("--note", metavar="NOTE", help="For --play: 60 or C4.  [default: the note of the sound]"),
    ] = None,
    voice: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole, help="Which voice of a preset file with several, from 1."),
    ] = None,
    tag: OnlyTags = None,
    category: OnlyCategories = None,
    author: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only presets of this author.")] = None,
    synth: OnlySynths = None,
    where: Annotated[
        str, typer.Option("--in", metavar="PLACE", help="Where to look: library, bank (the embedded one), or both.")
    ] = "both",
    limit: Annotated[int, typer.Option(metavar="N", parser=whole, help="Find no more than N.")] = 20,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write the hits to this file too; its ending, such as .syx, says how."
        ),
    ] = None,
    library: LibraryFile = None,
    as_json: AsJson = False,
) -> None:
    """Find presets by what they sound like: by words, like a sound, or both; the best first, with the reason.

    It looks in your library and in the bank that comes with patchflow, whose numbers begin with a synth: dexed:17.
    What is typed may have "and", "or" and "not" in it, and so may each option: --tag "bright or noisy", --category
    "not bass". An option that is given twice asks for both. To list your library by names alone: patchflow presets
    list.

    \b
    Example: patchflow search warm dark pad --synth dexed
    Example: patchflow search --like sound.wav "not noisy" --limit 5
    Example: patchflow search --like sound.wav --play 100
    Example: patchflow search --like sound.wav --or warm pad
    Example: patchflow search bass --unlike 17 --unlike dexed:21
    Example: patchflow search --like bank.syx:3 --category "bass or lead" -o near.syx
    """
    from ..browse import find, picked, preset_called
    from ..browse.embedded import opened_shelf
    from ..browse.find import hints
    from ..engines import save_presets
    from ..presets.library.library import Library
    from ..storage import readable
    from ._preset_output import print_export, print_hints, print_hits

    wishes: dict[str, list[str]] = {}
    for field, values in {"tag": tag, "category": category, "author": author, "synth": synth or []}.items():
        wishes[field] = list(map(readable, values or ()))
    typed = readable(" ".join(text or ()))
    if not typed.strip() and not like and not unlike and not any(wishes.values()):
        raise OptionError("nothing to look for: give words, a sound with --like, or an option such as --tag")
    _check(like or (), typed, limit=limit, play=play, note_played=note_played, either=either)

    source = Library(library, notice=note)
    with ProgressBar("reading", every=60) as bar:
        shelf = opened_shelf(source, where, progress=bar.show, tell=note)
    words = None
    if typed.strip():
        from ..browse import understand

        words = understand(typed, shelf)
    rows = picked(shelf, wishes)
    for name in unlike or ():
        near = shelf.vectors @ _heard(name, _read(name, voice, source))
        rows &= (near < _NEAR) & shelf.vectors.any(1)  # what nobody has listened to may be like it
    asked = [(name, _read(name, voice, source)) for name in like or ()]
    vector = _middle(asked) if asked else None
    among = None if rows.all() else rows
    search_for = partial(find, shelf, like=vector, words=words, text=typed, rows=among, either=either)
    if play and vector is not None:
        hits = _beside(search_for, shelf, _target(asked[0][1], note_played), vector, source, play=play, limit=limit)
    else:
        hits = search_for(limit=limit)
    print_hits(hits, words, limit=limit, as_json=as_json)
    if not hits and rows.any() and not shelf.vectors[rows].any() and (like or (words and words.text())):
        note("none of these presets was listened to, or all are silent. To listen: patchflow presets listen")
    elif not hits:
        print_hints(hints(shelf, wishes, () if words is None else words.unknown))
    elif out is not None:
        save_presets(out, [preset_called(hit.number, source)[1] for hit in hits])
        if not as_json:
            print_export(out, len(hits), as_json=False)


def _check(
    like: Sequence[str], typed: str, *, limit: int, play: int | None, note_played: str | None, either: bool
) -> None:
    """Makes sure that options fit each other.

    Raises:
        OptionError: If they do not.
    """
    for name, value in {"limit": limit, "play": play}.items():
        if value is not None and value < 1:
            raise OptionError(f"{name}={value}: not 1 or more")
    if (play or note_played) and len(like) != 1:
        raise OptionError("--play and --note need one --like: the sound that presets are played beside")
    if either and not (like and typed.strip()):
        raise OptionError("--or stands between a sound and words: give --like and words")


def _target(asked: "Sound | Preset", note_played: str | None) -> "Target":
    """The sound that presets are played beside."""
    from ..audio.note_names import note_number
    from ..audio.sound import Sound
    from ..browse.played import target_of_preset
    from ..match.target import prepare_target

    pitch = None if note_played is None else note_number(note_played)
    if isinstance(asked, Sound):
        return prepare_target(asked, note=pitch)
    return target_of_preset(asked, 60 if pitch is None else pitch)


def _beside(
    search_for: "Callable[..., list[Hit]]",
    shelf: "Shelf",
    target: "Target",
    vector: "np.ndarray",
    library: "Library",
    *,
    play: int,
    limit: int,
) -> "list[Hit]":
    """The best hits, of which the first were played beside a sound, those that are nearest to it first."""
    from ..browse.played import Beside, play_hits
    from ..browse.standing import likely_near

    hits = search_for(limit=max(play, limit), by=likely_near(shelf, target, vector))
    beside = Beside(target)
    note(f"played {beside.words}")
    with ProgressBar("playing") as bar:
        played = play_hits(hits[:play], beside, library, progress=bar.show, tell=note)
    return [*played, *hits[play:]][:limit]


def _middle(asked: "Sequence[tuple[str, Sound | Preset]]") -> "np.ndarray":
    """What the ear says of what lies in the middle of sounds and presets."""
    import numpy as np

    total = np.stack([_heard(name, one) for name, one in asked]).sum(0)
    return total / np.linalg.norm(total)


def _read(name: str, voice: int | None, library: "Library") -> "Sound | Preset":
    """A sound, or a preset, by what it is called."""
    from ..audio.sound_file import load
    from ..engines import engines
    from ..presets import check

    preset = _preset(name, voice, library)
    if preset is not None:
        check(preset, engines[preset.synth].space)
        note(f"{name}: the preset {preset.name!r} of {preset.synth}")
        return preset
    sound = load(name)
    for line in sound.notes:
        note(f"{name}: {line}")
    return sound


def _heard(name: str, asked: "Sound | Preset") -> "np.ndarray":
    """What the ear says of a sound, or of a preset.

    Raises:
        AudioError: If it is silent.
    """
    from ..audio.sound import Sound
    from ..ear import Ear, preset_vectors
    from ..engines import engines

    if isinstance(asked, Sound):
        vector = Ear.load().embed([asked.samples], asked.rate)[0]
    else:
        engine = engines[asked.synth]
        point = engine.space.encode(asked.values)[None]
        vector = preset_vectors(partial(_built, engine, asked.state), point)[0][0]
    if not vector.any():
        raise AudioError(f"{name}: silent, and nothing is like silence")
    return vector


def _built(engine: "type[Engine]", state: bytes) -> "Engine":
    made = engine()
    made.build_on(state)
    return made


def _preset(name: str, voice: int | None, library: "Library") -> "Preset | None":
    """The preset that a name means; None if it is that of a sound.

    Raises:
        PresetError: If it is neither.
    """
    from ..browse import preset_called
    from ..match.output.play import only_voice
    from ..presets import chosen_voice
    from ..presets.files import NO_PRESETS, extensions

    if re.fullmatch(r"(\w+:)?[0-9]+", name) and not Path(name).exists():
        return preset_called(name, library)[1]
    path, chosen = chosen_voice(name, voice)
    if path.suffix.lower() in NO_PRESETS:
        return None
    try:
        return only_voice(path, chosen, tell=note)
    except PresetError:
        # a sound may have any ending; what is wrong with a file that says it has presets was just said
        if path.suffix.lower() in extensions() or not _is_sound(path):
            raise
    return None


def _is_sound(path: Path) -> bool:
    from ..audio.sound_file import load

    try:
        load(path)
    except AudioError:
        return False
    return True
