"""Writes variations of a preset of a file, or children of two: presets, a bank, equally loud sounds and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...audio.loudness import Levelled, loudness
from ...audio.sound_file import encode
from ...engines import Engine, Note, engines
from ...errors import OptionError
from ...match.output.names import file_name, write_set
from ...match.output.play import only_voice
from ...match.output.rendition import RENDITION_RATE, SynthFiles, equally_loud
from ...match.output.writer import SIZE
from ...presets import Preset, Value
from ...progress import ProgressCallback, TellCallback, ignore, tell_nobody
from ...version import version
from ..children import Child, Variations
from ..good_presets import GoodPresets
from ..player import NOTE
from ..vary import DB_PER_AMOUNT, breed, vary

__all__ = ["Written", "breed_files", "vary_file"]

_FORMAT = "patchflow-variations"
_SHOWN = 12  # parameters of each child that the numbers name


@dataclass(frozen=True)
class Written:
    """What was written.

    Args:
        folder: Where.
        found: The children.
        summary: The content of the JSON file.
        file: Its name.
    """

    folder: Path
    found: Variations
    summary: Mapping[str, Any]
    file: str


def vary_file(
    path: Path,
    folder: Path,
    amount: float = 0.3,
    *,
    voice: int | None = None,
    synth: str = "",
    library: Path | None = None,
    count: int = 8,
    how: str = "both",
    sections: Sequence[str] = (),
    lock: Mapping[str, Value | None] | None = None,
    note: Note = NOTE,
    seed: int = 0,
    renders: int | None = None,
    progress: ProgressCallback = ignore,
    tell: TellCallback = tell_nobody,
) -> Written:
    """Varies one preset of a file and writes the children.

    Args:
        path: A preset file of any format, or the numbers of a match.
        folder: Where to write; made if it is not there.
        amount: See `vary`.
        voice: Which preset of the file, from 1; needed if it holds several.
        synth: Which synth the preset is for; the one the file says if "".
        library: A preset library to borrow of.
        count: See `vary`.
        how: See `vary`.
        sections: See `vary`.
        lock: See `vary`.
        note: See `vary`.
        seed: See `vary`.
        renders: See `vary`.
        progress: See `vary`.
        tell: Called with a line for everything that was mended in the preset.

    Raises:
        PatchflowError: If the preset cannot be read or varied, or the files cannot be written; then nothing is.
    """
    preset = only_voice(path, voice, synth, tell=tell)
    good = GoodPresets.load(preset.synth, library)
    found = vary(
        good, preset, amount,
        count=count, how=how, sections=sections, lock=lock, note=note, seed=seed, renders=renders, progress=progress,
    )  # fmt: skip
    asked = {
        "kind": "variations",
        "amount": amount,
        "distance_db": round(found.goal, 3),
        "how": how,
        "library": None if library is None else str(library),
        **_asked(sections, lock or {}, seed),
    }
    return _write(found, [(path, voice)], folder, f"{_stem(path, voice)}-vary", asked)


def breed_files(
    first: Path,
    second: Path,
    folder: Path,
    share: float = 0.5,
    *,
    voices: tuple[int | None, int | None] = (None, None),
    synth: str = "",
    count: int = 8,
    sections: Sequence[str] = (),
    lock: Mapping[str, Value | None] | None = None,
    note: Note = NOTE,
    seed: int = 0,
    renders: int | None = None,
    progress: ProgressCallback = ignore,
    tell: TellCallback = tell_nobody,
) -> Written:
    """Makes children of one preset of each of two files and writes them.

    Args:
        first: See `vary_file`.
        second: See `vary_file`.
        folder: Where to write; made if it is not there.
        share: See `breed`.
        voices: Which preset of each file, from 1.
        synth: See `vary_file`.
        count: See `breed`.
        sections: See `breed`.
        lock: See `breed`.
        note: See `breed`.
        seed: See `breed`.
        renders: See `breed`.
        progress: See `breed`.
        tell: Called with a line for everything that was mended in the presets.

    Raises:
        PatchflowError: If the presets cannot be read or are of two synths, or the files cannot be written.
    """
    one = only_voice(first, voices[0], synth, tell=tell)
    other = only_voice(second, voices[1], synth, tell=tell)
    if one.state != other.state and one.synth == other.synth:
        tell(f"{second}: what it holds beyond its parameters, such as wavetables, is not passed on to the children")
    if one.synth != other.synth:
        raise OptionError(
            f"{second}: a preset of {other.synth}, and {first} is one of {one.synth}. Children need parents of one "
            f"synth: play it with `patchflow render`, and match that sound with --synth {one.synth}"
        )
    found = breed(
        engines[one.synth], one, other, share,
        count=count, sections=sections, lock=lock, note=note, seed=seed, renders=renders, progress=progress,
    )  # fmt: skip
    asked = {"kind": "children", "share": share, **_asked(sections, lock or {}, seed)}
    stem = f"{_stem(first, voices[0])}-with-{_stem(second, voices[1])}"
    return _write(found, list(zip((first, second), voices, strict=True)), folder, stem, asked)


def _asked(sections: Sequence[str], lock: Mapping[str, Value | None], seed: int) -> dict[str, Any]:
    return {"sections": list(sections), "lock": dict(lock), "seed": seed}


def _stem(path: Path, voice: int | None) -> str:
    return path.stem.removesuffix(".preset") + (f"-{voice}" if voice else "")


def _write(
    found: Variations, origins: Sequence[tuple[Path, int | None]], folder: Path, stem: str, asked: Mapping[str, Any]
) -> Written:
    """Plays everything at full quality and writes all files: all of them or, whatever happens, none."""
    writer = SynthFiles(found.parents[0].synth)
    presets = [_settled(writer, child.preset) for child in found.children]
    numbers = [str(number) for number in range(1, len(presets) + 1)]
    voices = [file_name(f"{stem}-{number}", writer.extension) for number in numbers]
    parts = ["parent", "parent-2"][: len(found.parents)] + numbers
    audio = [file_name(f"{stem}-{part}", ".wav") for part in parts]

    files: dict[str, bytes] = {}
    for name, preset in zip(voices, presets, strict=True):
        files[name] = writer.format.write([writer.engine.whole(preset)])
    sounds = _played(writer.engine, [*found.parents, *presets], found.note)
    for name, sound in zip(audio, sounds, strict=True):
        files[name], _ = encode(Path(name), sound.samples, RENDITION_RATE)
    bank = _bank(writer, found.parents, presets)
    bank_file = file_name(f"{stem}-bank", writer.extension) if bank else None
    if bank_file:
        files[bank_file] = writer.format.write([writer.engine.whole(preset) for preset in bank])

    summary = _summary(found, origins, audio, asked)
    for place, child in enumerate(found.children):
        names = {"preset": voices[place], "audio": audio[len(found.parents) + place]}
        program = len(bank) - len(presets) + place + 1 if bank else None
        summary["children"].append({**names, "bank_voice": program, "name": child.preset.name, **_facts(child)})
    summary["bank"] = bank_file
    file = file_name(stem, ".json")
    return Written(folder, found, write_set(folder, files, file, summary), file)


def _summary(
    found: Variations, origins: Sequence[tuple[Path, int | None]], audio: Sequence[str], asked: Mapping[str, Any]
) -> dict[str, Any]:
    parents = []
    for (path, voice), preset, name in zip(origins, found.parents, audio, strict=False):
        parents.append({"file": str(path), "voice": voice, "name": preset.name, "audio": name})
    note = {
        "pitch": found.note.pitch,
        "velocity": found.note.velocity,
        "hold_s": found.note.hold,
        "length_s": found.note.length,
    }
    return {
        "format": _FORMAT,
        "version": version(),
        "synth": found.parents[0].synth,
        **asked,
        "note": note,
        "parents": parents,
        "children": [],
        "renders": found.renders,
        "models": list(found.models),
        "remarks": list(found.remarks),
    }


def _facts(child: Child) -> dict[str, Any]:
    """What is said of a child in numbers; amounts are distances as `vary` counts them."""
    return {
        "distance_db": list(child.distances),
        "amount": round(child.distances[0] / DB_PER_AMOUNT, 4),
        "cents": child.cents,
        "louder_lu": child.louder,
        "tuned": child.tuned,
        "levelled": child.levelled,
        "sources": [{"section": each.section, "of": each.origin, "share": each.share} for each in child.sources],
        "moved": [
            {"name": move.name, "before": move.before, "after": move.after, "size": move.size}
            for move in child.moves[:_SHOWN]
        ],
        "moved_count": len(child.moves),
    }


def _settled(writer: SynthFiles, preset: Preset) -> Preset:
    """The preset as its own file will sound: an opaque format may round values."""
    return writer.engine.pack(preset) if writer.format.opaque else preset


def _played(engine: Engine, presets: Sequence[Preset], note: Note) -> list[Levelled]:
    """What presets sound like at full quality, all as loud as the first, or as loud as all can be."""
    sounds = []
    for preset in presets:
        engine.build_on(preset.state)
        sounds.append(engine.render(engine.space.encode(preset.values), note, RENDITION_RATE))
    return equally_loud(sounds, loudness(sounds[0], RENDITION_RATE))


def _bank(writer: SynthFiles, parents: Sequence[Preset], children: Sequence[Preset]) -> list[Preset]:
    """The presets of one bank, parents first as far as there is room; none if the format has no banks."""
    if writer.format.single:
        return []
    room = SIZE - len(children)
    return [*parents[:room], *children]
