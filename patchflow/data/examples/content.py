"""The files of examples: arrays without pickles, and `about.json`, which is written last."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import StorageError
from ...old_names import with_new_names
from ...parsing import damage_named, json_value, map_array, npy_array
from ...storage import array_bytes, make_folder, read_bytes, write_atomically
from ..attributes import Attribute

__all__ = ["ABOUT", "Content", "load_arrays", "read_about", "write_examples"]

ABOUT = "about.json"
_FORMAT = "patchflow-examples"
_VERSION = 2
_READABLE = (1, 2)  # version 1 has older names of keys
_AGAIN = "Remove the folder and make it again."
_ARRAYS = ("mels", "points", "notes", "family", "parts", "names", "category", "measures")
_LARGE = {"mels"}  # too large to be read as a whole before use
_TYPES = {
    "mels": np.float16,
    "points": np.float32,
    "notes": np.float32,
    "family": np.int64,
    "parts": np.uint8,
    "names": str,
    "category": str,
    "measures": np.float32,
}


@dataclass(frozen=True)
class Content:
    """Examples as they are stored.

    Args:
        synth: Name of the engine.
        parameters: Names of its parameters, P of them.
        input: Name of the model input, see `features.inputs`.
        mels: Model inputs, float16, shape `(N, F, n)`.
        points: Encoded presets, float32, shape `(N, P)`.
        notes: MIDI pitch, MIDI velocity and seconds held, float32, shape `(N, 3)`.
        family: Number of the family of each, shape `(N,)`.
        parts: Index of `PARTS` in every fold, uint8, shape `(N, K)`.
        names: What each preset is called, shape `(N,)`.
        category: What its name says it is, or "", shape `(N,)`.
        attributes: The attributes, M of them.
        measures: The measure of each attribute, float32, shape `(N, M)`.
        tagged: Share of the training presets that get a tag of each measured attribute.
        facts: Further facts for `about.json`, JSON-serialisable.
    """

    synth: str
    parameters: tuple[str, ...]
    input: str
    mels: np.ndarray
    points: np.ndarray
    notes: np.ndarray
    family: np.ndarray
    parts: np.ndarray
    names: np.ndarray
    category: np.ndarray
    attributes: tuple[Attribute, ...] = ()
    measures: np.ndarray | None = None
    tagged: float = 0.31
    facts: Mapping[str, Any] = field(default_factory=dict)

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the arrays by the names of their files."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        if self.measures is None:
            arrays["measures"] = np.empty((len(self.points), 0))
        return {name: array.astype(_TYPES[name]) for name, array in arrays.items()}


def write_examples(folder: str | Path, content: Content) -> None:
    """Writes examples; the folder is valid only when the last file is there.

    Args:
        folder: Where; made if it is not there.
        content: What to write.

    Raises:
        StorageError: If it cannot be written.
    """
    folder = Path(folder)
    make_folder(folder)
    files = {}
    for name, array in content.arrays().items():
        data = array_bytes(array)
        files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        write_atomically(folder / f"{name}.npy", data)
    about = {
        "format": _FORMAT,
        "version": _VERSION,
        "synth": content.synth,
        "parameters": list(content.parameters),
        "input": content.input,
        "attributes": [[attribute.low, attribute.high, attribute.measure] for attribute in content.attributes],
        "tagged": content.tagged,
        **content.facts,
        "files": files,
    }
    # Last, and under a temporary name first: a folder with this file is complete, whenever the process was killed.
    write_atomically(folder / ABOUT, (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode())


def read_about(folder: Path) -> dict[str, Any]:
    """Returns what `about.json` says.

    Raises:
        StorageError: If there are no examples, or of another version, or they are damaged.
    """
    if not (folder / ABOUT).exists():
        raise StorageError(f"{folder}: holds no examples, or unfinished ones. Make them: patchflow dataset RECIPE")
    with damage_named(folder / ABOUT, hint=_AGAIN):
        about = json_value(read_bytes(folder / ABOUT))
        if about["format"] != _FORMAT:
            raise StorageError(f"{folder}: holds no examples (format={about['format']!r})")
        if about["version"] not in _READABLE:
            raise StorageError(
                f"{folder}: version={about['version']!r}, not the {_VERSION} of this patchflow. Make it again."
            )
        about = with_new_names("examples", about)
        _check_about(about)
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
    widths = {"points": len(about["parameters"]), "measures": len(about["attributes"]), "notes": 3}
    tables_fit = all(arrays[name].shape == (count, width) for name, width in widths.items())
    counts_fit = all(len(array) == count for array in arrays.values())
    if not tables_fit or not counts_fit or arrays["mels"].ndim != 3:
        raise StorageError(f"{folder}: damaged (its arrays do not fit together). Remove it and make it again.")
    return arrays


def _load(path: Path, wanted: Mapping[str, Any]) -> np.ndarray:
    with damage_named(path, hint=_AGAIN):
        same = path.stat().st_size == wanted["bytes"]
        if path.stem in _LARGE:
            # A checksum would read gigabytes before the first use: the size finds a file that was cut off.
            if same:
                return map_array(path)
        else:
            data = read_bytes(path)
            if same and hashlib.sha256(data).hexdigest() == wanted["sha256"]:
                return npy_array(data)
        raise StorageError(f"{path}: is not as it was written. {_AGAIN}")


def _check_about(about: Mapping[str, Any]) -> None:
    """Makes sure that every key that is read later is there and has the right type."""
    for key, kind in (("synth", str), ("input", str), ("tagged", (int, float)), ("parameters", list)):
        if not isinstance(about[key], kind):
            raise TypeError(f"{key}={about[key]!r}")
    if not 0 <= about["tagged"] <= 1:
        raise ValueError(f"tagged={about['tagged']!r}: not in [0, 1]")
    for low, high, measure in about["attributes"]:
        Attribute(str(low), str(high), str(measure))
    for name, facts in about["files"].items():
        if not isinstance(facts["sha256"], str) or not isinstance(facts["bytes"], int):
            raise TypeError(f"files: {name}")
