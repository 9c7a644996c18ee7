"""A bank: training presets of one synth with their families; how it is made, and how it fits a synth."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..engines import Engine, Note, Renderer, Subset
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..errors import PresetError, StorageError
from ..features.mel import mel_spectrogram, power_to_db
from ..parsing import damage_named, npz_arrays
from ..progress import Progress, ProgressCallback, ignore
from ..storage import read_bytes, write_atomically
from .families import join_families, near_duplicates, split_families

__all__ = ["Bank", "fitting", "make_bank"]

_HOW = "Make a bank of your presets: patchflow dataset recipes/banks/dexed.toml -o BANK.npz presets=FOLDER"

_LARGEST = 2**30  # bytes; a million presets

_RATE = 22_050
_NOTE = Note()
_JOB = 8  # presets that a thread gets at once

Split = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Returns the part of every preset, given points `(N, P)` and families `(N,)`."""


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


def _split_at_random(_: np.ndarray, family: np.ndarray) -> np.ndarray:
    return split_families(family)


def make_bank(
    points: np.ndarray,
    names: Sequence[str] | np.ndarray,
    renderer: Renderer,
    *,
    family: np.ndarray | None = None,
    silence: float = INAUDIBLE,
    split: Split = _split_at_random,
    progress: ProgressCallback = ignore,
) -> Bank:
    """Makes a bank of presets that can be heard.

    Two presets whose sounds at middle C are within 1 dB of log-mel L1 are of one family, and so are those that
    `family` joins; no family is divided between training, validation and test.

    Args:
        points: Encoded presets, shape `(N, P)`.
        names: Name of each, N texts.
        renderer: Plays them.
        family: Numbers of families known so far, shape `(N,)`; each preset is its own if not given.
        silence: Peak below which a sound counts as silent.
        split: Deals the families; at random, but always alike, if not given.
        progress: Called with the number of presets that were played, and of all.

    Raises:
        PresetError: If none can be heard.
    """

    def measure(engine: Engine, job: np.ndarray) -> np.ndarray:
        return _levels(engine, job, silence)

    jobs = [points[i : i + _JOB] for i in range(0, len(points), _JOB)]
    mels = []
    for part in renderer.map(measure, jobs):
        mels.append(part)
        progress(Progress("gather", min(len(points), _JOB * len(mels)), len(points), "presets"))
    levels = np.concatenate(mels) if mels else np.empty((0, 1, 1), np.float16)
    audible = np.nonzero(levels.max((1, 2)) > levels.min((1, 2)))[0]  # silence has one level everywhere
    if not len(audible):
        raise PresetError(f"none of {len(points)} presets can be heard: give others to learn from")
    known = np.arange(len(points)) if family is None else family
    joined = join_families(known[audible], near_duplicates(levels[audible]))
    kept = points[audible]
    return Bank(kept, joined, np.asarray(names)[audible], split(kept, joined))


def _levels(engine: Engine, points: np.ndarray, silence: float) -> np.ndarray:
    """Log-mel spectrograms in dB, float16 `(N, F, N')`; all alike where nothing can be heard."""
    sounds = np.stack([render_or_silence(engine, point, _NOTE, _RATE) for point in points])
    sounds[np.abs(sounds).max(1) < silence] = 0
    return power_to_db(mel_spectrogram(torch.from_numpy(sounds), _RATE)).half().numpy()
