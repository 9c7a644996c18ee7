"""Sounds of a folder, with the category and the note that a list beside them tells, or that are guessed."""

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.envelope import note_off
from ..audio.load import load
from ..audio.pitch import note_guesses
from ..audio.resample import resample
from ..audio.trim import trim
from ..errors import AudioError, StorageError
from ..storage import read_bytes
from .judge import RATE

__all__ = ["Recording", "read_recordings", "recordings_print"]

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
