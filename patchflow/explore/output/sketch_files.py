"""Writes a sketched melody: a MIDI file, the melody played, the voice before it, the preset and all numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...audio.conditioning import resample
from ...audio.loudness import loudness
from ...audio.note_names import note_name
from ...audio.pitch.contour import FRAME
from ...audio.sound import Sound
from ...audio.sound_file import encode
from ...errors import OptionError
from ...match.output.names import file_name, write_set
from ...match.output.rendition import SynthFiles, equally_loud
from ...storage import readable
from ...version import version
from ..melody import Melody, SketchNote
from ..sketch import SKETCH_RATE, Sketch
from .midi_file import TEMPOS, TimedMessage, bend_range, midi_file, note, pitch_bend

__all__ = ["SketchNames", "check_tempo", "melody_messages", "sketch_names", "write_sketch"]

_FORMAT = "patchflow-sketch"
_PAUSE = 0.5  # seconds between voice and melody
_BEND_STEP = 0.03  # semitones by which the pitch has to move for another message


@dataclass(frozen=True)
class SketchNames:
    """The files of one sketch, all in one folder.

    Args:
        folder: Where they are.
        stem: What their names begin with.
        extension: Ending of the preset file, with the dot.
    """

    folder: Path
    stem: str
    extension: str

    @property
    def midi(self) -> Path:
        """The melody as a MIDI file."""
        return self.folder / f"{self.stem}.mid"

    @property
    def sound(self) -> Path:
        """The melody played."""
        return self.folder / f"{self.stem}.wav"

    @property
    def comparison(self) -> Path:
        """The voice before the melody."""
        return self.folder / f"{self.stem}-ab.wav"

    @property
    def preset(self) -> Path:
        """What plays it."""
        return self.folder / f"{self.stem}{self.extension}"

    @property
    def recording(self) -> Path:
        """The voice, where it was recorded and has no file yet."""
        return self.folder / f"{self.stem}-voice.wav"

    @property
    def summary(self) -> Path:
        """Everything in numbers."""
        return self.folder / f"{self.stem}.json"


def sketch_names(voice: Path, folder: Path, extension: str) -> SketchNames:
    """Returns the names of the files of a sketch: those of the voice with `-sketch`, beside those of a match of it.

    Example:
        >>> sketch_names(Path("hum.wav"), Path("out"), ".syx").midi.name
        'hum-sketch.mid'
    """
    longest = max(len(ending.encode()) for ending in ("-voice.wav", extension))
    stem = file_name(readable(voice.stem), "-sketch", 255 - longest)
    return SketchNames(folder, stem, extension)


def check_tempo(bpm: float) -> None:
    """Makes sure that a MIDI file can have a tempo.

    Raises:
        OptionError: If not.
    """
    low, high = TEMPOS
    if not low <= bpm <= high:
        raise OptionError(f"bpm={bpm:g}: not in [{low:g}, {high:g}]")


def melody_messages(melody: Melody, *, bent: bool = False) -> Iterator[TimedMessage]:
    """Yields the messages of a melody.

    Args:
        melody: What was sung.
        bent: Whether the pitch of each note follows that of the voice, by pitch bends of up to two semitones.
    """
    if bent:
        yield from bend_range(0.0)
    for each in melody.notes:
        if bent:
            yield from _bends(melody, each)
        yield from note(each.onset, each.end, each.key, each.velocity)


def _bends(melody: Melody, each: SketchNote) -> Iterator[TimedMessage]:
    contours = melody.contours
    inside = np.flatnonzero(contours.within(each) & contours.voiced)
    last = each.pitch - each.key
    yield pitch_bend(each.onset, last)
    for frame in inside.tolist():
        off = float(contours.pitch[frame]) - each.key
        if abs(off - last) >= _BEND_STEP:
            last = off
            yield pitch_bend(float(contours.seconds[frame]), off)


def write_sketch(
    found: Sketch,
    voice: Path,
    folder: Path,
    *,
    bpm: float = 120.0,
    bent: bool = False,
    recorded: bool = False,
) -> dict[str, Any]:
    """Writes all files of a sketch: all of them or none.

    Args:
        found: The sketch.
        voice: The file of the voice, or what a recorded one would be called.
        folder: Where to write; made if it is not there.
        bpm: Tempo of the MIDI file, 20 to 300.
        bent: Whether the MIDI file holds pitch bends, see `melody_messages`.
        recorded: Whether the voice has no file, and is written too.

    Returns:
        What the file of numbers holds.

    Raises:
        OptionError: If `bpm` is out of its range.
        StorageError: If a file cannot be written; then none is.
    """
    check_tempo(bpm)
    writer = SynthFiles(found.preset.synth)
    names = sketch_names(voice, folder, writer.extension)
    preset = replace(found.preset, name=readable(voice.stem) if found.match else found.preset.name)
    content: dict[str, bytes] = {
        names.midi.name: midi_file(melody_messages(found.melody, bent=bent), bpm=bpm, name=voice.stem),
        names.preset.name: writer.format.write([writer.engine.whole(preset)]),
    }
    content[names.sound.name], _ = encode(names.sound, found.sound, SKETCH_RATE)
    content[names.comparison.name], _ = encode(names.comparison, _side_by_side(found), SKETCH_RATE)
    if recorded:
        content[names.recording.name], _ = encode(names.recording, found.voice.samples, found.voice.rate)
    summary = _summary(found, voice, names, bpm=bpm, bent=bent)
    return write_set(folder, content, names.summary.name, summary, kept=[names.recording.name])


def _side_by_side(found: Sketch) -> np.ndarray:
    """The voice and then the melody, equally loud."""
    voice = resample(found.voice.samples, found.voice.rate, SKETCH_RATE)
    first, second = equally_loud([voice, found.sound], loudness(voice, SKETCH_RATE))
    pause = np.zeros(round(_PAUSE * SKETCH_RATE), np.float32)
    return np.concatenate([first.samples, pause, second.samples])


def _summary(found: Sketch, voice: Path, names: SketchNames, *, bpm: float, bent: bool) -> dict[str, Any]:
    melody = found.melody
    contours = melody.contours
    return {
        "format": _FORMAT,
        "version": version(),
        "synth": found.preset.synth,
        "voice": _voice(found.voice, voice),
        "tuning_cents": melody.tuning if melody.agreed else None,
        "tuning": melody.remark,
        "remarks": list(found.remarks),
        "notes": [_note(melody, each) for each in melody.notes],
        "contours": {
            "step_s": FRAME,
            "pitch": _rounded(np.where(contours.voiced, contours.pitch, np.nan), 3),
            "level_db": _rounded(contours.level_db, 1),
            "brightness_octaves": _rounded(contours.brightness, 3),
        },
        "preset": {"file": names.preset.name, "name": found.preset.name, **_match(found)},
        "midi": {"file": names.midi.name, "bpm": bpm, "bent": bent},
        "audio": {"file": names.sound.name, "gain_db": found.gain_db},
        "comparison": names.comparison.name,
    }


def _voice(sound: Sound, file: Path) -> dict[str, Any]:
    return {
        "file": readable(file.name),
        "starts_s": sound.start,
        "length_s": sound.seconds,
        "loudness_lufs": loudness(sound.samples, sound.rate),
    }


def _note(melody: Melody, each: SketchNote) -> dict[str, Any]:
    return {
        "onset_s": round(each.onset, 4),
        "end_s": round(each.end, 4),
        "key": each.key,
        "name": note_name(each.key),
        "velocity": each.velocity,
        "pitch": round(each.pitch, 3),
        "cents": round(each.cents, 1),
        "level_db": round(each.level_db, 1),
        "brightness_path_octaves": _rounded(melody.contours.brightness_path(each), 3),
    }


def _match(found: Sketch) -> dict[str, Any]:
    """Where the preset comes from."""
    if found.match is None or found.source is None:
        return {"searched": False}
    best = found.match.candidates[0]
    return {
        "searched": True,
        "closeness": best.closeness,
        "distance_db": best.distances["perceptual"],
        "note": note_name(best.note.pitch),
        "matched_from_s": found.source.onset,
        "matched_to_s": found.source.end,
        "renders": found.match.renders,
        "complete": found.match.complete,
        "settings": {name: _plain(value) for name, value in found.settings.items()},
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _rounded(values: np.ndarray, digits: int) -> list[float | None]:
    """Numbers as JSON has them, None for what is none."""
    return [round(value, digits) if np.isfinite(value) else None for value in values.tolist()]
