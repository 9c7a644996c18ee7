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
from ...storage import array_bytes, make_folder, read_bytes, reason, write_atomically
from ..attributes import Opposites

__all__ = ["ABOUT", "Content", "load_arrays", "read_about", "write_examples"]

ABOUT = "about.json"
_FORMAT, _VERSION = "patchflow-examples", 1
_ARRAYS = ("mels", "points", "notes", "family", "parts", "names", "category", "measures")
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
        count, types = len(self.points), {"mels": np.float16, "parts": np.uint8, "family": np.int64}
        measures = np.empty((count, 0)) if self.measures is None else self.measures
        found = {name: getattr(self, name) for name in _ARRAYS} | {"measures": measures}
        texts = dict.fromkeys(("names", "category"), str)
        return {name: array.astype({**types, **texts}.get(name, np.float32)) for name, array in found.items()}


def write_examples(folder: str | Path, content: Content) -> None:
    """Writes examples; the folder is one only when the last file is there.

    Args:
        folder: Where; made if it is not there.
        content: What to write.

    Raises:
        StorageError: If it cannot be written.
    """
    folder, files = Path(folder), {}
    make_folder(folder)
    for name, array in content.arrays().items():
        data = array_bytes(array)
        files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        write_atomically(folder / f"{name}.npy", data)
    about = {
        "format": _FORMAT,
        "version": _VERSION,
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
        raise StorageError(f"{folder}: holds no examples, or unfinished ones. Make them: patchflow dataset RECIPE")
    try:
        about = json.loads(read_bytes(folder / ABOUT))
        if about["format"] != _FORMAT:
            raise StorageError(f"{folder}: holds no examples (format={about['format']!r})")
        if about["version"] != _VERSION:
            raise StorageError(
                f"{folder}: version={about['version']!r}, not the {_VERSION} of this patchflow. Make it again."
            )
        _check(about)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{folder / ABOUT}: damaged ({error}). Remove the folder and make it again.") from error
    return about


def load_arrays(folder: Path, about: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Returns the arrays by name; large ones stay on disk, small ones are checked to the byte.

    Args:
        folder: Where they are.
        about: What `read_about` returned.

    Raises:
        StorageError: If one is missing or not as it was written, or they do not fit together.
    """
    for name in _ARRAYS:
        if name not in about["files"]:
            raise StorageError(f"{folder}: damaged ({name!r} is missing). Remove it and make it again.")
    arrays = {name: _load(folder / f"{name}.npy", about["files"][name]) for name in _ARRAYS}
    count = len(arrays["points"])
    widths = {"points": len(about["parameters"]), "measures": len(about["pairs"]), "notes": 3}
    fit = all(arrays[name].shape == (count, width) for name, width in widths.items())
    if not fit or {len(array) for array in arrays.values()} != {count} or arrays["mels"].ndim != 3:
        raise StorageError(f"{folder}: damaged (its arrays do not fit together). Remove it and make it again.")
    return arrays


def _load(path: Path, wanted: Mapping[str, Any]) -> np.ndarray:
    try:
        size, large = path.stat().st_size, path.stem in _LARGE
        data = b"" if large else read_bytes(path)
        if size != wanted["bytes"] or not (large or hashlib.sha256(data).hexdigest() == wanted["sha256"]):
            raise StorageError(f"{path}: is not as it was written. Remove the folder and make it again.")
        if large:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        return np.load(io.BytesIO(data), allow_pickle=False)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {reason(error)}") from error
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
