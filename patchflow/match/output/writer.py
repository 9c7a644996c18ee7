"""Writes what a match found: presets, banks, sound, picture and numbers."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...audio.loudness import loudness
from ...audio.note_names import note_name
from ...audio.sound_file import encode
from ...errors import EngineError, StorageError
from ...presets import Preset
from ...presets.files import written_files
from ...presets.formats import PresetFormat, formats
from ...storage import json_text, locked, read_bytes, readable, writable_folder, write_together
from ..result import Candidate, MatchResult
from ..target import Target
from ..verdict import pitch_of, pitch_text
from .drawing import Panel, begin_drawing
from .names import MOST, OutputNames, bank_name, candidate_name, choose_names, file_name
from .rendition import (
    PLAIN,
    RENDITION_RATE,
    Reference,
    Rendition,
    SynthFiles,
    by_every_metric,
    cut_reference,
    preset_ending,
    rank_by_sound,
    side_by_side,
)
from .summary import earlier, summarise

__all__ = ["SIZE", "BankWriter", "Page", "Report", "Writer", "save_result"]

SIZE = 32
"""Presets in a bank, as in one of a DX7."""


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
        synths: Names of the engines that the presets are for.
        settings: What the numbers are to say beside what the search was asked for, see `summarise`.
        left_out: Synths that would have searched, and why they did not.
        bank: Whether the best presets of all sounds make banks as well, for synths whose format can hold several.
        since: When the work began, as `time.monotonic` counts; now if not given.
    """

    def __init__(
        self,
        synths: Sequence[str],
        settings: Mapping[str, Any] | None = None,
        left_out: Mapping[str, str] | None = None,
        *,
        bank: bool = False,
        since: float | None = None,
    ) -> None:
        self._since = time.monotonic() if since is None else since
        players = 2 if len(synths) == 1 else 1
        self.files = {synth: SynthFiles(synth, players) for synth in synths}
        self.settings = settings or {}
        self.left_out = dict(left_out or {})
        self.banks: dict[str, BankWriter] = {}
        for files in self.files.values():
            if bank and not files.format.single:  # synths of one format share its banks
                self.banks.setdefault(files.extension, BankWriter(files.extension, files.format, files.init()))

    @property
    def extensions(self) -> tuple[str, ...]:
        """Endings that a preset file may have."""
        endings: dict[str, None] = {}
        for files in self.files.values():
            endings[files.extension] = None
            endings[preset_ending(files.format_after("lost"))] = None
        return tuple(endings)

    def start(self) -> dict[str, EngineError]:
        """Starts all synths, at the same time, and returns why those that cannot be started cannot."""
        failed = {}
        with ThreadPoolExecutor(len(self.files)) as pool:
            started = {synth: pool.submit(files.start) for synth, files in self.files.items()}
            for synth, future in started.items():
                try:
                    future.result()
                except EngineError as error:
                    failed[synth] = error
        return failed

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
            EngineError: If no synth can play, and what the search heard was not kept.
        """
        searched = time.monotonic() if searched is None else searched
        reference = cut_reference(result.target, RENDITION_RATE)
        renditions, lost = self._play(result, reference)
        presets = _named(renditions, names.stem)
        kinds = {synth: files.format_after(lost.get(synth, "")) for synth, files in self.files.items()}
        names = replace(names, endings=tuple(preset_ending(kinds[preset.synth]) for preset in presets))
        picture = _begin_picture(result.target, sound, reference, renditions, names.presets)
        renditions = by_every_metric(renditions, reference.samples)  # while it is drawn
        own: dict[str, bytes] = {}
        for file, preset in zip(names.presets, presets, strict=True):
            own[file.name] = kinds[preset.synth].write([self.files[preset.synth].engine.whole(preset)])
        own |= _sounds(reference, renditions, names)
        own[names.picture.name] = picture()

        pages = self._pages(presets, names)
        summary = summarise(
            result, renditions, names, sound,
            loudness=loudness(reference.samples, RENDITION_RATE),
            settings={**result.settings, **self.settings},
            lacks={synth: files.lacks for synth, files in self.files.items()},
            banks={file: page.place for file, page in pages.items()},
        )  # fmt: skip
        summary["left_out"] = self.left_out
        summary["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in own.items()}
        summary["stopped"] = "; ".join(dict.fromkeys(lost.values())) or None
        summary["complete"] = result.complete and not lost
        summary["timing"] = self._timing(result, searched)
        own[names.summary.name] = f"{json_text(summary, indent=2, ascii_only=True)}\n".encode()

        shared = _bank_files(names, pages.values())
        _write(names, {**shared, **own}, gone=_outdated(names, self.extensions))
        for page in pages.values():
            self.banks[page.extension].presets = page.presets
        return Report(sound or Path(f"{names.stem}.wav"), names, reference, renditions, summary, result.faults)

    def _play(self, result: MatchResult, reference: Reference) -> tuple[tuple[Rendition, ...], dict[str, str]]:
        """The candidates beside the target, best first, and why synths that cannot play them any more cannot.

        All synths play at the same time.

        Raises:
            EngineError: If none can play, and what the search heard was not kept.
        """
        by_synth: dict[str, list[Candidate]] = {}
        for candidate in result.candidates:
            by_synth.setdefault(candidate.preset.synth, []).append(candidate)
        with ThreadPoolExecutor(len(by_synth)) as pool:
            jobs = {synth: pool.submit(self.files[synth].play, own, result.stopped) for synth, own in by_synth.items()}
        candidates: list[Candidate] = []
        sounds: list[np.ndarray] = []
        lost: dict[str, str] = {}
        for synth, job in jobs.items():
            played = job.result()
            candidates += played.candidates
            sounds += played.sounds
            if played.lost:
                lost[synth] = played.lost
        if not candidates:
            raise EngineError("; ".join(dict.fromkeys(lost.values())))
        target = result.target
        ranked = rank_by_sound(candidates, sounds, reference.samples, pitched=target.pitched, like=target.like)
        return ranked, lost

    def _pages(self, presets: Sequence[Preset], names: OutputNames) -> dict[str, "Page"]:
        """The page that each bank gets, by the name of the preset's own file: the best preset of its format."""
        pages: dict[str, Page] = {}
        served: set[str] = set()
        for preset, file, ending in zip(presets, names.presets, names.endings, strict=True):
            if ending in self.banks and ending not in served:
                served.add(ending)
                pages[file.name] = self.banks[ending].page(self.files[preset.synth].engine.whole(preset))
        return pages

    def _timing(self, result: MatchResult, searched: float) -> dict[str, float]:
        """Seconds that went into everything before the search, into it, and into everything since."""
        now = time.monotonic()
        loading = max(0.0, searched - result.seconds - self._since)
        self._since = now
        seconds = {"loading_s": loading, "search_s": result.seconds, "writing_s": now - searched}
        return {name: round(value, 3) for name, value in seconds.items()}


def save_result(result: MatchResult, folder: Path, name: str | None = None) -> tuple[Path, ...]:
    """Writes the files of one result, see `MatchResult.save`."""
    recording = result.target.recording
    sound = recording.path if recording else None
    named = Path(file_name(name, ".wav")) if name else sound or Path("sound.wav")
    writer = Writer(result.synths)
    with writable_folder(folder), locked(folder):
        kept = [sound] if sound else []
        (names,) = choose_names([named], folder, writer.extensions, len(result.candidates), kept=kept)
        report = writer.write(result, sound, names)
    names = report.names
    return (*names.presets, *names.sounds, names.comparison, names.picture, names.summary)


def _write(names: OutputNames, files: Mapping[str, bytes], gone: Sequence[str]) -> None:
    """Writes all files; those that hosts find only in a folder of a kind, as of LV2 plug-ins, into one as well.

    The folder belongs to the presets beside it: it is written, and goes, together with them.
    """
    inside: dict[str, bytes] = {}
    outdated: list[str] = []
    for kind in (formats[name]() for name in formats):
        if not kind.folder:
            continue
        folder = names.folder / f"{names.stem}{kind.folder}"
        own = {file: data for file, data in files.items() if Path(file).suffix in kind.extensions}
        if own:
            new = kind.folder_files(own)
            inside |= {f"{folder.name}/{file}": data for file, data in new.items()}
            outdated += [f"{folder.name}/{file}" for file in written_files(folder, kind) if file not in new]
        else:
            outdated += _outdated_folder(folder, kind, gone)
    write_together(names.folder, {**inside, **files}, gone=[*gone, *outdated])


def _outdated_folder(folder: Path, kind: PresetFormat, gone: Sequence[str]) -> list[str]:
    """The files of the folder that an earlier match wrote with the presets that go; none if it has anything else."""
    presets = [name for name in gone if Path(name).suffix in kind.extensions]
    if not presets or folder.is_symlink():
        return []
    written = kind.folder_files({name: read_bytes(folder.with_name(name)) for name in presets})
    try:
        found = {name: read_bytes(folder / name) for name in written_files(folder, kind)}
    except StorageError:  # somebody has put something of theirs there
        return []
    return [f"{folder.name}/{name}" for name in found] if found == written else []


def _named(renditions: Sequence[Rendition], stem: str) -> list[Preset]:
    """The presets, called like the sound."""
    presets = []
    for rank, rendition in enumerate(renditions, 1):
        presets.append(replace(rendition.candidate.preset, name=candidate_name(stem, rank)))
    return presets


def _sounds(reference: Reference, renditions: Sequence[Rendition], names: OutputNames) -> dict[str, bytes]:
    """Each candidate as a sound file, and the target before each of them."""
    files: dict[str, bytes] = {}
    for file, rendition in zip(names.sounds, renditions, strict=True):
        files[file.name], _ = encode(file, rendition.sound, RENDITION_RATE)
    both = side_by_side(reference.samples, renditions)
    files[names.comparison.name], _ = encode(names.comparison, both, RENDITION_RATE)
    return files


def _outdated(names: OutputNames, extensions: Sequence[str]) -> list[str]:
    """Presets and sounds that an earlier match wrote, as its numbers say, unless somebody has changed them since.

    Presets of a synth that no longer takes part stay, whatever their rank was.
    """
    before = earlier(names.summary)
    if before is None:
        return []
    written = []
    for extension in {*extensions, PLAIN}:
        written += [path for path in names.each(extension, MOST).presets if path.name in before.presets]
    written += [path for path in names.each(".wav", MOST).presets if path.name in before.sounds]
    return [path.name for path in written if before.holds(path)]


def _bank_files(names: OutputNames, pages: Iterable["Page"]) -> dict[str, bytes]:
    """The banks, and before them the numbers of earlier matches that call presets by their place in one.

    A bank begins anew with each run. Results of sounds that the run leaves out stay, but say no longer that they are in
    the bank.
    """
    banks = {page.file: page.data for page in pages}
    begun = {page.file for page in pages if page.voice == 1}
    files: dict[str, bytes] = {}
    others = sorted(names.folder.glob("*.json")) if begun else []
    for path in others:
        before = earlier(path)
        if path.name != names.summary.name and before and begun & before.banks:
            content = before.without_banks(begun)
            files[path.name] = f"{json_text(content, indent=2, ascii_only=True)}\n".encode()
    return {**files, **banks}


def _begin_picture(
    target: Target, sound: Path | None, reference: Reference, renditions: Sequence[Rendition], files: Sequence[Path]
) -> Callable[[], bytes]:
    wanted = pitch_text(pitch_of(target.f0)) if target.f0 is not None else "no pitch"
    panels = [Panel(reference.samples, "Target", readable(sound.name) if sound else "", (wanted,))]
    several = len({rendition.candidate.preset.synth for rendition in renditions}) > 1
    for rank, (rendition, file) in enumerate(zip(renditions, files, strict=True), 1):
        verdict = rendition.verdict
        title = f"{rank} · {rendition.closeness}"
        key = note_name(rendition.candidate.note.pitch)
        caption = f"{rendition.distance.value:.2f} {rendition.distance.unit} · on {key} · {file.name}"
        details = tuple(filter(None, (verdict.tuning, verdict.text)))
        kind = rendition.candidate.kind or (rendition.candidate.preset.synth if several else "")
        if kind:
            details = (kind, " · ".join(details))
        panels.append(Panel(rendition.sound, title, caption, details))
    return begin_drawing(panels, RENDITION_RATE)


@dataclass(frozen=True)
class Page:
    """A bank with one preset more.

    Args:
        file: The file's name.
        voice: The place of the new preset in it, from 1.
        data: The content of the file.
        presets: All presets up to this one, those of full banks too.
        extension: Which bank it is.
    """

    file: str
    voice: int
    data: bytes
    presets: tuple[Preset, ...]
    extension: str

    @property
    def place(self) -> dict[str, str | int]:
        """Where the new preset is, for the numbers."""
        return {"file": self.file, "voice": self.voice}


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
        return Page(name, place + 1, self.writer.write(content), presets, self.extension)
