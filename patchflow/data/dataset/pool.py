"""What a data set is drawn from: its recipe, all settings that decide its content, and the presets that it names."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...engines import Engine
from ...errors import OptionError, PatchflowError, PresetError, UnknownName
from ...presets import Library, ParamSpace, Preset, read_presets
from ...presets.files import extensions
from ...progress import Progress, ProgressCallback, ignore
from ...settings import check_ranges, check_shares, read_settings
from ..bank import Bank, fitting
from ..sampler import Sampler

__all__ = ["FLAWS", "DatasetRecipe", "Pool", "read_dataset_recipe", "read_pool"]

FLAWS = ("silent", "clipped", "duplicates")
"""What can be left out: inaudible sounds, sounds that had to be turned down, all but the first of equal sounds."""

_CARTRIDGES = (".dx7", ".bin")  # what cartridges of a DX7 are called too; their content says whether they are
_UNPACKERS = {".bz2": "bunzip2 -k", ".gz": "gunzip -k", ".xz": "unxz -k", ".zst": "unzstd"}


@dataclass(frozen=True)
class DatasetRecipe:
    """The settings of a data set; a TOML file of these keys, each of which `key=value` overrides.

    Args:
        synth: Name of the engine.
        presets: Sources of presets: banks (`.npz`), libraries (`.sqlite`), preset files, folders of them.
        part: Only presets of this part of a bank, e.g. `"train"`; all if empty.
        items: Number of sounds that are drawn; those that are left out are not made up for.
        shard: Items that are drawn for one file.
        plain: Share of presets as they are.
        crossed: Share of crossovers of two presets.
        jittered: Share of presets with some parameters moved; the rest are random: shuffled over the presets, or
            even over all values if there are none.
        pitch: Lowest and highest MIDI note.
        velocity: Smallest and largest MIDI velocity.
        hold: Shortest and longest time from key down to key up, in seconds; drawn evenly in its logarithm.
        length: Duration of a sound, in seconds.
        rate: Sample rate, in Hz.
        bits: Bits of a sample, 16 or 24.
        channels: Always 1: engines play mono.
        silence_db: Peak below which a sound is silent, in dB relative to full scale.
        radius_db: Mean distance of two spectrograms up to which sounds are twins, in dB; 0 compares none.
        drop: What is left out, see `FLAWS`; all of it is counted.
        title: Name of the data set, for its card.
        license: For its card, e.g. `"cc-by-4.0"`.
        seed: Seed of all random draws.

    Raises:
        OptionError: If a value is not allowed.
        UnknownName: If `drop` names something else.
    """

    synth: str
    presets: tuple[str, ...] = ()
    part: str = ""
    items: int = 10_000
    shard: int = 1_000
    plain: float = 0.4
    crossed: float = 0.3
    jittered: float = 0.25
    pitch: tuple[int, int] = (24, 96)
    velocity: tuple[int, int] = (20, 127)
    hold: tuple[float, float] = (0.2, 3.5)
    length: float = 4.0
    rate: int = 44_100
    bits: int = 16
    channels: int = 1
    silence_db: float = -60.0
    radius_db: float = 1.0
    drop: tuple[str, ...] = ("silent", "duplicates")
    title: str = ""
    license: str = "other"
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        check_shares(plain=self.plain, crossed=self.crossed, jittered=self.jittered)
        if self.bits not in (16, 24):
            raise OptionError(f"bits={self.bits}: not 16 or 24")
        for name in ("pitch", "velocity", "hold"):
            low, high = getattr(self, name)
            if low > high:
                raise OptionError(f"{name}=[{low}, {high}]: the first is above the second")
        for flaw in self.drop:
            if flaw not in FLAWS:
                raise UnknownName("flaw to drop", flaw, FLAWS)
        if not self.presets and self.plain + self.crossed + self.jittered > 0:
            raise OptionError("presets=[]: plain, crossed and jittered need some; give presets, or 0 for all three")

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "DatasetRecipe":
        """Returns the recipe of values as `plain_values` gives them.

        Raises:
            TypeError: If a key is unknown or missing.
        """
        fields: dict[str, Any] = dict(values)
        for key, value in values.items():
            if isinstance(value, list):  # JSON has no tuples
                fields[key] = tuple(value)
        return cls(**fields)

    @property
    def shards(self) -> int:
        """Number of files."""
        return -(-self.items // self.shard)

    def numbers(self, shard: int) -> range:
        """Returns the numbers of the items that are drawn for a file."""
        return range(shard * self.shard, min((shard + 1) * self.shard, self.items))

    def plain_values(self) -> dict[str, Any]:
        """Returns all settings, JSON-serialisable, tuples as lists."""
        return json.loads(json.dumps(asdict(self)))


_RANGES = (
    ("items", 1, 1e10),
    ("shard", 1, 1e5),
    ("plain", 0, 1),
    ("crossed", 0, 1),
    ("jittered", 0, 1),
    ("pitch", 0, 127),
    ("velocity", 1, 127),
    ("hold", 0.001, 60),
    ("length", 0.01, 60),
    ("rate", 4_000, 192_000),
    ("channels", 1, 1),
    ("silence_db", -200, 0),
    ("radius_db", 0, 20),
    ("seed", 0, 2**32 - 1),
)


def read_dataset_recipe(path: str | Path, overrides: Mapping[str, str] | None = None) -> DatasetRecipe:
    """Reads a TOML recipe of a data set and applies overrides.

    Args:
        path: The recipe.
        overrides: Texts by key.

    Raises:
        StorageError: If the file cannot be read.
        OptionError: If it is not TOML, or a value has the wrong type or is not allowed.
        UnknownName: If a key is not one of a recipe.
    """
    return read_settings(path, DatasetRecipe, overrides, kind="dataset")


@dataclass(frozen=True)
class Pool:
    """Presets of one synth, each once.

    Args:
        points: Encoded presets, shape `(N, P)`; none if a recipe draws at random only.
        family: Number of the family of each, shape `(N,)`.
        ids: Where each comes from, e.g. `"rom1a.syx#3"`.
        names: Name of each.
        tags: Category and tags of each.
        states: State of each, see `Preset.state`; `()` if none of them has one.
        rejected: Number of presets of the sources that did not fit the synth.
    """

    points: np.ndarray
    family: np.ndarray
    ids: tuple[str, ...]
    names: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]
    states: tuple[bytes, ...] = ()
    rejected: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def state(self, sources: Sequence[int]) -> bytes:
        """Returns the state that a sound is played on: that of the first preset it was made of, or `b""`.

        Args:
            sources: Rows of the presets that the sound's preset was made of.
        """
        return self.states[sources[0]] if self.states and sources else b""

    def sampler(self, space: ParamSpace, recipe: DatasetRecipe) -> Sampler:
        """Returns the sampler that draws presets around the pool.

        Args:
            space: The synth's parameters.
            recipe: Its shares of plain, crossed and jittered presets.
        """
        # By one over the root of its family's size: a family of 100 variations of one preset is drawn 10 times as often
        # as a single preset, not 100 times, and not only once either.
        _, member, sizes = np.unique(self.family, return_inverse=True, return_counts=True)
        weights = sizes[member] ** -0.5
        return Sampler(space, self.points, weights / weights.sum(), recipe.plain, recipe.crossed, recipe.jittered)

    def digest(self) -> str:
        """Returns a SHA-256 of everything that a data set takes from the pool."""
        text = json.dumps([self.ids, self.names, self.tags]).encode()
        states = b"".join(hashlib.sha256(state).digest() for state in self.states)
        return hashlib.sha256(text + self.points.tobytes() + self.family.tobytes() + states).hexdigest()


@dataclass(frozen=True)
class _Found:
    """A preset as read from a source."""

    point: np.ndarray
    id: str
    name: str
    tags: tuple[str, ...] = ()
    family: str = ""
    state: bytes = b""


def read_pool(recipe: DatasetRecipe, engine: Engine, progress: ProgressCallback = ignore) -> Pool:
    """Reads the presets that a recipe names.

    Args:
        recipe: Names files and folders, relative to the working directory.
        engine: An engine of its synth.
        progress: Called after every file of a folder.

    Raises:
        StorageError: If a source cannot be read, or is a bank of another synth.
        PresetError: If a source has no preset of the synth, or none of the part of a bank.
    """
    found: list[_Found] = []
    rejected = 0
    for source in recipe.presets:
        presets = list(_read(Path(source), recipe, engine, progress))
        fitting_presets = [preset for preset in presets if preset is not None]
        rejected += len(presets) - len(fitting_presets)
        if not fitting_presets:
            part = f" in part {recipe.part!r}" if recipe.part else ""
            raise PresetError(f"{source}: has no preset of synth {recipe.synth!r}{part}")
        found += fitting_presets
    if not found:
        return Pool(np.empty((0, len(engine.space))), np.empty(0, int), (), (), ())

    # Presets are equal if they sound the same: canonical values and state, whatever their names. The first one stays.
    points = _canonical_points(found, engine)
    first: dict[tuple[bytes, bytes], int] = {}
    for row, (point, preset) in enumerate(zip(points, found, strict=True)):
        first.setdefault((point.tobytes(), preset.state), row)
    rows = list(first.values())
    kept = [found[row] for row in rows]
    _, family = np.unique([preset.family or preset.id for preset in kept], return_inverse=True)
    ids = tuple(preset.id for preset in kept)
    states = tuple(preset.state for preset in kept)
    if any(states):
        _check_ids_differ(ids)
    return Pool(
        points=points[rows],
        family=family,
        ids=ids,
        names=tuple(preset.name for preset in kept),
        tags=tuple(preset.tags for preset in kept),
        states=states if any(states) else (),
        rejected=rejected,
    )


def _check_ids_differ(ids: Sequence[str]) -> None:
    """Makes sure that `states.json`, which is keyed by id, can hold the state of every preset."""
    seen: set[str] = set()
    for id_ in ids:
        if id_ in seen:
            raise PresetError(f"presets: two of them are {id_}. Rename one file or folder, to tell their states apart.")
        seen.add(id_)


def _canonical_points(found: Sequence[_Found], engine: Engine) -> np.ndarray:
    """Encoded presets, shape `(N, P)`; each canonical on its own state, which decides what can be heard."""
    points = np.stack([preset.point for preset in found])
    rows_of_state: dict[bytes, list[int]] = {}
    for row, preset in enumerate(found):
        rows_of_state.setdefault(preset.state, []).append(row)
    for state, rows in rows_of_state.items():
        engine.build_on(state)
        points[rows] = engine.sorted_parts(engine.canonical(points[rows]))
    return points


def _read(path: Path, recipe: DatasetRecipe, engine: Engine, progress: ProgressCallback) -> Iterator[_Found | None]:
    """Yields the presets of a source; None for one that does not fit."""
    if path.suffix in _UNPACKERS and path.is_file():
        raise PresetError(f"{path}: is compressed. Unpack it first: {_UNPACKERS[path.suffix]} {path}")
    if path.suffix == ".npz":
        yield from _from_bank(path, recipe.part, recipe.synth, type(engine))
    elif path.suffix == ".sqlite":
        yield from _from_library(path, recipe.synth, engine)
    elif path.is_dir():
        known = (*extensions(), *_CARTRIDGES)
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in known and file.is_file())
        if not files:
            raise PresetError(f"{path}: no preset files ({', '.join(known)}) in this folder")
        for number, file in enumerate(files, 1):
            name = f"{path.resolve().name}/{file.relative_to(path).as_posix()}"
            try:
                yield from _from_file(file, name, recipe, engine)
            except PresetError:
                yield None  # one damaged file in a folder does not stop the others
            progress(Progress("read", number, len(files), "files"))
    else:
        yield from _from_file(path, path.name, recipe, engine)


def _from_bank(path: Path, part: str, synth: str, make: type[Engine]) -> Iterator[_Found]:
    bank = Bank.load(path)
    points = fitting(bank.points, make, synth, path)
    rows = np.flatnonzero(bank.split == part) if part else np.arange(len(bank.points))
    for row in rows:
        name = str(bank.names[row]).strip()
        family = f"{path.name} family {bank.family[row]}"  # two banks may use the same numbers
        yield _Found(points[row], f"{path.name}#{row}", name, family=family)


def _from_library(path: Path, synth: str, engine: Engine) -> Iterator[_Found | None]:
    library = Library(path)
    numbers = library.ids(synth)
    points = library.points(synth, engine.space)
    entries = {entry.id: entry for entry in library.search(synth=synth)}
    for number, point in zip(numbers, points, strict=True):
        entry = entries[number]
        tags = _all_tags(entry.category, entry.tags)
        state = library.get(number).state if engine.has_state else b""
        found = _Found(point, f"{path.name}#{number}", entry.name, tags, state=state)
        yield found if _accepts(engine, state) else None


def _from_file(file: Path, name: str, recipe: DatasetRecipe, engine: Engine) -> Iterator[_Found | None]:
    report = read_presets(file, strict=True)  # a data set holds what its files hold, nothing that was mended
    for place, preset in zip(report.places, report.presets, strict=True):
        yield _fitting(preset, f"{name}#{place}", recipe.synth, engine)
    for _ in report.rejected:
        yield None


def _fitting(preset: Preset, id_: str, synth: str, engine: Engine) -> _Found | None:
    if preset.synth not in ("", synth, *engine.relatives):
        return None
    try:
        known = preset if preset.synth == synth else engine.unpack(preset)  # one of an opaque format, or of a relative
        point = engine.space.encode(known.values)
    except PatchflowError:
        return None
    state = known.state if engine.has_state else b""
    tags = _all_tags(preset.category, preset.tags)
    found = _Found(point, id_, preset.name, tags, state=state)
    return found if _accepts(engine, state) else None


def _accepts(engine: Engine, state: bytes) -> bool:
    try:
        engine.build_on(state)
    except PresetError:
        return False
    return True


def _all_tags(category: str, tags: Sequence[str]) -> tuple[str, ...]:
    """Category and tags, each once, without empty ones."""
    return tuple(dict.fromkeys(filter(None, (category, *tags))))
