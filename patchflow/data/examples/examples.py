"""The files of examples, written whole and checked when read; and a fold of them, as models are trained on."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import OptionError, StorageError
from ...old_names import with_new_names
from ...parsing import damage_named, json_value, map_array, npy_array
from ...storage import array_bytes, make_folder, read_bytes, write_atomically
from ..bank import PARTS
from .attributes import Attribute, tags_of

__all__ = ["ABOUT", "Content", "Examples", "load_arrays", "read_about", "write_examples"]

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

_BLOCK = 1024  # items that are converted to float at once


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


class Examples:
    """Model inputs of sounds, with the presets that made them; read from a folder that `make_examples` filled.

    The threshold from which on a sound gets the tag of an attribute comes from the training sounds alone, so tags
    belong to a fold.

    Args:
        folder: Where they lie.
        fold: Number of the fold, from 0.
        synth: The synth they should be of; any if "".

    Attributes:
        synth: Name of the engine.
        parameters: Names of its parameters, P of them.
        input: Name of the model input, see `features.inputs`.
        fold: Number of the fold.
        folds: How many there are.
        attributes: Opposite ends of each attribute, M pairs; the first is tag -1, the second +1.
        mels: Model inputs, float16, shape `(N, F, n)`; on disk until they are used.
        points: Encoded presets, float32, shape `(N, P)`.
        notes: MIDI pitch, MIDI velocity and seconds held, float32, shape `(N, 3)`.
        tags: For each attribute -1, +1, or 0 where neither end applies, int8, shape `(N, M)`.
        family: Number of the family of each, shape `(N,)`.
        names: What each preset is called, shape `(N,)`.
        category: What its name says it is, or "", shape `(N,)`.

    Raises:
        StorageError: If the folder holds no examples, those of another synth or version, or damaged ones.
        OptionError: If there is no such fold.

    Example:
        >>> # examples = Examples("cache/examples/dexed-16", fold=2)
        >>> # mean, std = examples.statistics(examples.rows("train"))
    """

    def __init__(self, folder: str | Path, fold: int = 0, *, synth: str = "") -> None:
        folder = Path(folder)
        about = read_about(folder)
        self.synth: str = about["synth"]
        self.input: str = about["input"]
        self.fold = fold
        self.parameters: tuple[str, ...] = tuple(about["parameters"])
        if synth not in ("", self.synth):
            raise StorageError(f"{folder}: holds examples of synth {self.synth!r}, not {synth!r}")
        arrays = load_arrays(folder, about)
        self.mels = arrays["mels"]
        self.points = arrays["points"]
        self.notes = arrays["notes"]
        self.family = arrays["family"]
        self.names = arrays["names"]
        self.category = arrays["category"]
        self._parts = arrays["parts"]
        if not 0 <= fold < self.folds:
            raise OptionError(f"fold={fold}: not in [0, {self.folds - 1}]")
        attributes = [Attribute(*texts) for texts in about["attributes"]]
        self.attributes = tuple((attribute.low, attribute.high) for attribute in attributes)
        # Only measures are stored: thresholds that knew of other than this fold's training sounds would leak.
        self.tags = tags_of(arrays["measures"], attributes, self.rows("train"), about["tagged"])

    def __len__(self) -> int:
        return len(self.points)

    @property
    def folds(self) -> int:
        """How many folds there are."""
        return self._parts.shape[1]

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of a SHA-256 of synth, presets, notes, families and folds."""
        digest = hashlib.sha256(self.synth.encode())
        for values in (self.points, self.notes, self.family, self._parts):
            digest.update(values[:].tobytes())
        return digest.hexdigest()[:16]

    def rows(self, part: str, fold: int | None = None) -> np.ndarray:
        """Returns the numbers of the items of a part, shape `(K,)`, in order.

        Args:
            part: `"train"`, `"valid"` or `"test"`.
            fold: Must be the fold of these examples, if given.

        Raises:
            ValueError: If there is no such part, or the tags of these examples belong to another fold.
        """
        if part not in PARTS:
            raise ValueError(f"part={part!r}: not one of {', '.join(PARTS)}")
        if fold not in (None, self.fold):
            raise ValueError(f"fold={fold}: these are of fold {self.fold}; open Examples(folder, fold={fold})")
        return np.flatnonzero(self._parts[:, self.fold] == PARTS.index(part))

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns copies of the mels, points, notes and tags of some items."""
        return self.mels[rows], self.points[rows], self.notes[rows], self.tags[rows]

    def statistics(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns mean and standard deviation of every band over some items and all their frames.

        Args:
            rows: Numbers of the items; those of the training set, and no others, for normalisation.

        Returns:
            Both float32, shape `(F, 1)`; a deviation is at least 0.001, so that one may divide by it.

        Raises:
            ValueError: If there are none.
        """
        if not len(rows):
            raise ValueError("rows: none")
        # Two passes over the blocks: a mean of squares minus the square of the mean would lose the digits.
        count = len(rows) * self.mels.shape[2]
        mean = sum(block.sum((0, 2)) for block in self._blocks(rows)) / count
        variance = sum(((block - mean[:, None]) ** 2).sum((0, 2)) for block in self._blocks(rows)) / count
        deviation = np.maximum(np.sqrt(variance), 1e-3)
        return mean[:, None].astype(np.float32), deviation[:, None].astype(np.float32)

    def _blocks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        for first in range(0, len(rows), _BLOCK):
            yield self.mels[rows[first : first + _BLOCK]].astype(float)
