"""A bank: training presets of one synth with their families, and how they fit a synth."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engines import Engine, Subset
from ..errors import StorageError
from ..parsing import damage_named, npz_arrays
from ..storage import read_bytes, write_atomically

__all__ = ["Bank", "fitting"]

_HOW = "Make a bank of your presets: patchflow dataset recipes/banks/dexed.toml -o BANK.npz presets=FOLDER"


_LARGEST = 2**30  # bytes; a million presets


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
        with damage_named(path, hint=_HOW, is_what="not a bank"):
            bank = cls(**npz_arrays(read_bytes(path, _LARGEST), ("points", "family", "names", "split")))
            _check(bank)
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


def _check(bank: Bank) -> None:
    """Makes sure that the parts fit together, and hold what they should.

    Raises:
        ValueError: If not.
    """
    count = len(bank.points) if bank.points.ndim == 2 else -1
    if {bank.family.shape, bank.names.shape, bank.split.shape} != {(count,)}:
        raise ValueError("its parts differ in length")
    kinds = (bank.points.dtype.kind, bank.family.dtype.kind, bank.names.dtype.kind, bank.split.dtype.kind)
    if kinds[0] != "f" or kinds[1] not in "iu" or kinds[2:] != ("U", "U"):
        raise ValueError("its parts are not numbers and texts")
    # NaN, too, is not in the cube
    if not ((bank.points >= 0) & (bank.points <= 1)).all():
        raise ValueError("points: not in [0, 1]")


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
