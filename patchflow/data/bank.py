"""A bank: training presets of one synth with their families, and how they fit a synth."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engines import Engine, Subset
from ..errors import StorageError
from ..storage import read_bytes, write_atomically

__all__ = ["Bank", "fitting"]

_HOW = "Make a bank of your presets: patchflow dataset recipes/banks/dexed.toml -o BANK.npz presets=FOLDER"


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
        if not Path(path).exists():
            raise StorageError(f"{path}: no such file. {_HOW}")
        try:
            with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as data:
                bank = cls(data["points"], data["family"], data["names"], data["split"])
        except (AttributeError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise StorageError(f"{path}: not a bank ({error}). {_HOW}") from error
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


def fitting(points: np.ndarray, make: type[Engine], synth: str, path: str | Path) -> np.ndarray:
    """Returns presets with the parameters of a synth; of a subset of a whole synth, the free parameters alone.

    Args:
        points: Encoded presets of the synth, or of the whole one it is a `Subset` of, shape `(N, Q)`.
        make: The engine.
        synth: Its name, for the message.
        path: File they come from, for the message.

    Returns:
        Encoded presets of the synth, shape `(N, P)`.

    Raises:
        StorageError: If they are of another synth.

    Example:
        >>> from patchflow.engines import engines
        >>> fitting(np.full((2, 145), 0.5), engines["dexed_16"], "dexed_16", "bank.npz").shape
        (2, 16)
    """
    found = points.shape[1]
    if found == len(make.space):
        return points
    if issubclass(make, Subset) and found == len(make.base.space):
        return make.projected(points)
    wanted = f"the {len(make.space)} of synth {synth!r}"
    if issubclass(make, Subset):
        wanted += f" or the {len(make.base.space)} of {make.selection.engine!r}"
    raise StorageError(f"{path}: has {found} parameters, not {wanted}")
