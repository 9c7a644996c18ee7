"""Test sets: the test part of a fold, or the out-of-domain sounds of a folder."""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..audio.conditioning import resample
from ..audio.loudness import note_off
from ..audio.pitch import note_guesses
from ..audio.sound import trim
from ..audio.sound_file import load
from ..data.examples import Examples
from ..engines import Engine, Note
from ..errors import AudioError, OptionError, RenderError, StorageError
from ..features.inputs import inputs
from ..parsing import damage_named, json_value
from ..storage import read_bytes
from .predictions import SCORE_RATE, TestItem

__all__ = [
    "Recording",
    "TestSet",
    "held_out",
    "median_peak",
    "out_of_domain",
    "read_recordings",
    "recordings_fingerprint",
]

_LARGEST = 2**24  # bytes of a list of sounds
_SUFFIXES = {".aif", ".aiff", ".flac", ".mp3", ".ogg", ".wav"}
_SHORTEST_HOLD = 0.02


@dataclass(frozen=True)
class Recording:
    """An out-of-domain sound: no known preset makes it.

    Args:
        name: Its file, relative to the folder.
        category: What kind of sound it is; "" if not known.
        samples: Mono at 44,100 Hz, from its first audible sample on, shape `(T,)`.
        pitch: MIDI note, 0 to 127.
        note_known: Whether the list has the note; else it was estimated from the sound.
        hold: Seconds after which the key seems to be released.
    """

    name: str
    category: str
    samples: np.ndarray
    pitch: int
    note_known: bool
    hold: float


def read_recordings(folder: str | Path, seconds: float = 4.0) -> list[Recording]:
    """Reads the sounds of a folder.

    A `.csv` file in it with the columns `file`, `category` and `pitch_midi` (MIDI note), or a `.json` file of a list of
    such entries, lists them; columns and single notes may be missing. Without a list all sound files are read, also
    those of the folders below, whose names are the categories.

    Args:
        folder: The folder.
        seconds: The longest part of a sound that is read.

    Returns:
        The sounds, by name.

    Raises:
        StorageError: If the folder has no sounds, or a file cannot be read.
        AudioError: If a file is not a sound, or the note of one is not in [0, 127].
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StorageError(f"cannot read {folder}: no such folder")
    entries = _listed(folder)
    if not entries:
        raise StorageError(f"{folder}: has no sounds ({', '.join(sorted(_SUFFIXES))})")
    recordings = [_read(folder, entry, seconds) for entry in entries]
    return sorted(recordings, key=lambda recording: recording.name)


def recordings_fingerprint(recordings: list[Recording]) -> str:
    """Returns a fingerprint of recordings: the first digits of a SHA-256 of names, categories, notes and samples."""
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
    entries = []
    for path in paths:
        name = path.relative_to(folder)
        category = name.parts[0] if len(name.parts) > 1 else ""
        entries.append({"file": name.as_posix(), "category": category})
    return entries


def _entries(path: Path) -> list[dict[str, Any]]:
    with damage_named(path, is_what="not a list of sounds"):
        text = read_bytes(path, _LARGEST).decode("utf-8-sig")
        is_json = path.suffix.lower() == ".json"
        entries = json_value(text) if is_json else list(csv.DictReader(io.StringIO(text)))
    if not isinstance(entries, list) or not all(_names_a_file(entry) for entry in entries):
        raise StorageError(f"{path}: not a list of sounds: every entry needs a file")
    return entries


def _names_a_file(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("file"), str)


def _read(folder: Path, entry: dict[str, Any], seconds: float) -> Recording:
    sound = trim(load(folder / entry["file"], seconds=seconds))
    samples = np.ascontiguousarray(resample(sound.samples, sound.rate, SCORE_RATE), np.float32)
    category = str(entry.get("category") or "")
    listed = _pitch(entry)
    pitch = note_guesses(sound.samples, sound.rate, 1)[0].pitch if listed is None else listed
    hold = max(note_off(sound.samples, sound.rate), _SHORTEST_HOLD)
    hold = min(hold, len(samples) / SCORE_RATE)
    return Recording(entry["file"], category, samples, pitch, note_known=listed is not None, hold=hold)


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


_SAMPLED = 32  # presets whose peaks show how loud the synth is


@dataclass(frozen=True)
class TestSet:
    """Target sounds, for which presets are predicted.

    Args:
        items: The sounds.
        mels: The same sounds as model input, shape `(N, F, n)`.
        notes: Pitch, velocity and hold of each, shape `(N, 3)`.
        about: The lines about them in the head of a result file.
    """

    items: tuple[TestItem, ...]
    mels: np.ndarray
    notes: np.ndarray
    about: dict[str, Any]

    def take(self, places: list[int]) -> "TestSet":
        """Returns some of the sounds."""
        items = tuple(self.items[place] for place in places)
        return TestSet(items, self.mels[places], self.notes[places], self.about)


def held_out(examples: Examples, most: int | None = None) -> TestSet:
    """Returns the test part of the fold that examples are of.

    Some families have thousands of sounds that hardly differ. So families take turns: the second sound of one is taken
    only after all others have given their first. In the `power` of the presets every family weighs the same.

    Args:
        examples: The examples.
        most: The most sounds to take, the same ones every time; all if not given.

    Raises:
        OptionError: If there is nothing to test on.
    """
    everything = examples.rows("test")
    if not len(everything):
        raise OptionError(f"fold={examples.fold}: has no test sounds")
    rows = np.sort(_in_turn(everything, examples.family, examples.fold)[: most or len(everything)])
    length = inputs[examples.input].length
    mels, points, notes = (np.asarray(values) for values in examples.take(rows)[:3])
    items = []
    for row, point, note in zip(rows, points, notes, strict=True):
        family = int(examples.family[row])
        category = str(examples.category[row])
        items.append(TestItem(int(row), family, category, _note(note, length), point.astype(float)))
    about = {
        "part": "test",
        "items": len(items),
        "power": _power(examples.points[everything], examples.family[everything]),
        "chosen": hashlib.sha256(rows.tobytes()).hexdigest()[:16],
    }
    return TestSet(tuple(items), mels, notes, about)


def out_of_domain(examples: Examples, recordings: list[Recording], engine: Engine, folder_print: str) -> TestSet:
    """Returns recordings, each scaled to the usual peak of the synth, at its own note.

    The paper's spectrograms depend on the level, so a recording has to be about as loud as the examples.

    Args:
        examples: Their kind of model input, velocity and presets are used.
        recordings: The sounds.
        engine: The synth.
        folder_print: Fingerprint of these recordings, see `recordings_fingerprint`.
    """
    model_input = inputs[examples.input]
    peak = median_peak(examples, engine)
    velocity = int(examples.notes[0, 1])
    items = []
    mels = []
    for recording in recordings:
        sound = recording.samples * np.float32(peak / np.abs(recording.samples).max())
        note = Note(recording.pitch, velocity, recording.hold, len(sound) / SCORE_RATE)
        # A family of its own: nothing says that two recordings are alike.
        items.append(TestItem(recording.name, recording.name, recording.category, note, sound=sound))
        samples = torch.from_numpy(resample(sound, SCORE_RATE, model_input.rate))[None]
        mels.append(model_input.of(samples, model_input.rate)[0].numpy())
    notes = np.array([[item.note.pitch, velocity, item.note.hold] for item in items], np.float32)
    # Nobody knows the true presets, so their power is 0 and there is no error of the parameters.
    about = {"part": "sounds", "items": len(items), "power": 0.0, "sounds": folder_print, "peak": round(peak, 6)}
    return TestSet(tuple(items), np.stack(mels), notes, about)


def median_peak(examples: Examples, engine: Engine) -> float:
    """Returns the median peak of some presets of the examples; 1.0 is full scale.

    Args:
        examples: The presets.
        engine: The synth that plays them.
    """
    length = inputs[examples.input].length
    peaks = []
    for row in np.unique(np.linspace(0, len(examples.points) - 1, _SAMPLED).astype(int)):
        point = np.asarray(examples.points[row], float)
        try:
            sound = engine.render(point, _note(examples.notes[row], length), SCORE_RATE)
        except RenderError:
            continue  # says nothing about how loud the others are
        peaks.append(float(np.abs(sound).max()))
    return max(float(np.median(peaks)), 1e-3) if peaks else 1.0


def _in_turn(rows: np.ndarray, family: np.ndarray, seed: int) -> np.ndarray:
    """Rows in random order, the first of every family before the second of any."""
    # Sorted by family (stable, so in random order within one), a row's turn is its distance from the family's first.
    # Sorted by turn again, all first rows come before all second ones, still in random order.
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
