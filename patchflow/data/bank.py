"""A bank: training presets of one synth with their families; how it is made, how it is divided, how it fits a synth.

Sounds that are nearly the same are a family, and no fold or split divides one.
"""

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

__all__ = ["PARTS", "Bank", "deal", "fitting", "join_families", "make_bank", "near_duplicates", "split_families"]

_BLOCK = 1024  # sounds that are compared with all others at once
_ROUNDING_DB = 1e-3  # more than float32 loses in the sums

_HOW = "Make a bank of your presets: patchflow dataset recipes/banks/dexed.toml -o BANK.npz presets=FOLDER"

_LARGEST = 2**30  # bytes; a million presets

_RATE = 22_050
_NOTE = Note()
_JOB = 8  # presets that a thread gets at once

Split = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Returns the part of every preset, given points `(N, P)` and families `(N,)`."""


def near_duplicates(mels: np.ndarray, radius_db: float = 1.0, progress: ProgressCallback = ignore) -> np.ndarray:
    """Finds all pairs of sounds whose log-mel L1 distance is at most `radius_db`.

    Exact: summed over the tiles of a partition, absolute differences only shrink (triangle inequality), so
    pairs are first found on a few sums and then checked on the full spectrograms.

    Args:
        mels: Log-mel spectrograms in dB, shape `(S, F, N)`, any dtype.
        radius_db: Largest distance of a pair, in dB.
        progress: Called with the number of sounds that were compared with all others.

    Returns:
        Pairs `(i, j)` with `i < j`, shape `(pairs, 2)`.
    """
    sums = torch.from_numpy(_tile_sums(mels))
    found = [np.empty((0, 2), int)]
    for start in range(0, len(sums), _BLOCK):
        least = torch.cdist(sums[start : start + _BLOCK], sums[start:], p=1)
        i, j = torch.nonzero(least <= radius_db + _ROUNDING_DB, as_tuple=True)
        near = np.stack([i.numpy(), j.numpy()], 1)[(i < j).numpy()] + start
        for part in range(0, len(near), 4 * _BLOCK):
            a, b = near[part : part + 4 * _BLOCK].T
            gap = np.abs(mels[a].astype(np.float32) - mels[b].astype(np.float32)).mean((1, 2))
            found.append(near[part : part + 4 * _BLOCK][gap <= radius_db])
        progress(Progress("relate", min(len(sums), start + _BLOCK), len(sums), "sounds"))
    return np.concatenate(found)


def join_families(family: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Returns families joined wherever a pair links them (single linkage).

    Args:
        family: Family numbers known so far, shape `(S,)`.
        pairs: Related sounds, shape `(pairs, 2)`.

    Returns:
        New family numbers from 0, shape `(S,)`.
    """
    # Families are the nodes of a graph and pairs its edges; its connected components are the new families.
    names, member = np.unique(family, return_inverse=True)
    links = member[pairs]
    # Imported here: a match loads banks, and no families.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(names), len(names)))
    _, component = connected_components(graph, directed=False)
    return component[member]


def split_families(family: np.ndarray, seed: int = 0, *, valid: float = 0.03, test: float = 0.05) -> np.ndarray:
    """Deals whole families to training, validation and test.

    Args:
        family: Family numbers, shape `(S,)`.
        seed: Seed of the deal.
        valid: Share of the families for validation.
        test: Share of the families for test.

    Returns:
        `"train"`, `"valid"` or `"test"`, shape `(S,)`.
    """
    # By number, so a pair that another machine's rounding joins or parts moves all families after it to other splits.
    # Banks whose split must hold everywhere name their presets instead, see `benchmarks/split.csv`.
    names, member = np.unique(family, return_inverse=True)
    draw = np.random.default_rng(seed).random(len(names))[member]
    valid_or_train = np.where(draw < test + valid, "valid", "train")
    return np.where(draw < test, "test", valid_or_train)


def _tile_sums(mels: np.ndarray) -> np.ndarray:
    """Sums over at most 10 by 12 tiles, as a share of the points of a spectrogram, shape `(S, tiles)`."""
    count, bands, frames = mels.shape
    rows = np.unique(np.arange(10) * bands // 10)  # first band of each tile; fewer than 10 if there are fewer bands
    columns = np.unique(np.arange(12) * frames // 12)
    sums = np.empty((count, len(rows), len(columns)), np.float32)
    for i in range(0, count, _BLOCK):
        block = mels[i : i + _BLOCK].astype(np.float32)
        strips = np.add.reduceat(block, rows, axis=1)
        sums[i : i + _BLOCK] = np.add.reduceat(strips, columns, axis=2)
    return sums.reshape(count, len(rows) * len(columns)) / np.float32(bands * frames)


PARTS = ("train", "valid", "test")
"""Names of the parts, in the order of their numbers."""

_LARGE = 0.25  # share of a fold
_FEW = 100  # items that are not too many for any fold


def deal(family: np.ndarray, folds: int, valid: float, seed: int) -> np.ndarray:
    """Returns the part of every item in every fold; a family is never divided.

    Large families are dealt first, each to the fold that has fewest items so far, so that folds are of about
    equal size. Validation takes families in random order, as long as they fit into its share.

    A family of more than 100 items and more than a quarter of a fold is for training in every fold, never for test.
    It is a chain of sounds, each near the next, whose ends have nothing in common. In one fold it would be most of
    the test set, and that fold's training would have no sounds like these.

    Args:
        family: Family numbers, shape `(N,)`.
        folds: Number of folds, K.
        valid: Share of what is not the test set that is for validation.
        seed: Seed of all random draws.

    Returns:
        Indices of `PARTS`, uint8, shape `(N, K)`.

    Example:
        >>> deal(np.array([0, 0, 1, 2, 3]), folds=2, valid=0.0, seed=0).tolist()
        [[2, 0], [2, 0], [0, 2], [0, 2], [2, 0]]
    """
    names, member, size = np.unique(family, return_inverse=True, return_counts=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    full = np.zeros(folds, int)
    fold = np.full(len(names), -1)
    chain = size > max(_FEW, _LARGE * len(family) / folds)
    for name in shuffled[np.argsort(-size[shuffled], kind="stable")]:
        if not chain[name]:
            fold[name] = full.argmin()
            full[fold[name]] += size[name]
    parts = np.zeros((len(names), folds), np.uint8)
    for k in range(folds):
        parts[fold == k, k] = PARTS.index("test")
        candidates = np.flatnonzero((fold != k) & ~chain)
        wanted = valid * size[fold != k].sum()
        parts[_random_families(size, candidates, wanted, (seed, k)), k] = PARTS.index("valid")
    return parts[member]


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


def _random_families(size: np.ndarray, names: np.ndarray, wanted: float, seed: tuple[int, int]) -> np.ndarray:
    """Families of about `wanted` items together, taken in random order as long as they fit."""
    chosen: list[int] = []
    for name in np.random.default_rng(seed).permutation(names):
        if size[name] <= wanted:
            chosen.append(name)
            wanted -= int(size[name])
    return np.array(chosen, int)


def _levels(engine: Engine, points: np.ndarray, silence: float) -> np.ndarray:
    """Log-mel spectrograms in dB, float16 `(N, F, N')`; all alike where nothing can be heard."""
    sounds = np.stack([render_or_silence(engine, point, _NOTE, _RATE) for point in points])
    sounds[np.abs(sounds).max(1) < silence] = 0
    return power_to_db(mel_spectrogram(torch.from_numpy(sounds), _RATE)).half().numpy()
