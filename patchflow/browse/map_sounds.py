"""What a map plays and saves: presets are read, played and written as files, whatever a single one of them does."""

import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import soundfile

from ..audio.loudness import match_loudness
from ..engines import Engine, Note, Renderer, engines
from ..engines._renderer import INAUDIBLE
from ..errors import PatchflowError, StorageError, UnknownName
from ..match.output.rendition import SynthFiles
from ..presets import Library, Preset
from ..progress import Progress, ProgressCallback
from .shelf import Shelf, embedded_bank

__all__ = ["SOUND_RATE", "MapFiles", "MapPlayer", "PresetsOf", "presets_called", "sounds_and_files"]

SOUND_RATE = 44_100
"""Sample rate of the sounds of a map, in Hz."""

_LOUDNESS = -20.0  # LUFS of each sound, so that one can be compared with the next
_QUALITY = 0.9  # of the MP3 encoder, 0 best to 1 smallest: about 40 kbit/s. Every browser plays MP3.
_LARGEST_FILE = 12_000  # bytes of a compressed preset file that goes into the page
_MOST_FILES = 24_000_000  # bytes of all of them
_CHUNK = 256  # presets that are read at once
_GONE = "it was removed, or cannot be read"
_FADE = 0.03  # seconds at the end of a sound that goes on

PresetsOf = Callable[[Sequence[str]], Mapping[str, Preset]]
"""Gives presets by their numbers, as far as they are there."""


def presets_called(numbers: Sequence[str], library: Library) -> dict[str, Preset]:
    """Returns presets with their values by what they are called in commands, see `Shelf.numbers`.

    Args:
        numbers: Such as `"17"` of the library, `"dexed:17"` of the embedded bank.
        library: The library.

    Returns:
        Those that can be read; one that is damaged, was removed, or is of a synth that is not there, is left out.
    """
    found: dict[str, Preset] = {}
    own = [number for number in numbers if ":" not in number]
    if own:
        try:
            for id_, preset in library.presets(list(map(int, own))).items():
                found[str(id_)] = preset
        except StorageError:  # of one of them at least
            for number in own:
                with suppress(StorageError, UnknownName):
                    found[number] = library.get(int(number))
    for number in numbers:
        synth, sign, digits = number.partition(":")
        if sign:
            with suppress(PatchflowError):
                found[number] = embedded_bank().embedded_preset(synth, int(digits))
    return found


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
    buffer = io.BytesIO()
    # With a variable bit rate the file says how long it is to the sample, so that nothing begins late.
    soundfile.write(
        buffer, levelled, SOUND_RATE, format="MP3", subtype="MPEG_LAYER_III", compression_level=_QUALITY,
        bitrate_mode="VARIABLE",
    )  # fmt: skip
    return buffer.getvalue()


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
