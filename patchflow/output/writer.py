"""Writes what a match found: presets, banks, sound, picture and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..audio.loudness import loudness
from ..audio.note_names import note_name
from ..audio.save import save
from ..engines import engines
from ..match import Candidate, MatchResult
from ..presets import Preset
from ..presets.formats import PresetFormat, formats
from ..storage import json_text, readable, write_atomically
from .names import OutputNames, bank_name
from .rendition import RENDITION_RATE, Reference, Rendition, cut_reference, play
from .summary import summarise

__all__ = ["SIZE", "BankWriter", "Report", "Writer"]

SIZE = 32
"""Presets in a bank, as in one of a DX7."""


@dataclass(frozen=True)
class Report:
    """What was written for one sound.

    Args:
        sound: The target's file.
        names: The files.
        reference: The part of the target that was matched, at full quality.
        renditions: The candidates as played, best first.
        summary: The content of the JSON file.
        faults: Errors of presets that the synth could not play.
    """

    sound: Path
    names: OutputNames
    reference: Reference
    renditions: tuple[Rendition, ...]
    summary: Mapping[str, Any]
    faults: tuple[str, ...] = ()


class Writer:
    """Writes the files of one sound after the other.

    Args:
        synth: Name of the engine that the presets are for.
        folder: Where banks go.
        settings: What the search is asked for, see `summarise`.
        bank: Whether the best presets of all sounds make banks as well, if the synth's format can hold several.
    """

    def __init__(self, synth: str, folder: Path, settings: Mapping[str, Any], *, bank: bool = False) -> None:
        self.engine = engines[synth]()
        self.format = formats[self.engine.native]()
        self.settings = settings
        self.bank: BankWriter | None = None
        if bank and not self.format.single:
            values = self.engine.space.decode(self.engine.space.default())
            init = self.engine.whole(Preset(synth, values, name="INIT VOICE"))
            self.bank = BankWriter(folder, self.extension, self.format, init)

    @property
    def extension(self) -> str:
        """Ending of preset files; not `.json`, which is that of the numbers."""
        extension = self.format.extensions[0]
        return ".preset.json" if extension == ".json" else extension

    def write(self, result: MatchResult, sound: Path, names: OutputNames) -> Report:
        """Plays the candidates and writes all files, each whole or not at all, the numbers last.

        Args:
            result: The outcome of the search.
            sound: The target's file.
            names: Where to write.

        Raises:
            StorageError: If a file cannot be written.
        """
        reference = cut_reference(result.target, RENDITION_RATE)
        candidates = [self._settled(candidate) for candidate in result.candidates]
        renditions = play(self.engine, candidates, reference.samples)
        presets = _named(renditions, names.stem)
        files = names.presets[: len(presets)]
        # Everything that may fail for another reason than a full disk comes before the first file is written. The
        # summary is written last: where it is there, all other files of the sound are there too.
        picture = _draw(sound, reference, renditions, files)
        for file, preset in zip(files, presets, strict=True):
            write_atomically(file, self.format.write([self.engine.whole(preset)]))
        save(names.audio, renditions[0].sound, RENDITION_RATE)
        write_atomically(names.picture, picture)
        level = loudness(reference.samples, RENDITION_RATE)
        summary = summarise(result, renditions, files, sound, loudness=level, settings=self.settings)
        summary["audio"] = names.audio.name
        summary["picture"] = names.picture.name
        summary["bank"] = self.bank.add(self.engine.whole(presets[0])) if self.bank else None
        write_atomically(names.summary, f"{json_text(summary, indent=2, ascii_only=True)}\n".encode())
        return Report(sound, names, reference, renditions, summary, result.faults)

    def _settled(self, candidate: Candidate) -> Candidate:
        """The candidate as its own file will sound: an opaque format may round values."""
        if not self.format.opaque:
            return candidate
        preset = self.engine.pack(candidate.preset)
        return replace(candidate, preset=preset, point=self.engine.space.encode(preset.values))


def _named(renditions: Sequence[Rendition], stem: str) -> list[Preset]:
    """The presets, called like the sound; the second and later short enough for a number in a DX7's ten letters."""
    presets = []
    for rank, rendition in enumerate(renditions, 1):
        name = stem if rank == 1 else f"{stem[:7]} {rank}"
        presets.append(replace(rendition.candidate.preset, name=name))
    return presets


def _draw(sound: Path, reference: Reference, renditions: Sequence[Rendition], files: Sequence[Path]) -> bytes:
    # Imported here: the search need not wait for the plotting library, see `match_files`.
    from .picture import Panel, plot

    panels = [Panel(reference.samples, "Target", readable(sound.name))]
    for rank, (rendition, file) in enumerate(zip(renditions, files, strict=True), 1):
        distance = rendition.distance
        title = f"{distance.value:.2f} {distance.unit}"
        caption = f"{rank} · {note_name(rendition.candidate.note.pitch)} · {file.name}"
        panels.append(Panel(rendition.sound, title, caption))
    return plot(panels, RENDITION_RATE)


class BankWriter:
    """Preset files that grow by a preset a sound; after 32 the next file begins.

    Each is whole after every `add`, so that an interrupted run leaves what it has.

    Args:
        folder: Where to write.
        extension: Ending of the files, with the dot.
        writer: How presets become bytes.
        filler: Follows a lone preset, since one alone would make a single-voice file.
    """

    def __init__(self, folder: Path, extension: str, writer: PresetFormat, filler: Preset) -> None:
        self.folder = folder
        self.extension = extension
        self.writer = writer
        self.filler = filler
        self.presets: list[Preset] = []

    def add(self, preset: Preset) -> dict[str, str | int]:
        """Writes the preset after those before it.

        Returns:
            The file's name and the place in it, from 1.

        Raises:
            StorageError: If the file cannot be written.
        """
        number, place = divmod(len(self.presets), SIZE)
        path = self.folder / bank_name(number + 1, self.extension)
        page = [*self.presets[number * SIZE :], preset]
        content = page if len(page) > 1 else [preset, self.filler]
        write_atomically(path, self.writer.write(content))
        self.presets.append(preset)
        return {"file": path.name, "voice": place + 1}
