"""What is evaluated: the test part of a fold, or out-of-domain sounds of a folder."""

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..audio.envelope import note_off
from ..audio.load import load
from ..audio.pitch import note_guesses
from ..audio.resample import resample
from ..audio.sound import trim
from ..data.examples import Examples
from ..engines import Engine, Note
from ..errors import AudioError, OptionError, RenderError, StorageError
from ..features.inputs import inputs
from ..storage import read_bytes
from .score import RATE, Item

__all__ = ["Material", "Recording", "foreign", "held_out", "read_recordings", "recordings_print", "usual_peak"]

_SUFFIXES = {".aif", ".aiff", ".flac", ".mp3", ".ogg", ".wav"}
_SHORTEST_HOLD = 0.02


@dataclass(frozen=True)
class Recording:
    """A sound that no known preset makes.

    Args:
        name: Its file, relative to the folder.
        category: What kind of sound it is; "" if not known.
        samples: Mono at 44,100 Hz, from its first audible sample on, shape `(T,)`.
        pitch: MIDI note, 0 to 127.
        told: Whether the list told the note; else it was guessed.
        hold: Seconds after which the key seems to be let go.
    """

    name: str
    category: str
    samples: np.ndarray
    pitch: int
    told: bool
    hold: float


def read_recordings(folder: str | Path, seconds: float = 4.0) -> list[Recording]:
    """Reads the sounds of a folder.

    A `.csv` file in it with the columns `file`, `category` and `pitch_midi` (MIDI note), or a `.json` file of a list of
    such entries, says what they are; columns and single notes may be missing. Without it all sound files are taken,
    also those of the folders below, whose names are the categories.

    Args:
        folder: Where they are.
        seconds: The most to take of each.

    Returns:
        The sounds, by name.

    Raises:
        StorageError: If the folder has no sounds, or a file cannot be read.
        AudioError: If a file is no sound, or the note of one is not in [0, 127].
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StorageError(f"cannot read {folder}: no such folder")
    entries = _listed(folder)
    if not entries:
        raise StorageError(f"{folder}: has no sounds ({', '.join(sorted(_SUFFIXES))})")
    return sorted((_read(folder, entry, seconds) for entry in entries), key=lambda recording: recording.name)


def recordings_print(recordings: list[Recording]) -> str:
    """Returns what tells recordings from others: the first digits of a SHA-256 of names, notes and samples."""
    digest = hashlib.sha256()
    for recording in recordings:
        digest.update(f"{recording.name} {recording.category} {recording.pitch}".encode())
        digest.update(recording.samples.tobytes())
    return digest.hexdigest()[:16]


def _listed(folder: Path) -> list[dict[str, Any]]:
    lists = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".csv", ".json"))
    if len(lists) > 1:
        raise StorageError(f"{folder}: {', '.join(path.name for path in lists)} are there; keep one list of the sounds")
    if lists:
        return _entries(lists[0])
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    names = [path.relative_to(folder) for path in paths]
    return [{"file": name.as_posix(), "category": name.parts[0] if len(name.parts) > 1 else ""} for name in names]


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        text = read_bytes(path).decode("utf-8-sig")
        entries = json.loads(text) if path.suffix.lower() == ".json" else list(csv.DictReader(io.StringIO(text)))
    except (ValueError, csv.Error) as error:
        raise StorageError(f"{path}: not a list of sounds ({error})") from error
    if not isinstance(entries, list) or not all(_names_a_file(entry) for entry in entries):
        raise StorageError(f"{path}: not a list of sounds: every entry needs a file")
    return entries


def _names_a_file(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("file"), str)


def _read(folder: Path, entry: dict[str, Any], seconds: float) -> Recording:
    sound = trim(load(folder / entry["file"], seconds=seconds))
    samples = np.ascontiguousarray(resample(sound.samples, sound.rate, RATE), np.float32)
    told = _pitch(entry)
    pitch = note_guesses(sound.samples, sound.rate, 1)[0].pitch if told is None else told
    hold = min(max(note_off(sound.samples, sound.rate), _SHORTEST_HOLD), len(samples) / RATE)
    return Recording(entry["file"], str(entry.get("category") or ""), samples, pitch, told is not None, hold)


def _pitch(entry: dict[str, Any]) -> int | None:
    value = entry.get("pitch_midi")
    if value in (None, ""):
        return None
    try:
        pitch = round(float(value))
    except (OverflowError, TypeError, ValueError):
        pitch = -1
    if not 0 <= pitch <= 127:
        raise AudioError(f"{entry['file']}: pitch_midi={value!r}: not in [0, 127]")
    return pitch


_SAMPLED = 32  # training presets that tell how loud the synth is


@dataclass(frozen=True)
class Material:
    """Sounds to infer presets from.

    Args:
        items: The sounds.
        mels: The same as models hear them, shape `(N, F, n)`.
        notes: Pitch, velocity and hold of each, shape `(N, 3)`.
        about: What the head of a result file says of them.
    """

    items: tuple[Item, ...]
    mels: np.ndarray
    notes: np.ndarray
    about: dict[str, Any]

    def take(self, places: list[int]) -> "Material":
        """Returns some of the sounds."""
        return Material(tuple(self.items[k] for k in places), self.mels[places], self.notes[places], self.about)


def held_out(examples: Examples, most: int | None = None) -> Material:
    """Returns the test part of the fold that examples are of.

    Some families have thousands of sounds that are hardly different. So families take turns: the second sound of one
    is only there if all others have given their first. In the `power` of the presets every family weighs the same.

    Args:
        examples: Where it is.
        most: Take no more than so many, the same ones every time; all if not given.

    Raises:
        OptionError: If there is nothing to test on.
    """
    everything = examples.rows("test")
    if not len(everything):
        raise OptionError(f"fold={examples.fold}: has no test sounds")
    rows = np.sort(_in_turn(everything, examples.family, examples.fold)[: most or len(everything)])
    length = inputs[examples.hears].length
    mels, points, notes = (np.asarray(values) for values in examples.take(rows)[:3])
    items = tuple(
        Item(int(row), int(examples.family[row]), str(examples.category[row]), _note(note, length), point.astype(float))
        for row, note, point in zip(rows, notes, points, strict=True)
    )
    about = {
        "part": "test",
        "items": len(items),
        "power": _power(examples.points[everything], examples.family[everything]),
    }
    return Material(items, mels, notes, about | {"chosen": hashlib.sha256(rows.tobytes()).hexdigest()[:16]})


def foreign(examples: Examples, recordings: list[Recording], engine: Engine, folder_print: str) -> Material:
    """Returns recordings, each scaled to the usual peak of the synth, at its own note.

    The paper's spectrograms depend on the level, so a recording has to be about as loud as what a model knows.

    Args:
        examples: Their kind of spectrogram, velocity and presets.
        recordings: The sounds.
        engine: The synth.
        folder_print: What tells these recordings from others.
    """
    heard, peak = inputs[examples.hears], usual_peak(examples, engine)
    velocity, items, mels = int(examples.notes[0, 1]), [], []
    for recording in recordings:
        sound = recording.samples * np.float32(peak / np.abs(recording.samples).max())
        note = Note(recording.pitch, velocity, recording.hold, len(sound) / RATE)
        items.append(Item(recording.name, recording.name, recording.category, note, sound=sound))
        samples = torch.from_numpy(resample(sound, RATE, heard.rate))[None]
        mels.append(heard.of(samples, heard.rate)[0].numpy())
    notes = np.array([[item.note.pitch, velocity, item.note.hold] for item in items], np.float32)
    about = {"part": "sounds", "items": len(items), "power": 0.0, "sounds": folder_print, "peak": round(peak, 6)}
    return Material(tuple(items), np.stack(mels), notes, about)


def usual_peak(examples: Examples, engine: Engine) -> float:
    """Returns the median peak of some presets of the examples; 1.0 is full scale.

    Args:
        examples: Where the presets are.
        engine: Plays them.
    """
    length, peaks = inputs[examples.hears].length, []
    for row in np.unique(np.linspace(0, len(examples.points) - 1, _SAMPLED).astype(int)):
        try:
            sound = engine.render(np.asarray(examples.points[row], float), _note(examples.notes[row], length), RATE)
        except RenderError:
            continue  # says nothing of how loud the others are
        peaks.append(float(np.abs(sound).max()))
    return max(float(np.median(peaks)), 1e-3) if peaks else 1.0


def _in_turn(rows: np.ndarray, family: np.ndarray, seed: int) -> np.ndarray:
    """Rows in random order, the first of every family before the second of any."""
    shuffled = np.random.default_rng(seed).permutation(rows)
    by_family = np.argsort(family[shuffled], kind="stable")
    _, first, size = np.unique(family[shuffled][by_family], return_index=True, return_counts=True)
    turn = np.empty(len(rows), int)
    turn[by_family] = np.arange(len(rows)) - np.repeat(first, size)
    return shuffled[np.argsort(turn, kind="stable")]


def _power(points: np.ndarray, family: np.ndarray) -> float:
    """Mean square of presets, mean of the families' means."""
    squares = np.square(points, dtype=float).mean(1)
    _, member, size = np.unique(family, return_inverse=True, return_counts=True)
    return float((np.bincount(member.ravel(), squares) / size).mean())


def _note(note: np.ndarray, length: float) -> Note:
    pitch, velocity, hold = note.tolist()
    return Note(round(pitch), round(velocity), hold, length)
