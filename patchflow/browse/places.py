"""Places of presets on a map: two directions of the ear, shipped with it or found once and kept."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingDependency, OptionError
from ..features.measures import MEASURES
from ..parsing import damage_named, npz_arrays
from ..progress import TellCallback, tell_nobody
from ..storage import make_folder, read_bytes, user_folder, write_atomically
from .shelf import Shelf, ear_version, embedded_synths

__all__ = [
    "ENOUGH",
    "HOW",
    "AxisMeaning",
    "MapAxes",
    "axes_bytes",
    "find_axes",
    "meanings",
    "most_like",
    "nearest",
    "places",
    "shipped_axes_file",
    "spread_out",
]

HOW = ("pca", "umap")
"""How places are found."""

ENOUGH = 200
"""Presets with a sound that it takes to find directions which are kept; those of fewer are used once."""

_LEAST_CORRELATION = 0.3  # of ranks, from which on a direction is called after an attribute
_ARRAYS = ("centre", "directions", "spread")
_SEED = 0  # of UMAP
_BLOCK = 2_048  # rows that are compared with all at once


@dataclass(frozen=True)
class MapAxes:
    """Two directions in the space of an ear.

    Args:
        centre: The middle of the sounds that they were found in, shape `(width,)`.
        directions: Of unit length, at right angles, shape `(2, width)`.
        spread: Standard deviation of those sounds along the first direction.
    """

    centre: np.ndarray
    directions: np.ndarray
    spread: float

    def place(self, vectors: np.ndarray) -> np.ndarray:
        """Returns the places of sounds: a place depends on the sound alone.

        Args:
            vectors: Of the ear, shape `(N, width)`.

        Returns:
            In `spread`, shape `(N, 2)`; NaN for a row of zeros or one that is not known: silence is nowhere.
        """
        found = (vectors.astype(np.float64) - self.centre) @ self.directions.T / self.spread
        found[~_is_known(vectors)] = np.nan
        return found


@dataclass(frozen=True)
class AxisMeaning:
    """The attribute that goes along with a direction of a map.

    Args:
        measure: Its column in `MEASURES`.
        correlation: Of the ranks, -1 to 1.
    """

    measure: int
    correlation: float


def places(
    shelf: Shelf, *, how: str = "pca", ear: str = "", folder: Path | None = None, tell: TellCallback = tell_nobody
) -> np.ndarray:
    """Returns where the presets of a shelf lie on the map of their ear.

    The directions are those that are shipped with the ear; if these are of another ear, those of the presets that come
    with the package; if these too are of another one, those that were found earlier on this computer; else they are
    found now, in this shelf, and kept if it has `ENOUGH` presets. So presets that come later move no others, but where
    directions are of fewer presets, which is told. By UMAP a place is kept from `ENOUGH` presets on.

    Give the whole shelf, and choose among the places: directions of a part are not those of the whole.

    References:
        McInnes, Healy and Melville, UMAP: Uniform Manifold Approximation and Projection (2018),
        https://arxiv.org/abs/1802.03426

    Args:
        shelf: Presets with vectors of the ear.
        how: `"pca"`, or `"umap"`, which keeps more of who is near whom and says less about directions.
        ear: Version of the ear; that of the one which is installed if not given.
        folder: Where directions are kept; in the user's own folder if not given.
        tell: Called with a line where the directions are not those that are shipped.

    Returns:
        Shape `(N, 2)`; NaN for presets without a sound.

    Raises:
        OptionError: If `how` is neither.
        MissingDependency: If UMAP is not installed.
        StorageError: If the folder cannot be read or written, or a file in it is damaged.
    """
    if how not in HOW:
        raise OptionError(f"how={how}: not {' or '.join(HOW)}")
    ear = ear or ear_version()
    folder = user_folder() / "map" if folder is None else folder
    if how == "umap":
        return _by_umap(shelf.vectors, folder / f"umap-{ear}.npz", keep=not shelf.part)
    return _axes(shelf, ear, folder, tell).place(shelf.vectors)


def find_axes(vectors: np.ndarray, measures: np.ndarray) -> MapAxes:
    """Finds the two directions in which sounds differ most.

    Each points to more of the attribute that goes along with it most, so that two runs and two machines agree.

    Args:
        vectors: Of the ear, shape `(N, width)`; rows of zeros do not count.
        measures: Their attributes, shape `(N, len(MEASURES))`.
    """
    known = _is_known(vectors)
    sounds = vectors[known].astype(np.float64)
    width = vectors.shape[1]
    if not len(sounds):
        return MapAxes(np.zeros(width), np.eye(2, width), 1.0)
    centre = sounds.mean(axis=0)
    # Of the covariance, since that is small whatever the number of sounds; eigenvalues come in ascending order.
    values, columns = np.linalg.eigh((sounds - centre).T @ (sounds - centre) / len(sounds))
    axes = MapAxes(centre, columns[:, :-3:-1].T.copy(), float(np.sqrt(max(values[-1], 0.0))) or 1.0)
    if axes.spread < 1e-9:  # one sound, or several that are all the same
        axes = MapAxes(centre, axes.directions, 1.0)
    signs = [_sign(axes, row, meaning) for row, meaning in enumerate(meanings(axes.place(sounds), measures[known]))]
    return MapAxes(centre, axes.directions * np.array(signs)[:, None], axes.spread)


def meanings(where: np.ndarray, measures: np.ndarray) -> tuple[AxisMeaning | None, AxisMeaning | None]:
    """Returns the attribute that goes along with each direction most; None where none does.

    Args:
        where: Places, shape `(N, 2)`.
        measures: Attributes of the same presets, shape `(N, len(MEASURES))`.
    """
    first, second = (_meaning(where[:, axis], measures) for axis in range(2))
    return first, second


def spread_out(vectors: np.ndarray, count: int) -> np.ndarray:
    """Returns rows that are as far from each other as can be: each next one is the farthest from those before.

    References:
        Gonzalez, Clustering to minimize the maximum intercluster distance (1985),
        https://doi.org/10.1016/0304-3975(85)90224-5

    Args:
        vectors: Of unit length, shape `(N, width)`.
        count: How many are wanted, at most.

    Returns:
        Ascending.

    Example:
        >>> spread_out(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), 2).tolist()
        [0, 2]
    """
    if count >= len(vectors):
        return np.arange(len(vectors))
    found = [0]
    nearness = vectors @ vectors[0]
    while len(found) < count:
        farthest = int(nearness.argmin())
        found.append(farthest)
        nearness = np.maximum(nearness, vectors @ vectors[farthest])
    return np.unique(found)


def most_like(vectors: np.ndarray, heard: Sequence[int]) -> np.ndarray:
    """Returns for each row which of some rows is itself or, if it is none of them, the most like it.

    Args:
        vectors: Of unit length, shape `(N, width)`.
        heard: The rows in question.

    Returns:
        Places in `heard`, -1 where that is empty, shape `(N,)`.
    """
    found = np.full(len(vectors), -1)
    if not heard:
        return found
    for first in range(0, len(vectors), _BLOCK):
        found[first : first + _BLOCK] = (vectors[first : first + _BLOCK] @ vectors[heard].T).argmax(axis=1)
    found[np.array(heard)] = np.arange(len(heard))
    return found


def nearest(vectors: np.ndarray, most: int) -> np.ndarray:
    """Returns the rows that are most like each row, the most alike first and itself left out.

    Args:
        vectors: Of unit length, shape `(N, width)`.
        most: How many are wanted; there are fewer where there are fewer rows.

    Returns:
        Shape `(N, most)`.
    """
    count = min(most, len(vectors) - 1)
    found = np.zeros((len(vectors), count), np.uint32)
    for first in range(0, len(vectors) if count else 0, _BLOCK):
        nearness = vectors[first : first + _BLOCK] @ vectors.T
        rows = np.arange(len(nearness))
        nearness[rows, rows + first] = -np.inf
        best = np.argpartition(-nearness, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(nearness, best, axis=1), axis=1, kind="stable")
        found[first : first + _BLOCK] = np.take_along_axis(best, order, axis=1)
    return found


def shipped_axes_file() -> Path:
    """Returns the file of the directions that are shipped with the ear."""
    return Path(__file__).parent.parent / "ear" / "axes.npz"


def axes_bytes(axes: MapAxes, ear: str) -> bytes:
    """Returns the content of a file of directions, for `shipped_axes_file`."""
    buffer = io.BytesIO()
    np.savez(buffer, centre=axes.centre, directions=axes.directions, spread=axes.spread, ear=np.array(ear))
    return buffer.getvalue()


def _axes(shelf: Shelf, ear: str, folder: Path, tell: TellCallback) -> MapAxes:
    shipped = shipped_axes_file()
    found = _read_axes(shipped, ear) if shipped.exists() else None
    if found is not None:
        return found
    bank = Shelf.joined([Shelf.embedded(synth) for synth in embedded_synths()])
    if ear == ear_version() and np.count_nonzero(_is_known(bank.vectors)) >= ENOUGH:
        tell("no directions are shipped for this ear: those of the embedded bank are taken")
        return find_axes(bank.vectors, bank.measures)
    kept = folder / f"axes-{ear}.npz"
    if kept.exists():
        found = _read_axes(kept, ear)
        if found is not None:
            return found
    found = find_axes(shelf.vectors, shelf.measures)
    count = np.count_nonzero(_is_known(shelf.vectors))
    if count < ENOUGH:
        tell(f"no directions are shipped for this ear, so places of {count:,} presets move when others come")
    elif not shelf.part:
        make_folder(folder)
        write_atomically(kept, axes_bytes(found, ear))
    return found


def _read_axes(path: Path, ear: str) -> MapAxes | None:
    """The directions in a file; None if they are those of another ear."""
    data = read_bytes(path)
    with damage_named(path, hint="Remove it: it is made again"):
        arrays = npz_arrays(data, (*_ARRAYS, "ear"))
        if str(arrays["ear"]) != ear:
            return None
        axes = MapAxes(arrays["centre"], arrays["directions"], float(arrays["spread"]))
        if axes.directions.shape != (2, len(axes.centre)) or not axes.spread > 0:
            raise ValueError(f"directions of the shape {axes.directions.shape}")
        return axes


def _is_known(vectors: np.ndarray) -> np.ndarray:
    """Which rows are sounds: neither zeros nor unknown."""
    return np.asarray(np.isfinite(vectors).all(axis=1) & vectors.any(axis=1))


def _meaning(along: np.ndarray, measures: np.ndarray) -> AxisMeaning | None:
    best = None
    for column in range(min(measures.shape[1], len(MEASURES))):
        both = np.isfinite(along) & np.isfinite(measures[:, column])
        if both.sum() < 3:
            continue
        found = AxisMeaning(column, _rank_correlation(along[both], measures[both, column]))
        if best is None or abs(found.correlation) > abs(best.correlation):
            best = found
    return best if best is not None and abs(best.correlation) >= _LEAST_CORRELATION else None


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(first), rankdata(second)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    size = float(np.sqrt((ranks**2).sum(axis=1).prod()))
    return float(ranks[0] @ ranks[1]) / size if size > 0 else 0.0


def _sign(axes: MapAxes, row: int, meaning: AxisMeaning | None) -> float:
    if meaning is not None:
        return float(np.sign(meaning.correlation))
    # Nothing says which way is up: the largest part of the direction is positive.
    direction = axes.directions[row]
    return float(np.sign(direction[np.abs(direction).argmax()])) or 1.0


def _by_umap(vectors: np.ndarray, path: Path, *, keep: bool) -> np.ndarray:
    """Places by UMAP: a sound that has one keeps it, new ones are put between those that are there."""
    known = _is_known(vectors)
    where = np.full((len(vectors), 2), np.nan)
    rows = np.flatnonzero(known)
    if len(rows) < 3:
        where[rows] = 0.0
        return where
    sounds = np.ascontiguousarray(vectors[rows], np.float32)
    old, old_places = _read_umap(path, sounds.shape[1])
    place_of = {sound.tobytes(): place for sound, place in zip(old, old_places, strict=True)}
    new = list({sound.tobytes(): row for row, sound in enumerate(sounds) if sound.tobytes() not in place_of}.values())
    if new:
        found = _umap_places(sounds[new], old, old_places)
        for row, place in zip(new, found, strict=True):
            place_of[sounds[row].tobytes()] = place
        if keep and (len(old) or len(new) >= ENOUGH):
            _keep_umap(path, np.concatenate([old, sounds[new]]), np.concatenate([old_places, found]))
    where[rows] = [place_of[sound.tobytes()] for sound in sounds]
    return where


def _umap_places(new: np.ndarray, old: np.ndarray, old_places: np.ndarray) -> np.ndarray:
    umap = _umap()
    if not len(old):
        count = min(15, len(new) - 1)
        found = umap.UMAP(metric="cosine", random_state=_SEED, n_jobs=1, n_neighbors=count).fit_transform(new)
        return (found - found.mean(axis=0)) / found.std()
    # The new ones go to the weighted mean of the old ones that they are like: the step with which UMAP's own transform
    # begins. A model of the graph alone is made again from the kept vectors, so no pickle has to be trusted.
    count = min(15, len(old) - 1)
    model = umap.UMAP(metric="cosine", random_state=_SEED, n_jobs=1, n_neighbors=count, transform_mode="graph")
    weights = model.fit(old).transform(new).tocsr()
    total = np.asarray(weights.sum(axis=1))
    found = weights @ old_places / np.maximum(total, 1e-9)
    alone = total[:, 0] <= 0  # like none of them
    found[alone] = old_places[(new[alone] @ old.T).argmax(axis=1)]
    return found


def _umap() -> Any:
    try:
        import umap
    except ImportError:
        raise MissingDependency("UMAP is not installed. Install it with: pip install 'patchflow[umap]'") from None
    return umap


def _read_umap(path: Path, width: int) -> tuple[np.ndarray, np.ndarray]:
    if not path.exists():
        return np.zeros((0, width), np.float32), np.zeros((0, 2))
    data = read_bytes(path)
    with damage_named(path, hint="Remove it: all places are then found anew"):
        arrays = npz_arrays(data, ("vectors", "places"))
        if arrays["vectors"].shape[1:] != (width,) or arrays["places"].shape != (len(arrays["vectors"]), 2):
            raise ValueError(f"vectors of the shape {arrays['vectors'].shape}")
        return arrays["vectors"], arrays["places"]


def _keep_umap(path: Path, vectors: np.ndarray, where: np.ndarray) -> None:
    make_folder(path.parent)
    buffer = io.BytesIO()
    np.savez(buffer, vectors=vectors, places=where)
    write_atomically(path, buffer.getvalue())
