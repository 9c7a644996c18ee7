"""The presets that a data set is drawn from, with their names and where each comes from."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...engines import Engine
from ...errors import PatchflowError, PresetError
from ...presets import Library, ParamSpace, Preset, read_presets
from ...presets.files import extensions
from ..bank import Bank, fitting
from ..sampler import Sampler
from .dataset_recipe import DatasetRecipe

__all__ = ["Pool", "read_pool"]


@dataclass(frozen=True)
class Pool:
    """Presets of one synth, each once.

    Args:
        points: Encoded presets, shape `(N, P)`; none if a recipe draws at random only.
        family: Number of the family of each, shape `(N,)`.
        ids: Where each comes from, e.g. `"rom1a.syx#3"`.
        names: What each is called.
        tags: Category and tags of each.
        rests: What each has beyond its values, see `Preset.rest`; `()` if that is nothing for all of them.
        rejected: How many presets of the sources did not fit the synth.
    """

    points: np.ndarray
    family: np.ndarray
    ids: tuple[str, ...]
    names: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]
    rests: tuple[bytes, ...] = ()
    rejected: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def rest(self, sources: Sequence[int]) -> bytes:
        """Returns what a sound is played on top of: the rest of the first of the rows that its preset was made of."""
        return self.rests[sources[0]] if self.rests and sources else b""

    def sampler(self, space: ParamSpace, recipe: DatasetRecipe) -> Sampler:
        """Returns what draws from it; presets of large families less often than others, but often enough."""
        size = np.unique(self.family, return_inverse=True, return_counts=True)
        weights = size[2][size[1]] ** -0.5
        return Sampler(space, self.points, weights / weights.sum(), recipe.plain, recipe.crossed, recipe.jittered)

    def digest(self) -> str:
        """Returns a checksum of all that a data set takes from it."""
        text = json.dumps([self.ids, self.names, self.tags]).encode()
        rests = b"".join(hashlib.sha256(rest).digest() for rest in self.rests)
        return hashlib.sha256(text + self.points.tobytes() + self.family.tobytes() + rests).hexdigest()


_FIELDS = ("id", "name", "tags", "rest")


@dataclass(frozen=True)
class _Found:
    point: np.ndarray
    id: str
    name: str
    tags: tuple[str, ...] = ()
    family: str = ""
    rest: bytes = b""


def read_pool(recipe: DatasetRecipe, engine: Engine) -> Pool:
    """Reads the presets that a recipe names.

    Args:
        recipe: Names files and folders, relative to where one stands.
        engine: Of its synth.

    Raises:
        StorageError: If a source cannot be read, or is a bank of another synth.
        PresetError: If a source has no preset of the synth, or none of the part of a bank.
    """
    found: list[_Found] = []
    rejected = 0
    for source in recipe.presets:
        here = list(_read(Path(source), recipe, engine))
        good = [entry for entry in here if entry is not None]
        rejected += len(here) - len(good)
        if not good:
            part = f" in part {recipe.part!r}" if recipe.part else ""
            raise PresetError(f"{source}: has no preset of synth {recipe.synth!r}{part}")
        found += good
    if not found:
        return Pool(np.empty((0, len(engine.space))), np.empty(0, int), (), (), ())
    points = _settled(found, engine)
    first: dict[tuple[bytes, bytes], int] = {}
    for row, (point, entry) in enumerate(zip(points, found, strict=True)):
        first.setdefault((point.tobytes(), entry.rest), row)
    kept = list(first.values())
    family = np.unique([found[row].family or found[row].id for row in kept], return_inverse=True)[1]
    chosen = [found[row] for row in kept]
    ids, names, tags, rests = (tuple(getattr(entry, field) for entry in chosen) for field in _FIELDS)
    if any(rests) and len({*ids}) < len(ids):
        twice = next(id_ for row, id_ in enumerate(ids) if id_ in ids[:row])
        raise PresetError(f"presets: two of them are {twice}. Rename one file or folder, to tell their rests apart.")
    return Pool(points[kept], family, ids, names, tags, rests if any(rests) else (), rejected)


def _settled(found: Sequence[_Found], engine: Engine) -> np.ndarray:
    """The points with what cannot be heard on top of each one's rest at its default, shape `(N, P)`."""
    points = np.stack([entry.point for entry in found])
    rows: dict[bytes, list[int]] = {}
    for row, entry in enumerate(found):
        rows.setdefault(entry.rest, []).append(row)
    for rest, alike in rows.items():
        engine.build_on(rest)
        points[alike] = engine.arranged(engine.canonical(points[alike]))
    return points


def _read(path: Path, recipe: DatasetRecipe, engine: Engine) -> Iterator[_Found | None]:
    """The presets of a source; None for one that does not fit."""
    if path.suffix == ".npz":
        yield from _from_bank(path, recipe.part, recipe.synth, type(engine))
    elif path.suffix == ".sqlite":
        yield from _from_library(path, recipe.synth, engine)
    elif path.is_dir():
        known = extensions()
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in known and file.is_file())
        for file in files:
            name = f"{path.resolve().name}/{file.relative_to(path).as_posix()}"
            try:
                yield from _from_file(file, name, recipe, engine)
            except PresetError:
                yield None  # one damaged file in a folder does not stop the others
    else:
        yield from _from_file(path, path.name, recipe, engine)


def _from_bank(path: Path, part: str, synth: str, make: type[Engine]) -> Iterator[_Found]:
    bank = Bank.load(path)
    points = fitting(bank.points, make, synth, path)
    for row in np.flatnonzero(bank.split == part) if part else range(len(bank.points)):
        name, family = str(bank.names[row]).strip(), f"{path.name} family {bank.family[row]}"
        yield _Found(points[row], f"{path.name}#{row}", name, family=family)


def _from_library(path: Path, synth: str, engine: Engine) -> Iterator[_Found | None]:
    library = Library(path)
    numbers, points = library.ids(synth), library.points(synth, engine.space)
    entries = {entry.id: entry for entry in library.search(synth=synth)}
    for number, point in zip(numbers, points, strict=True):
        entry = entries[number]
        words, rest = _words(entry.category, entry.tags), library.get(number).rest if engine.has_rest else b""
        found = _Found(point, f"{path.name}#{number}", entry.name, words, rest=rest)
        yield found if _takes(engine, rest) else None


def _from_file(file: Path, name: str, recipe: DatasetRecipe, engine: Engine) -> Iterator[_Found | None]:
    for number, preset in enumerate(read_presets(file).presets, 1):
        yield _fitting(preset, f"{name}#{number}", recipe.synth, engine)


def _fitting(preset: Preset, id_: str, synth: str, engine: Engine) -> _Found | None:
    if preset.synth not in ("", synth, *engine.relatives):
        return None
    try:
        known = preset if preset.synth == synth else engine.unpack(preset)  # what only the synth understands
        point = engine.space.encode(known.values)
    except PatchflowError:
        return None
    rest = known.rest if engine.has_rest else b""
    found = _Found(point, id_, preset.name, _words(preset.category, preset.tags), rest=rest)
    return found if _takes(engine, rest) else None


def _takes(engine: Engine, rest: bytes) -> bool:
    try:
        engine.build_on(rest)
    except PresetError:
        return False
    return True


def _words(category: str, tags: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (category, *tags))))
