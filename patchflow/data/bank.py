"""A bank: the presets of one synth that a model learns from, and who is related to whom."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import StorageError
from ..storage import read_bytes, write_atomically

__all__ = ["Bank"]


@dataclass(frozen=True)
class Bank:
    """Presets of one synth with their families.

    Args:
        points: Encoded presets, shape `(N, P)`.
        family: Number of the sound family of each, shape `(N,)`; relatives share it.
        names: Name of each, shape `(N,)`.
        split: `"train"`, `"valid"` or `"test"` for each, shape `(N,)`; a family is never divided.
    """

    points: np.ndarray
    family: np.ndarray
    names: np.ndarray
    split: np.ndarray

    @classmethod
    def load(cls, path: str | Path) -> "Bank":
        """Reads what `save` wrote.

        Raises:
            StorageError: If the file is missing or not a bank.
        """
        try:
            with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as data:
                bank = cls(data["points"], data["family"], data["names"], data["split"])
        except (AttributeError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise StorageError(f"{path}: not a bank ({error}). Make one with benchmarks/prepare_bank.py.") from error
        if bank.points.ndim != 2 or {len(bank.points)} != {len(bank.family), len(bank.names), len(bank.split)}:
            raise StorageError(f"{path}: not a bank (its parts differ in length). Make it again.")
        return bank

    def save(self, path: str | Path) -> None:
        """Writes a compressed NumPy archive without pickles.

        Raises:
            StorageError: If the file cannot be written.
        """
        data = io.BytesIO()
        np.savez_compressed(
            data, points=self.points, family=self.family, names=self.names.astype(str), split=self.split.astype(str)
        )
        write_atomically(path, data.getvalue())

    def part(self, split: str) -> "Bank":
        """Returns the presets of one split."""
        rows = self.split == split
        return Bank(self.points[rows], self.family[rows], self.names[rows], self.split[rows])
