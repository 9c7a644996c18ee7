"""A bank: the presets of one synth that a model learns from, and who is related to whom."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import StorageError

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
            with np.load(path, allow_pickle=False) as data:
                return cls(data["points"], data["family"], data["names"], data["split"])
        except (OSError, ValueError, KeyError) as error:
            raise StorageError(f"{path}: not a bank ({error}); make one with benchmarks/prepare_bank.py") from error

    def save(self, path: str | Path) -> None:
        """Writes a compressed NumPy archive without pickles."""
        np.savez_compressed(path, points=self.points, family=self.family, names=self.names, split=self.split)

    def part(self, split: str) -> "Bank":
        """Returns the presets of one split."""
        rows = self.split == split
        return Bank(self.points[rows], self.family[rows], self.names[rows], self.split[rows])
