"""Plays presets of a shelf, whatever a single one of them does: beside a sound, and as sounds and files of a map."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..audio.conditioning import resample
from ..audio.loudness import match_loudness
from ..audio.note_names import note_name
from ..audio.sound_file import mp3_bytes
from ..engines import Engine, Note, Renderer, engines
from ..engines._renderer import INAUDIBLE, one_torch_thread
from ..errors import PatchflowError, PresetError, RenderError
from ..match.output.rendition import SynthFiles
from ..presets import Library, Preset
from ..progress import Progress, ProgressCallback, TellCallback, ignore, tell_nobody
from .embedded import presets_called
from .find import Hit
from .shelf import Shelf

if TYPE_CHECKING:  # a map needs no torch
    from ..match.target import Target

__all__ = [
    "SOUND_RATE",
    "Beside",
    "MapFiles",
    "MapPlayer",
    "PresetsOf",
    "note_beside",
    "play_hits",
    "sorted_beside",
    "sounds_and_files",
    "target_of_note",
    "target_of_preset",
]

SOUND_RATE = 44_100
"""Sample rate of the sounds of a map, in Hz."""

_HOLD, _LENGTH = 2.0, 2.75  # seconds that a preset is played for if others are to be played beside it
_LOUDNESS = -20.0  # LUFS of each sound of a map
_QUALITY = 0.9  # of the MP3 encoder, 0 best to 1 smallest: about 40 kbit/s. Every browser plays MP3.
_LARGEST_FILE = 12_000  # bytes of a compressed preset file that goes into the page
_MOST_FILES = 24_000_000  # bytes of all of them
_CHUNK = 256  # presets that are read at once
_GONE = "it was removed, or cannot be read"
_FADE = 0.03  # seconds at the end of a sound that goes on

PresetsOf = Callable[[Sequence[str]], Mapping[str, Preset]]
"""Gives presets by their numbers, as far as they are there."""


class Beside:
    """A sound that presets are played beside, each on its note and for as long as its key was held.

    Args:
        target: The sound.

    Attributes:
        note: What is played.

    Example:
        >>> from patchflow.audio import Sound
        >>> from patchflow.match.target import prepare_target
        >>> tone = np.sin(np.arange(22_050) * 2 * np.pi * 440 / 22_050).astype(np.float32)
        >>> beside = Beside(prepare_target(Sound(tone, 22_050), note=69))
        >>> beside.note.pitch, beside.distance(0.5 * tone, 22_050) < 1 < beside.distance(np.sign(tone), 22_050)
        (69, True)
    """

    def __init__(self, target: "Target") -> None:
        # Imported here: a map needs no torch.
        import torch

        from ..metrics.perceptual import Reference

        self.note = Note(target.guesses[0].pitch, 100, target.hold, target.length)
        self._rate = target.rate
        self._wanted = len(target.samples)
        self._reference = Reference(torch.from_numpy(target.samples))
        self._unpitched = "" if target.pitched else ", since no pitch was heard"

    @property
    def words(self) -> str:
        """What is played, for people."""
        return f"on {note_name(self.note.pitch)}, held {self.note.hold:.2g} s{self._unpitched}"

    def distance(self, sound: np.ndarray, rate: int) -> float:
        """Returns how far a sound is from the one beside it, in dB: `metrics.perceptual`, and `match.faintness`.

        Args:
            sound: Mono, of any length, shape `(T,)`.
            rate: Its sample rate, in Hz.
        """
        import torch

        from ..match.scorer import faintness

        samples = resample(sound, rate, self._rate)[: self._wanted].astype(np.float32)
        batch = np.pad(samples, (0, self._wanted - len(samples)))[None]
        return float(self._reference.distance(torch.from_numpy(batch))[0]) + float(faintness(batch)[0])

    def played(self, engine: Engine, preset: Preset | None) -> float | str:
        """Returns how far a preset is from the sound, in dB; or why it cannot be played."""
        if preset is None:
            return _GONE
        try:
            engine.build_on(preset.state)
            sound = engine.render(engine.space.encode(preset.values), self.note, self._rate)
        except (PresetError, RenderError) as error:
            return str(error)
        return self.distance(sound, self._rate)


def target_of_preset(preset: Preset, pitch: int = 60) -> "Target":
    """Returns what a preset sounds like as a sound that others are played beside.

    Args:
        preset: The preset.
        pitch: MIDI note.

    Raises:
        PatchflowError: If it cannot be played.
    """
    from ..match.target import SEARCH_RATE

    note = note_beside(pitch)
    engine = engines[preset.synth]()
    engine.build_on(preset.state)
    return target_of_note(engine.render(engine.space.encode(preset.values), note, SEARCH_RATE), SEARCH_RATE, note)


def target_of_note(samples: np.ndarray, rate: int, note: Note) -> "Target":
    """Returns a note that was played as a sound that others are played beside.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        note: What was played.
    """
    from ..match.target import SEARCH_RATE, NoteGuess, Target

    wanted = resample(samples, rate, SEARCH_RATE).astype(np.float32)
    return Target(wanted, SEARCH_RATE, (NoteGuess(note.pitch, 1.0),), note.hold)


def note_beside(pitch: int) -> Note:
    """Returns the note that a preset is played on if others are to be played beside it."""
    return Note(pitch, 100, _HOLD, _LENGTH)


def play_hits(
    hits: Sequence[Hit],
    beside: Beside,
    library: Library,
    *,
    progress: ProgressCallback = ignore,
    tell: TellCallback = tell_nobody,
) -> list[Hit]:
    """Plays hits on the note of a sound, for as long as that, and sorts them by how far they are from it.

    Args:
        hits: What a search found.
        beside: The sound.
        library: Where those lie that are not of the embedded bank.
        progress: Called with the number of presets that were played.
        tell: Called with a line for each synth of which some cannot be played.

    Returns:
        The nearest first, with their distances; what could not be played comes last, in the order of the search.
    """
    presets = presets_called([hit.number for hit in hits], library)
    of_synths: dict[str, list[Hit]] = {}
    for hit in hits:
        of_synths.setdefault(hit.entry.synth, []).append(hit)
    found: dict[str, float | str] = {}
    for synth, own in of_synths.items():
        wanted = [presets.get(hit.number) for hit in own]
        try:
            with one_torch_thread(), Renderer(engines[synth]) as renderer:
                for hit, distance in zip(own, renderer.map(beside.played, wanted), strict=True):
                    found[hit.number] = distance
                    progress(Progress("compare", len(found), len(hits), "presets"))
        except PatchflowError as error:  # the synth is not there, or does not start
            for hit in own:
                found.setdefault(hit.number, str(error))
    return sorted_beside(hits, found, tell)


def sorted_beside(hits: Sequence[Hit], found: Mapping[str, float | str], tell: TellCallback) -> list[Hit]:
    """Returns hits sorted by how far they are from a sound, see `play_hits`.

    Args:
        hits: What a search found.
        found: By their numbers, how far each is, in dB, or why it could not be played.
        tell: Called with a line for each synth of which some could not be played.
    """
    from ..match.verdict import closeness

    played: list[tuple[float, Hit]] = []
    unplayed: dict[str, list[str]] = {}
    last: list[Hit] = []
    for hit in hits:
        distance = found[hit.number]
        if isinstance(distance, str):
            unplayed.setdefault(hit.entry.synth, []).append(distance)
            last.append(replace(hit, reason=f"not played; {hit.reason}"))
        else:
            reason = f"{distance:.1f} dB, {closeness(distance)}; {hit.reason}"
            played.append((distance, replace(hit, distance=distance, reason=reason)))
    for synth, reasons in unplayed.items():
        tell(f"{len(reasons):,} of the nearest are presets of {synth} that could not be played: {reasons[0]}")
    played.sort(key=lambda pair: pair[0])
    return [hit for _, hit in played] + last


@dataclass(frozen=True)
class MapFiles:
    """The preset files of a page.

    Args:
        data: Of each preset, compressed; empty where it is too large or cannot be written.
        endings: By synth.
        fillers: By ending, the file that fills up a bank.
        failed: By row, why a preset could not be read, played or written.
    """

    data: list[bytes]
    endings: dict[str, str]
    fillers: dict[str, bytes]
    failed: dict[int, str]


class MapPlayer:
    """Plays presets of all synths and writes their own files.

    Args:
        seconds: Length of a sound.
    """

    def __init__(self, seconds: float) -> None:
        self._note = Note(hold=max(0.05, min(60.0, seconds * 0.65)), length=seconds)
        self._renderers: dict[str, Renderer] = {}
        self._files: dict[str, SynthFiles] = {}

    def __enter__(self) -> "MapPlayer":
        return self

    def __exit__(self, *_: object) -> None:
        for renderer in self._renderers.values():
            renderer.close()
        for files in self._files.values():
            files.players.close()

    def sounds(self, synth: str, presets: Iterator[Preset | None]) -> Iterator[bytes | str]:
        """Yields the sounds of presets of one synth as MP3, nothing where one is silent, or why it cannot be played."""
        if synth not in self._renderers:
            self._renderers[synth] = Renderer(engines[synth])
        yield from self._renderers[synth].map(self._play, presets)

    def files(self, synth: str) -> SynthFiles:
        """Returns what writes the files of a synth."""
        if synth not in self._files:
            self._files[synth] = SynthFiles(synth)
        return self._files[synth]

    def _play(self, engine: Engine, preset: Preset | None) -> bytes | str:
        if preset is None:
            return _GONE
        try:
            engine.build_on(preset.state)
            return _mp3(engine.render(engine.space.encode(preset.values), self._note, SOUND_RATE))
        except PatchflowError as error:
            return str(error)


def _mp3(sound: np.ndarray) -> bytes:
    """A sound as MP3, without the silence at its end; nothing if it is silent."""
    heard = np.flatnonzero(np.abs(sound) > INAUDIBLE)
    if not len(heard):
        return b""
    cut = np.array(sound[: heard[-1] + 1], np.float32)
    fade = min(len(cut), round(_FADE * SOUND_RATE))
    cut[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    levelled = match_loudness(cut, SOUND_RATE, _LOUDNESS).samples
    return mp3_bytes(levelled, SOUND_RATE, _QUALITY)


def sounds_and_files(
    shown: Shelf, presets_of: PresetsOf, wanted: Sequence[int], player: MapPlayer, progress: ProgressCallback
) -> tuple[dict[int, bytes], MapFiles]:
    """The sounds of those that are wanted, by row, and the files of all presets."""
    numbers = shown.numbers(np.arange(len(shown)))
    members: dict[str, list[int]] = {}
    for row, entry in enumerate(shown.entries):
        members.setdefault(entry.synth, []).append(row)
    sounds: dict[int, bytes] = {}
    files = MapFiles([b""] * len(shown), dict.fromkeys(members, ""), {}, {})
    done = 0
    for synth, rows in members.items():
        playing = sorted(set(rows).intersection(wanted))
        left = rows
        try:
            _write_files(synth, rows, _read(presets_of, numbers, rows), player, files)
            left = list(playing)
            presets = _read(presets_of, numbers, playing)
            for row, sound in zip(playing, player.sounds(synth, presets), strict=True):
                if isinstance(sound, str):
                    files.failed.setdefault(row, sound)
                elif sound:
                    sounds[row] = sound
                left.remove(row)
                progress(Progress("render", done + len(playing) - len(left), len(wanted), "sounds"))
        except PatchflowError as error:  # the synth is not there, or does not start
            for row in left:
                files.failed.setdefault(row, str(error))
        done += len(playing)
    return dict(sorted(sounds.items())), files


def _read(presets_of: PresetsOf, numbers: Sequence[str], rows: Sequence[int]) -> Iterator[Preset | None]:
    """The presets of rows, some at a time; None where one is not there any more."""
    for first in range(0, len(rows), _CHUNK):
        wanted = [numbers[row] for row in rows[first : first + _CHUNK]]
        found = presets_of(wanted)
        yield from map(found.get, wanted)


def _write_files(
    synth: str, rows: Sequence[int], presets: Iterator[Preset | None], player: MapPlayer, files: MapFiles
) -> None:
    """Adds the compressed files of presets of one synth, but for those that are too large."""
    writer = player.files(synth)
    files.endings[synth] = writer.extension
    files.fillers[writer.extension] = b"" if writer.format.opaque else writer.format.write([writer.init()])
    room = _MOST_FILES - sum(map(len, files.data))
    for row, preset in zip(rows, presets, strict=True):
        if preset is None:
            files.failed[row] = _GONE
            continue
        if writer.format.opaque:
            continue
        try:
            writer.engine.space.encode(preset.values)  # a file of our own would hold values of any version
            data = zlib.compress(writer.format.write([writer.engine.whole(preset)]), 9)
        except PatchflowError as error:
            files.failed[row] = str(error)
            continue
        if len(data) <= min(_LARGEST_FILE, room):
            files.data[row] = data
            room -= len(data)
