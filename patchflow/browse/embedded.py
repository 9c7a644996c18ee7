"""The presets that come with the package, one file a synth; all there are with the library's, and one by its number."""

import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from ..engines import engines
from ..errors import OptionError, PatchflowError, StorageError, UnknownName
from ..parsing import damage_named, json_value
from ..presets import Entry, Label, Library, ParamSpace, Preset
from ..progress import ProgressCallback, TellCallback, ignore, tell_nobody
from ..storage import opened_file, write_atomically
from .shelf import MEASURED, WIDTH, Shelf, ear_version, embedded_bank, embedded_synths

__all__ = [
    "BANKS",
    "PLACES",
    "EmbeddedPresets",
    "embedded_preset",
    "embedded_presets",
    "embedded_shelf",
    "opened_shelf",
    "preset_called",
    "presets_called",
]

BANKS = Path(__file__).absolute().parent / "banks"
"""Where the files lie, `SYNTH.safetensors`."""

PLACES = ("both", "library", "bank")
"""Where presets may be."""

AUTHOR = "patchflow"
"""Whose presets they are."""

_FORMAT = "patchflow presets 1"
_KNOB = 254  # steps of a continuous parameter; even, so that the middle is one of them
_MOST = 2**20  # presets of a file
_LARGEST = 2**28  # bytes of an unpacked tensor


@dataclass(frozen=True, eq=False)
class EmbeddedPresets:
    """Presets of one synth, a row each.

    Args:
        synth: Name of the engine.
        parameters: Names of its parameters.
        ids: Their numbers, ascending, from 1 on; a preset keeps its number in later versions. Shape `(N,)`.
        steps: Encoded presets with a byte for each parameter, see `steps_of`, shape `(N, P)`.
        names: Of each.
        short_names: What each is called in the synth's own files, which may have few letters.
        categories: Of each, see `presets.preset.CATEGORIES`.
        tags: What each measurably is, such as `("bright", "slow attack")`.
        ear: Version of the ear that the vectors are of.
        vectors: See `Shelf.vectors`.
        measures: See `Shelf.measures`.
        about: Facts for people: how they were made.
        prints: Fingerprints on the keys of the ear, see `match.fingerprints.packed_levels`, uint8, shape `(N, bytes)`;
            None if there are none.
    """

    synth: str
    parameters: tuple[str, ...]
    ids: np.ndarray
    steps: np.ndarray
    names: Sequence[str]
    short_names: Sequence[str]
    categories: Sequence[str]
    tags: Sequence[tuple[str, ...]]
    ear: str
    vectors: np.ndarray
    measures: np.ndarray
    about: Mapping[str, Any]
    prints: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def points(self, space: ParamSpace) -> np.ndarray:
        """Returns the encoded presets, shape `(N, P)`.

        Args:
            space: Parameters of the synth.

        Raises:
            ValueError: If these are other parameters.
        """
        if space.names != self.parameters:
            raise ValueError("of other parameters than the synth has now")
        return points_of(self.steps, space.cells)

    def heard(self, ear: str, vectors: np.ndarray, measures: np.ndarray) -> "EmbeddedPresets":
        """Returns the same presets with what another ear says of them."""
        return replace(self, ear=ear, vectors=vectors, measures=measures)

    def save(self, path: str | Path) -> None:
        """Writes a file, whole or not at all.

        Raises:
            StorageError: If it cannot be written.
        """
        texts = [self.names, self.short_names, self.categories, [list(tags) for tags in self.tags]]
        header = {
            "format": _FORMAT,
            "synth": self.synth,
            "parameters": json.dumps(self.parameters),
            "ear": self.ear,
            "about": json.dumps(self.about),
        }
        tensors = {
            "ids": self.ids.astype(np.int32),
            # Column by column, values repeat more often than row by row.
            "steps": _packed(np.ascontiguousarray(self.steps.T).tobytes()),
            "texts": _packed(json.dumps(texts).encode()),
            "vectors": self.vectors.astype(np.float16),
            "measures": self.measures.astype(np.float32),
        }
        if self.prints is not None:
            tensors["prints"] = _packed(np.ascontiguousarray(self.prints.T).tobytes())
        write_atomically(path, save(tensors, header))

    @classmethod
    def load(cls, path: str | Path) -> "EmbeddedPresets":
        """Reads what `save` wrote.

        Raises:
            StorageError: If the file is missing or damaged.
        """
        with damage_named(path, is_what="no embedded presets, or damaged"):
            with opened_file(path):  # a device or a pipe would keep safetensors waiting
                pass
            with safe_open(path, "np") as file:
                header = file.metadata() or {}
                if header.get("format") != _FORMAT:
                    raise ValueError(f"its format is not {_FORMAT!r}")
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return _checked(header, tensors)


def steps_of(points: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Returns presets with a byte for each parameter: the cell of a discrete one, one of 255 places of a knob.

    Args:
        points: Encoded presets, shape `(N, P)`.
        cells: Values of each parameter, at most 256; 0 for a knob, shape `(P,)`.
    """
    steps = np.where(cells > 0, np.floor(points * cells), np.round(points * _KNOB))
    return np.minimum(steps, np.where(cells > 0, cells - 1, _KNOB)).astype(np.uint8)


def points_of(steps: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Returns the encoded presets of `steps_of`, shape `(N, P)`.

    Example:
        >>> points_of(steps_of(np.array([[0.3, 0.5]]), np.array([4, 0])), np.array([4, 0]))
        array([[0.375, 0.5  ]])
    """
    return np.where(cells > 0, (steps + 0.5) / np.maximum(cells, 1), steps / _KNOB)


def embedded_presets(synth: str) -> EmbeddedPresets:
    """Returns the presets that come with the package for a synth; their file is read once.

    Raises:
        StorageError: If the file is missing or damaged.
    """
    return _loaded(BANKS / f"{synth}.safetensors")


def embedded_shelf(synth: str) -> Shelf:
    """Returns the presets of a synth as a shelf. What another ear than the present one says of them is not known.

    Raises:
        StorageError: If their file is missing or damaged.
    """
    return _shelf(embedded_presets(synth), ear_version())


def embedded_preset(synth: str, number: int) -> Preset:
    """Returns a preset by its number, called as the synth's own files can spell it.

    Raises:
        UnknownName: If there is no such preset.
        StorageError: If the file is missing or damaged, or of other parameters than the synth has now.
    """
    found = embedded_presets(synth)
    row = int(np.searchsorted(found.ids, number))
    if row == len(found) or found.ids[row] != number:
        raise UnknownName("preset of the embedded bank", f"{synth}:{number}", [f"{synth}:{id_}" for id_ in found.ids])
    space = engines[synth].space
    with damage_named(f"embedded bank of {synth}", is_what="does not fit"):
        point = replace(found, steps=found.steps[[row]]).points(space)[0]
    values = space.decode(point)
    return Preset(synth, values, found.short_names[row], found.categories[row], AUTHOR, found.tags[row])


def preset_called(number: str, library: Library) -> tuple[Entry, Preset]:
    """Returns a preset by what it is called in commands, see `Shelf.numbers`: what is known of it, and its values.

    Args:
        number: `"17"` of the library, `"dexed:17"` of the embedded bank.
        library: The library.

    Raises:
        OptionError: If this is no such number.
        UnknownName: If there is no such preset.
        StorageError: If the library cannot be read.
    """
    synth, sign, digits = number.rpartition(":")
    if not (digits.isascii() and digits.isdecimal()) or (sign and not synth):
        raise OptionError(f"{number!r}: not the number of a preset, such as 17, or dexed:17 of the embedded bank")
    if not sign:
        return library.entry(int(digits)), library.get(int(digits))
    if synth not in embedded_synths():
        raise UnknownName("embedded bank", synth, embedded_synths())
    there = {entry.id: entry for entry in Shelf.embedded(synth).entries}
    if int(digits) not in there:
        raise UnknownName("preset of the embedded bank", number, [f"{synth}:{id_}" for id_ in there])
    return there[int(digits)], embedded_bank().embedded_preset(synth, int(digits))


def presets_called(numbers: Sequence[str], library: Library) -> dict[str, Preset]:
    """Returns presets with their values by what they are called in commands, see `Shelf.numbers`.

    Args:
        numbers: Such as `"17"` of the library, `"dexed:17"` of the embedded bank.
        library: The library.

    Returns:
        Those that can be read; one that is damaged, was removed, or is of a synth that is not there, is left out.
    """
    found: dict[str, Preset] = {}
    own = [number for number in numbers if ":" not in number]
    if own:
        try:
            for id_, preset in library.presets(list(map(int, own))).items():
                found[str(id_)] = preset
        except StorageError:  # of one of them at least
            for number in own:
                with suppress(StorageError, UnknownName):
                    found[number] = library.get(int(number))
    for number in numbers:
        synth, sign, digits = number.partition(":")
        if sign:
            with suppress(PatchflowError):
                found[number] = embedded_bank().embedded_preset(synth, int(digits))
    return found


def opened_shelf(
    library: Library, where: str = "both", *, progress: ProgressCallback = ignore, tell: TellCallback = tell_nobody
) -> Shelf:
    """Returns the presets to look through: those of a library, the embedded ones, or both.

    Args:
        library: The user's; of both, it may not be there yet.
        where: One of `PLACES`.
        progress: Called while the library is read.
        tell: Called with a line about what is not there or was not listened to.

    Raises:
        OptionError: If there is no such place, or no embedded bank in this installation.
        StorageError: If a file is missing or damaged.
    """
    if where not in PLACES:
        raise OptionError(f"in={where!r}: not one of {', '.join(PLACES)}")
    synths = embedded_synths() if where != "library" else ()
    if where == "bank" and not synths:
        raise OptionError("in='bank': there is no embedded bank in this installation")
    shelves = [Shelf.embedded(synth) for synth in synths]
    if where == "bank":
        return Shelf.joined(shelves)
    if where == "both" and synths and not library.path.exists():
        tell("no library yet (make one with: patchflow presets import PATH), so the embedded bank alone is used")
        return Shelf.joined(shelves)
    own = Shelf.of_library(library, progress=progress, tell=tell)
    if own.unknown:
        tell(
            f"nobody has listened to {own.unknown:,} of {len(own):,} presets of the library yet, so their "
            "sound is not known. Do it with: patchflow presets listen"
        )
    return Shelf.joined([own, *shelves])


@lru_cache(maxsize=8)
def _loaded(path: Path) -> EmbeddedPresets:
    return EmbeddedPresets.load(path)


@lru_cache(maxsize=8)
def _shelf(found: EmbeddedPresets, ear: str) -> Shelf:
    entries = [_entry(found, row) for row in range(len(found))]
    prints = None if found.prints is None else partial(np.take, found.prints, axis=0)
    if found.ear == ear:
        return Shelf(entries, found.vectors, found.measures, prints=prints)
    return Shelf(entries, np.zeros_like(found.vectors), found.measures, unknown=len(found), prints=prints)


def _entry(found: EmbeddedPresets, row: int) -> Entry:
    name = found.names[row]
    label = Label(name, found.categories[row], AUTHOR, found.tags[row])
    short = found.short_names[row]
    labels = (label,) if short == name else (label, Label(short))
    return Entry(int(found.ids[row]), found.synth, labels)


def _checked(header: Mapping[str, str], tensors: Mapping[str, np.ndarray]) -> EmbeddedPresets:
    """Makes the presets of a file whose parts fit together.

    Raises:
        ValueError: If they do not.
    """
    ids = tensors["ids"].astype(int)
    count = len(ids)
    parameters = tuple(json_value(header["parameters"]))
    names, short_names, categories, tags = json_value(_unpacked(tensors["texts"], _LARGEST))
    vectors = tensors["vectors"].astype(np.float32)
    measures = tensors["measures"].astype(float)
    if count > _MOST or (np.diff(ids) <= 0).any() or (ids < 1).any():
        raise ValueError("its numbers do not ascend from 1 on")
    if {len(names), len(short_names), len(categories), len(tags)} != {count}:
        raise ValueError("its parts differ in length")
    if vectors.shape != (count, WIDTH) or measures.shape != (count, MEASURED) or not np.isfinite(vectors).all():
        raise ValueError(f"it has no {count} vectors of {WIDTH} and {MEASURED} measures")
    steps = _unpacked(tensors["steps"], count * len(parameters))
    if len(steps) != count * len(parameters):
        raise ValueError(f"it has no {count} presets of {len(parameters)} parameters")
    prints = None
    if "prints" in tensors and count:
        data = np.frombuffer(_unpacked(tensors["prints"], _LARGEST), np.uint8)
        prints = data.reshape(-1, count).T.copy()  # a ValueError if they are not of so many presets
    length = np.linalg.norm(vectors, axis=1, keepdims=True)  # of half precision, about 1
    return EmbeddedPresets(
        header["synth"],
        parameters,
        ids,
        np.frombuffer(steps, np.uint8).reshape(len(parameters), count).T,
        names,
        short_names,
        categories,
        [tuple(of_one) for of_one in tags],
        header["ear"],
        np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0),
        measures,
        json_value(header["about"]),
        prints,
    )


def _packed(data: bytes) -> np.ndarray:
    return np.frombuffer(zlib.compress(data, 9), np.uint8)


def _unpacked(data: np.ndarray, most: int) -> bytes:
    # A damaged or malicious file must not unpack to more than its header says.
    if most > _LARGEST:
        raise ValueError(f"claims {most} bytes")
    return zlib.decompressobj().decompress(data.tobytes(), most)
