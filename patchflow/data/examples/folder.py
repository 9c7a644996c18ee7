"""The files of examples: arrays without pickles, and `about.json`, which is written last and says what they are."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import StorageError
from ...storage import describe, read_bytes, write_atomically
from .opposites import Opposites

__all__ = ["ABOUT", "FORMAT", "VERSION", "Content", "load_array", "read_about", "write_examples"]

ABOUT = "about.json"
FORMAT, VERSION = "patchflow-examples", 1
_LARGE = {"mels"}  # too large to be read as a whole before use


@dataclass(frozen=True)
class Content:
    """Examples as they are stored.

    Args:
        synth: Name of the engine.
        parameters: Names of its parameters, P of them.
        hears: What was made of the sounds, see `features.inputs`.
        mels: That, float16, shape `(N, F, n)`.
        points: Encoded presets, float32, shape `(N, P)`.
        notes: MIDI pitch, MIDI velocity and seconds held, float32, shape `(N, 3)`.
        family: Number of the family of each, shape `(N,)`.
        parts: Index of `PARTS` in every fold, uint8, shape `(N, K)`.
        names: What each preset is called, shape `(N,)`.
        category: What its name says it is, or "", shape `(N,)`.
        pairs: Opposite words, M of them.
        measures: What tells the words of each pair apart, float32, shape `(N, M)`.
        tagged: Share of training presets that a pair describes.
        facts: Whatever else is worth knowing, as JSON has it.
    """

    synth: str
    parameters: tuple[str, ...]
    hears: str
    mels: np.ndarray
    points: np.ndarray
    notes: np.ndarray
    family: np.ndarray
    parts: np.ndarray
    names: np.ndarray
    category: np.ndarray
    pairs: tuple[Opposites, ...] = ()
    measures: np.ndarray | None = None
    tagged: float = 0.31
    facts: Mapping[str, Any] = field(default_factory=dict)

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the arrays by the names of their files."""
        count = len(self.points)
        measures = np.empty((count, 0)) if self.measures is None else self.measures
        return {
            "mels": self.mels.astype(np.float16),
            "points": self.points.astype(np.float32),
            "notes": self.notes.astype(np.float32),
            "family": self.family.astype(np.int64),
            "parts": self.parts.astype(np.uint8),
            "names": self.names.astype(str),
            "category": self.category.astype(str),
            "measures": measures.astype(np.float32),
        }


def write_examples(folder: str | Path, content: Content) -> None:
    """Writes examples; the folder is one only when the last file is there.

    Args:
        folder: Where; made if it is not there.
        content: What to write.

    Raises:
        StorageError: If it cannot be written.
    """
    folder, files = Path(folder), {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make {folder}: {describe(error)}") from error
    for name, array in content.arrays().items():
        data = _npy(array)
        files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        write_atomically(folder / f"{name}.npy", data)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "synth": content.synth,
        "parameters": list(content.parameters),
        "hears": content.hears,
        "pairs": [[pair.low, pair.high, pair.measure] for pair in content.pairs],
        "tagged": content.tagged,
        **content.facts,
        "files": files,
    }
    write_atomically(folder / ABOUT, (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode())


def read_about(folder: Path) -> dict[str, Any]:
    """Returns what `about.json` says.

    Raises:
        StorageError: If there are no examples, or of another version, or they are damaged.
    """
    if not (folder / ABOUT).exists():
        raise StorageError(f"{folder}: holds no examples, or unfinished ones. Make them: patchflow dataset RECIPE -o ...")
    try:
        about = json.loads(read_bytes(folder / ABOUT))
        if about["format"] != FORMAT:
            raise StorageError(f"{folder}: holds no examples (format={about['format']!r})")
        if about["version"] != VERSION:
            raise StorageError(f"{folder}: version={about['version']!r}: this patchflow reads {VERSION}. Make it again.")
        _check(about)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{folder / ABOUT}: damaged ({error}). Remove the folder and make it again.") from error
    return about


def load_array(folder: Path, name: str, about: Mapping[str, Any]) -> np.ndarray:
    """Returns an array; large ones stay on disk, small ones are checked to the byte.

    Raises:
        StorageError: If it is missing or not as it was written.
    """
    path, wanted = folder / f"{name}.npy", about["files"][name]
    try:
        size = path.stat().st_size
        if size != wanted["bytes"]:
            raise ValueError(f"has {size:,} bytes, not {wanted['bytes']:,}")
        if name in _LARGE:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        data = read_bytes(path)
        if hashlib.sha256(data).hexdigest() != wanted["sha256"]:
            raise ValueError("is not as it was written")
        return np.load(io.BytesIO(data), allow_pickle=False)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {describe(error)}") from error
    except (EOFError, ValueError) as error:
        raise StorageError(f"{path}: damaged ({error}). Remove the folder and make it again.") from error


def _check(about: Mapping[str, Any]) -> None:
    """Makes sure that what is read of it later is there."""
    for key, kind in (("synth", str), ("hears", str), ("tagged", (int, float)), ("parameters", list)):
        if not isinstance(about[key], kind):
            raise TypeError(f"{key}={about[key]!r}")
    for low, high, measure in about["pairs"]:
        Opposites(str(low), str(high), str(measure))
    for name, facts in about["files"].items():
        if not isinstance(facts["sha256"], str) or not isinstance(facts["bytes"], int):
            raise TypeError(f"files: {name}")


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
