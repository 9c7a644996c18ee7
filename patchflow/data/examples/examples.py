"""Reads examples: what models are trained and tested on."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...errors import OptionError, StorageError
from ..attributes import Attribute, tags_of
from ..families import PARTS
from .content import load_arrays, read_about

__all__ = ["Examples"]

_BLOCK = 1024  # items that are converted to float at once


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
        tags: For each attribute -1, +1, or 0 where neither end applies, int8, shape `(N, M)`. See `data.attributes`.
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
