"""Writes what a match found: presets, banks, sound, picture and numbers."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...audio.loudness import loudness
from ...audio.note_names import note_name
from ...audio.sound_file import encode
from ...engines import Engine, engines
from ...errors import EngineError
from ...presets import Preset
from ...presets.formats import PresetFormat, formats
from ...presets.preset_names import ascii_name
from ...storage import json_text, locked, readable, writable_folder, write_together
from ..result import Candidate, MatchResult
from ..target import Target
from ..verdict import pitch_of, pitch_text
from .drawing import Panel, draw
from .names import MOST, OutputNames, bank_name, choose_names, file_name
from .rendition import RENDITION_RATE, Reference, Rendition, as_heard, cut_reference, play, side_by_side
from .summary import earlier, summarise

__all__ = ["SIZE", "BankWriter", "Page", "Report", "Writer", "save_result"]

SIZE = 32
"""Presets in a bank, as in one of a DX7."""

_PLAIN = ".preset.json"  # our own format, whose ending alone is that of the numbers


_UNTUNED = "this synth has no tuning parameter: presets stay on the keys"


@dataclass(frozen=True)
class Report:
    """What was written for one sound.

    Args:
        sound: The target's file, or what it would be called.
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
        settings: What the numbers are to say beside what the search was asked for, see `summarise`.
        bank: Whether the best presets of all sounds make banks as well, if the synth's format can hold several.
        since: When the work began, as `time.monotonic` counts; now if not given.
    """

    def __init__(
        self,
        synth: str,
        settings: Mapping[str, Any] | None = None,
        *,
        bank: bool = False,
        since: float | None = None,
    ) -> None:
        self._since = time.monotonic() if since is None else since
        self.engine = engines[synth]()
        self.format = formats[self.engine.native]()
        self.settings = settings or {}
        self.bank: BankWriter | None = None
        if bank and not self.format.single:
            values = self.engine.space.decode(self.engine.space.default())
            init = self.engine.whole(Preset(synth, values, name="INIT VOICE"))
            self.bank = BankWriter(self.extension, self.format, init)

    @property
    def extension(self) -> str:
        """Ending of preset files; not `.json`, which is that of the numbers."""
        extension = self.format.extensions[0]
        return _PLAIN if extension == ".json" else extension

    def write(
        self, result: MatchResult, sound: Path | None, names: OutputNames, *, searched: float | None = None
    ) -> Report:
        """Plays the candidates and writes all files: all of them or, whatever happens, none.

        The numbers hold a checksum of every other file. They are the last that appears and the first that goes, see
        `storage.write_together`, so a folder never holds numbers that describe other presets than those beside them.

        A synth that cannot play any more costs nothing that was found: what the search heard is written, and presets
        of which only the synth can write the file are written in our own format.

        Args:
            result: The outcome of the search.
            sound: The target's file, if there is one.
            names: Where to write; the caller has the folder locked.
            searched: When the search was over, as `time.monotonic` counts; now if not given.

        Raises:
            StorageError: If a file cannot be written; then what an earlier match wrote is still there.
            EngineError: If the synth cannot play, and what the search heard was not kept.
        """
        searched = time.monotonic() if searched is None else searched
        reference = cut_reference(result.target, RENDITION_RATE)
        kind = self.format
        renditions, stopped = self._played(result, reference)
        if stopped and kind.opaque:
            kind = formats["json"]()
            names = replace(names, extension=_PLAIN)
        presets = _named(renditions, names.stem)
        files = names.presets[: len(presets)]
        own: dict[str, bytes] = {}
        for file, preset in zip(files, presets, strict=True):
            own[file.name] = kind.write([self.engine.whole(preset)])
        sounds = names.sounds[: len(presets)]
        for file, rendition in zip(sounds, renditions, strict=True):
            own[file.name], _ = encode(file, rendition.sound, RENDITION_RATE)
        both = side_by_side(reference.samples, renditions)
        own[names.comparison.name], _ = encode(names.comparison, both, RENDITION_RATE)
        own[names.picture.name] = _draw(result.target, sound, reference, renditions, files)

        level = loudness(reference.samples, RENDITION_RATE)
        settings = {**result.settings, **self.settings}
        lacks = _lacks(self.engine)
        summary = summarise(result, renditions, names, sound, loudness=level, settings=settings, lacks=lacks)
        summary["audio"] = sounds[0].name
        summary["comparison"] = names.comparison.name
        summary["picture"] = names.picture.name
        summary["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in own.items()}
        page = self.bank.page(self.engine.whole(presets[0])) if self.bank and kind is self.format else None
        summary["stopped"] = stopped or None
        summary["complete"] = result.complete and not stopped
        summary["timing"] = self._timing(result, searched)
        summary["bank"] = page.place if page else None
        own[names.summary.name] = f"{json_text(summary, indent=2, ascii_only=True)}\n".encode()

        shared = _bank_files(names, page) if page else {}
        write_together(names.folder, {**shared, **own}, gone=_outdated(replace(names, extension=self.extension)))
        if self.bank and page:
            self.bank.presets = page.presets
        return Report(sound or Path(f"{names.stem}.wav"), names, reference, renditions, summary, result.faults)

    def _played(self, result: MatchResult, reference: Reference) -> tuple[tuple[Rendition, ...], str]:
        """The candidates beside the target, and why it is not the synth that plays them, or ""."""
        stopped = result.stopped
        if not stopped:  # else it was tried long enough
            try:
                candidates = [self._settled(candidate) for candidate in result.candidates]
                pitched = result.target.pitched
                return play(self.engine, candidates, reference.samples, pitched=pitched), ""
            except EngineError as error:
                stopped = str(error)
        heard = as_heard(result.candidates, reference.samples, pitched=result.target.pitched)
        if not heard:
            raise EngineError(stopped)
        return heard, stopped

    def _timing(self, result: MatchResult, searched: float) -> dict[str, float]:
        """Seconds that went into everything before the search, into it, and into everything since."""
        now = time.monotonic()
        loading = max(0.0, searched - result.seconds - self._since)
        self._since = now
        seconds = {"loading_s": loading, "search_s": result.seconds, "writing_s": now - searched}
        return {name: round(value, 3) for name, value in seconds.items()}

    def _settled(self, candidate: Candidate) -> Candidate:
        """The candidate as its own file will sound: an opaque format may round values."""
        if not self.format.opaque:
            return candidate
        preset = self.engine.pack(candidate.preset)
        return replace(candidate, preset=preset, point=self.engine.space.encode(preset.values))


def save_result(result: MatchResult, folder: Path, name: str | None = None) -> tuple[Path, ...]:
    """Writes the files of one result, see `MatchResult.save`."""
    recording = result.target.recording
    sound = recording.path if recording else None
    named = Path(file_name(name, ".wav")) if name else sound or Path("sound.wav")
    writer = Writer(result.candidates[0].preset.synth)
    with writable_folder(folder), locked(folder):
        kept = [sound] if sound else []
        (names,) = choose_names([named], folder, writer.extension, len(result.candidates), kept=kept)
        report = writer.write(result, sound, names)
    count = len(report.renditions)
    return (*names.presets[:count], *names.sounds[:count], names.comparison, names.picture, names.summary)


def _lacks(engine: Engine) -> dict[str, str]:
    """What a synth cannot do, see `verdict.remarks`."""
    tuning = {"tuning": _UNTUNED} if engine.tuning_step is None else {}
    return {**engine.lacks, **tuning}


def _named(renditions: Sequence[Rendition], stem: str) -> list[Preset]:
    """The presets, called like the sound; the second and later short enough for a number in a DX7's ten letters."""
    presets = []
    for rank, rendition in enumerate(renditions, 1):
        # As the DX7 would write it: letters of another script may become several of its own.
        short = stem[:7] if len(ascii_name(stem[:7])) <= 7 else ascii_name(stem, 7)
        name = stem if rank == 1 else f"{short} {rank}"
        presets.append(replace(rendition.candidate.preset, name=name))
    return presets


def _outdated(names: OutputNames) -> list[str]:
    """Presets and sounds that an earlier match wrote, as its numbers say, unless somebody has changed them since."""
    before = earlier(names.summary)
    if before is None:
        return []
    most = replace(names, count=MOST)
    possible = [*most.presets, *replace(most, extension=_PLAIN).presets]
    written = [path for path in possible if path.name in before.presets]
    written += [path for path in most.sounds if path.name in before.sounds]
    return [path.name for path in written if before.holds(path)]


def _bank_files(names: OutputNames, page: "Page") -> dict[str, bytes]:
    """The bank, and before it the numbers of earlier matches that call presets by their place in it.

    A bank begins anew with each run. Results of sounds that the run leaves out stay, but say no longer that they are in
    the bank.
    """
    name = page.place["file"]
    files: dict[str, bytes] = {}
    others = sorted(names.folder.glob("*.json")) if page.place["voice"] == 1 else []
    for path in others:
        before = earlier(path)
        if path.name != names.summary.name and before and before.bank == name:
            files[path.name] = f"{json_text({**before.content, 'bank': None}, indent=2, ascii_only=True)}\n".encode()
    return {**files, str(name): page.data}


def _draw(
    target: Target, sound: Path | None, reference: Reference, renditions: Sequence[Rendition], files: Sequence[Path]
) -> bytes:
    wanted = pitch_text(pitch_of(target.f0)) if target.f0 is not None else "no pitch"
    panels = [Panel(reference.samples, "Target", readable(sound.name) if sound else "", (wanted,))]
    for rank, (rendition, file) in enumerate(zip(renditions, files, strict=True), 1):
        verdict = rendition.verdict
        title = f"{rank} · {rendition.closeness}"
        key = note_name(rendition.candidate.note.pitch)
        caption = f"{rendition.distance.value:.2f} {rendition.distance.unit} · on {key} · {file.name}"
        details = tuple(filter(None, (verdict.tuning, verdict.text)))
        panels.append(Panel(rendition.sound, title, caption, details))
    return draw(panels, RENDITION_RATE)


@dataclass(frozen=True)
class Page:
    """A bank with one preset more.

    Args:
        place: The file's name, and the place of the new preset in it, from 1.
        data: The content of the file.
        presets: All presets up to this one, those of full banks too.
    """

    place: dict[str, str | int]
    data: bytes
    presets: tuple[Preset, ...]


class BankWriter:
    """Banks that grow by a preset a sound; after 32 the next file begins.

    Each is whole after every preset, so that an interrupted run leaves what it has.

    Args:
        extension: Ending of the files, with the dot.
        writer: How presets become bytes.
        filler: Follows a lone preset, since one alone would make a single-voice file.

    Attributes:
        presets: Those that are written.
    """

    def __init__(self, extension: str, writer: PresetFormat, filler: Preset) -> None:
        self.extension = extension
        self.writer = writer
        self.filler = filler
        self.presets: tuple[Preset, ...] = ()

    def page(self, preset: Preset) -> Page:
        """Returns what the file with the preset after those before it holds; the caller writes it."""
        number, place = divmod(len(self.presets), SIZE)
        presets = (*self.presets, preset)
        voices = presets[number * SIZE :]
        content = voices if len(voices) > 1 else (preset, self.filler)
        name = bank_name(number + 1, self.extension)
        return Page({"file": name, "voice": place + 1}, self.writer.write(content), presets)
