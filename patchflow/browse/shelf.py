"""Shelves of presets with what they sound like, of a library or of the embedded bank; and listening to what is new."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from ..engines import Engine, Note, engines
from ..engines._renderer import Stateful
from ..errors import ModelError, PatchflowError, PresetError, StorageError, UnknownName
from ..features.measures import MEASURES
from ..presets import Entry, Label, Library
from ..progress import Progress, ProgressCallback, TellCallback, ignore, tell_nobody
from ..storage import FolderInUse, locked
from .index import INDEXED_FROM, EntriesOnDemand, Index, entries_at

__all__ = ["MEASURED", "WIDTH", "Listened", "Shelf", "ear_version", "embedded_bank", "embedded_synths", "listen_to"]

# What the ear says of itself, said here again so that a library is read without loading a network.
WIDTH = 128
"""Numbers of a vector of the ear, `Ear.width`."""

MEASURED = len(MEASURES)
"""How many things are measured of a sound."""

_EAR = Path(__file__).absolute().parent.parent / "ear" / "ear.safetensors"
_BANKS = Path(__file__).absolute().parent / "banks"
_BLOCK = 64  # presets that are listened to before the library is written
_PAUSE = 0.5  # seconds between two looks at what another process does


@cache
def ear_version() -> str:
    """Returns the version of the ear, `Ear.version`, without loading it.

    Raises:
        ModelError: If the ear is missing.
    """
    try:
        return hashlib.sha256(_EAR.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise ModelError(f"{_EAR}: cannot be read, and without it nothing is found by its sound") from error


def embedded_synths() -> tuple[str, ...]:
    """Returns the synths that presets are embedded for, in order of their names."""
    return tuple(sorted(path.stem for path in _BANKS.glob("*.safetensors") if not path.name.startswith(".")))


def embedded_bank() -> ModuleType:
    """Returns the module of the embedded bank, loaded on first use, since it makes shelves itself."""
    return import_module(".embedded", __package__)


@dataclass(frozen=True, eq=False)
class Shelf:
    """Presets that can be searched, a row each.

    Args:
        entries: What is known of each but its values.
        vectors: What the ear says of each, float32, shape `(N, width)`: rows of length 1, or zeros where a preset is
            silent or nobody has listened to it.
        measures: What is measured of each, see `ear.MEASURES`, shape `(N, len(MEASURES))`; NaN likewise.
        banks: Which are of the embedded bank, bool, shape `(N,)`; none if not given.
        unknown: How many nobody has listened to, by the present ear.
        index: Finds the nearest among the first rows; None where all are compared.
        part: Whether these are some of the presets of another shelf.
        prints: Gives fingerprints of some rows, see `match.fingerprints.packed_levels`, with 255 everywhere where there
            is none; None where there are none at all.
    """

    entries: Sequence[Entry]
    vectors: np.ndarray
    measures: np.ndarray
    banks: np.ndarray | None = None
    unknown: int = 0
    index: Index | None = None
    part: bool = False
    prints: Callable[[np.ndarray], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    @classmethod
    def of_library(
        cls, library: Library, *, progress: ProgressCallback = ignore, tell: TellCallback = tell_nobody
    ) -> "Shelf":
        """Returns all presets of a library; with an index, made where it is missing, if they are very many.

        Args:
            library: The library.
            progress: Called while an index is made.
            tell: Called with a line on the index.

        Raises:
            StorageError: If the library cannot be read.
        """
        version = ear_version()
        sounds = library.sounds(version, WIDTH, MEASURED)

        def read(rows: np.ndarray) -> Sequence[Entry]:
            ids = [int(id_) for id_ in sounds.ids[rows]]
            try:
                return library.entries(ids)
            except StorageError:  # perhaps of one that another process has removed since
                return [_entry(library, id_, synth) for id_, synth in zip(ids, sounds.synths[rows], strict=True)]

        entries = EntriesOnDemand(len(sounds.ids), read)
        index = None
        if len(sounds.ids) > INDEXED_FROM:
            path = library.path.with_name(f"{library.path.name}.index")
            index = Index.opened(path, version, sounds.ids, sounds.vectors, progress=progress, tell=tell)
        unknown = int((~sounds.known).sum())
        prints = partial(_stored_prints, library, version, sounds.ids)
        return cls(entries, sounds.vectors, sounds.measures, unknown=unknown, index=index, prints=prints)

    @classmethod
    def embedded(cls, synth: str) -> "Shelf":
        """Returns the presets that patchflow itself has of a synth.

        Raises:
            UnknownName: If it has none.
        """
        if synth not in embedded_synths():
            raise UnknownName("embedded bank", synth, embedded_synths())
        shelf = embedded_bank().embedded_shelf(synth)
        return replace(shelf, banks=np.ones(len(shelf), bool))

    @classmethod
    def joined(cls, shelves: Sequence["Shelf"]) -> "Shelf":
        """Returns the presets of several shelves as one; an index of the first is kept.

        Example:
            >>> len(Shelf.joined([]))
            0
        """
        if len(shelves) == 1:
            return shelves[0]
        starts = np.cumsum([0, *map(len, shelves)])

        def read(rows: np.ndarray) -> list[Entry]:
            found = np.empty(len(rows), object)
            for start, shelf in zip(starts, shelves, strict=False):
                here = (start <= rows) & (rows < start + len(shelf))
                found[here] = np.fromiter(entries_at(shelf.entries, rows[here] - start), object, int(here.sum()))
            return list(found)

        def prints(rows: np.ndarray) -> np.ndarray:
            found = np.full((len(rows), _print_size()), 255, np.uint8)
            for start, shelf in zip(starts, shelves, strict=False):
                here = (start <= rows) & (rows < start + len(shelf))
                own = shelf.prints(rows[here] - start) if shelf.prints is not None and here.any() else None
                if own is not None and own.shape[1] == found.shape[1]:  # else of other keys
                    found[here] = own
            return found

        empty = cls([], np.zeros((0, WIDTH), np.float32), np.zeros((0, MEASURED), np.float32))
        all_of_them = [*shelves] or [empty]
        return cls(
            EntriesOnDemand(int(starts[-1]), read),
            np.concatenate([shelf.vectors for shelf in all_of_them]),
            np.concatenate([shelf.measures for shelf in all_of_them]),
            np.concatenate([shelf.in_bank for shelf in all_of_them]),
            sum(shelf.unknown for shelf in shelves),
            all_of_them[0].index,
            any(shelf.part for shelf in shelves),
            None if all(shelf.prints is None for shelf in shelves) else prints,
        )

    def where(self, rows: np.ndarray) -> "Shelf":
        """Returns some of the presets.

        Args:
            rows: Which, in order: numbers, or bool of shape `(N,)`.
        """
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        entries = EntriesOnDemand(len(rows), lambda wanted: entries_at(self.entries, rows[wanted]))
        of_all = self.prints
        prints = None if of_all is None else lambda wanted: of_all(rows[wanted])
        return Shelf(entries, self.vectors[rows], self.measures[rows], self.in_bank[rows], part=True, prints=prints)

    @property
    def in_bank(self) -> np.ndarray:
        """Which presets are of the embedded bank, bool, shape `(N,)`."""
        return np.zeros(len(self), bool) if self.banks is None else self.banks

    def numbers(self, rows: np.ndarray) -> list[str]:
        """Returns what presets are called in commands: `"17"` of the library, `"dexed:17"` of the embedded bank."""
        found: list[str] = []
        for entry, embedded in zip(entries_at(self.entries, rows), self.in_bank[rows], strict=True):
            found.append(f"{entry.synth}:{entry.id}" if embedded else str(entry.id))
        return found


def _print_size() -> int:
    from ..ear.ear import KEYS  # loads torch, which nothing but the sound of a query needs
    from ..match.fingerprints import print_size

    return print_size(len(KEYS))


def _stored_prints(library: Library, ear: str, ids: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return library.prints(ear, ids[rows].tolist(), MEASURED, _print_size())


def _entry(library: Library, number: int, synth: str) -> Entry:
    try:
        return library.entry(number)
    except UnknownName:
        return Entry(number, synth, (Label("(removed)"),))


@dataclass(frozen=True)
class Listened:
    """What came of listening to a library.

    Args:
        count: How many presets were listened to.
        left_out: How many could not be: their synth is not there, has other parameters now, or does not play them. The
            next call tries again.
        elsewhere: Whether another process is at it, and this one left it to that.
    """

    count: int
    left_out: int = 0
    elsewhere: bool = False


def listen_to(
    library: Library,
    progress: ProgressCallback = ignore,
    tell: TellCallback = tell_nobody,
    *,
    newer_than: int = 0,
    wait: bool = True,
) -> Listened:
    """Plays the presets of a library that the present ear does not know, and stores every few seconds what it says.

    One process at a time listens to a library, and goes on with presets that others add meanwhile.

    Args:
        library: The library.
        progress: Called again and again with the number of presets that are done.
        tell: Called with a line for each synth whose presets are left out, and if another process is waited for.
        newer_than: Only presets with higher numbers than this, such as those of an import.
        wait: Whether to wait for another process that listens to the library, or to leave it to that.

    Raises:
        StorageError: If the library cannot be read or written.
        ModelError: If the ear is missing.
    """
    version = ear_version()
    place = library.path.with_name(f".{library.path.name}.listening")
    told = False
    listener = _Listener(library, version, newer_than, progress=progress, tell=tell)
    while listener.missing():
        try:
            with locked(place):
                return listener.run()
        except FolderInUse:
            if not wait:
                return Listened(0, elsewhere=True)
            if not told:
                tell(f"another process listens to {library.path}: waiting for it")
            told = True
            time.sleep(_PAUSE)
    return Listened(0)


class _Listener:
    """Listens to the presets of a library that are not known, a block at a time."""

    def __init__(
        self, library: Library, version: str, newer_than: int, *, progress: ProgressCallback, tell: TellCallback
    ) -> None:
        self._library = library
        self._version = version
        self._newer_than = newer_than
        self._progress = progress
        self._tell = tell
        self._done = 0
        self._left_out: set[int] = set()

    def run(self) -> Listened:
        """Goes on until there is nothing left, also of what is added meanwhile."""
        while missing := self.missing():
            total = self._done + sum(map(len, missing.values()))
            for synth, ids in missing.items():
                self._synth(synth, ids, total)
        return Listened(self._done, len(self._left_out))

    def missing(self) -> dict[str, list[int]]:
        """The numbers of the presets that are not known, by synth."""
        sounds = self._library.sounds(self._version, WIDTH, MEASURED)
        missing: dict[str, list[int]] = {}
        for row in np.flatnonzero(~sounds.known):
            number = int(sounds.ids[row])
            if number > self._newer_than and number not in self._left_out:
                missing.setdefault(sounds.synths[row], []).append(number)
        return missing

    def _synth(self, synth: str, ids: Sequence[int], total: int) -> None:
        """Listens to presets of one synth."""
        left = list(ids)
        idle: list[Stateful] = []  # engines are kept from block to block: a plug-in takes seconds to start
        try:
            while left:
                self._block(synth, left[:_BLOCK], idle, total)
                del left[:_BLOCK]
        except (StorageError, ModelError):
            raise
        except PatchflowError as error:  # the synth is not there, or does not start
            self._leave_out(synth, left, str(error))

    def _block(self, synth: str, ids: Sequence[int], idle: list[Stateful], total: int) -> None:
        from ..ear import preset_vectors
        from ..ear.ear import KEYS
        from ..match.fingerprints import BANDS, PARTS, note_levels, packed_levels

        engine = engines[synth]
        numbers, points, states = self._encoded(synth, ids)
        if not numbers:
            return
        used: list[Stateful] = []
        failed: dict[int, str] = {}
        levels = np.full((len(numbers), len(KEYS), BANDS, PARTS), np.nan, np.float32)

        def heard(number: int, note: Note, sound: np.ndarray) -> None:
            if note in KEYS:
                levels[number, KEYS.index(note)] = note_levels(sound, note.hold)

        def make() -> Engine:
            try:
                player = idle.pop()
            except IndexError:
                player = Stateful(engine())
            player.turn_to(states, failed, heard)
            used.append(player)
            return player

        def show(progress: Progress) -> None:
            self._progress(Progress("listen", self._done + progress.done, total, "presets"))

        rows = np.column_stack([np.stack(points), np.arange(len(points))])
        vectors, measures = preset_vectors(make, rows, progress=show)
        # A preset that was not played is not silent: nothing is kept of it.
        good = [row for row in range(len(numbers)) if row not in failed]
        kept = [numbers[row] for row in good]
        self._library.keep_sounds(self._version, kept, vectors[good], measures[good], packed_levels(levels[good]))
        self._done += len(good)
        idle += used
        if failed:
            self._leave_out(synth, [numbers[row] for row in failed], next(iter(failed.values())))

    def _encoded(self, synth: str, ids: Sequence[int]) -> tuple[list[int], list[np.ndarray], list[bytes]]:
        """Numbers, points and states of the presets that fit the synth as it is now."""
        space = engines[synth].space
        numbers: list[int] = []
        points: list[np.ndarray] = []
        states: list[bytes] = []
        unfit: dict[int, str] = {}
        for number in ids:
            try:
                preset = self._library.get(number)
                points.append(space.encode(preset.values))
            except (UnknownName, PresetError) as error:  # of another version of the synth, or removed meanwhile
                unfit[number] = str(error)
                continue
            numbers.append(number)
            states.append(preset.state)
        if unfit:
            self._leave_out(synth, list(unfit), next(iter(unfit.values())))
        return numbers, points, states

    def _leave_out(self, synth: str, ids: Sequence[int], why: str) -> None:
        self._left_out.update(ids)
        presets = "preset" if len(ids) == 1 else "presets"
        are = "is" if len(ids) == 1 else "are"
        self._tell(f"{len(ids):,} {presets} of {synth} {are} left out: {why}")
