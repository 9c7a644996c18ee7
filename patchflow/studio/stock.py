"""The presets of the library and of the embedded bank, kept in memory; and what they are like, also when played."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from weakref import WeakKeyDictionary

import numpy as np
from fastapi import Depends
from pydantic import BaseModel, Field

from ..browse import Hit, Shelf, preset_called
from ..browse.embedded import presets_called
from ..browse.index import Texts
from ..browse.played import Beside, note_beside, sorted_beside, target_of_note
from ..browse.shelf import embedded_synths
from ..browse.standing import Standing, likely_near
from ..errors import AudioError, OptionError, PatchflowError, UnknownName
from ..match.target import Target, prepare_target
from ..parsing import read_object
from ..presets import Entry, Label, Library, Preset
from ..presets.library import OWN_LABEL
from ..progress import TellCallback
from ..storage import json_text, write_atomically
from .desk import Desk, desk, label_of
from .players import PLAYED_RATE, PlayedNote
from .sound_routes import sound_part

__all__ = ["FAVOURITE", "MOST_HITS", "LikeBody", "Stock", "Stocked", "hits_beside", "stock", "vector_like"]

FAVOURITE = "favourite"
"""The tag of a favourite of the library, so that every command finds it."""

MOST_HITS = 1_000
"""Presets of an answer, at most."""

_MOST_AT_ONCE = 4  # searches that are being played
_MOST_PLAYED = 300  # presets of one search: some seconds of the DX7, a minute of Vital
_FAVOURITES = "favourites.json"  # in the workspace: those of the embedded bank
_MOST_KEPT = 64  # vectors of sounds and presets that were looked for
_MANY = 5_000  # presets of which it takes more than a moment to know where each stands among the others
_PATIENCE = 10.0  # times what reading took, before a library that changes all the time is read again


@dataclass(eq=False)
class Stocked:
    """All presets at one moment, a row each.

    Args:
        shelf: What they sound like, and what is known of each but its values.
        entries: The latter, with labels that were given since.
        keys: What each is called: `"17"`, `"dexed:17"`.
        starred: Which are favourites, bool, shape `(N,)`.
        own: How many of them are of the library, the first ones.
        stamp: Of the library file when it was read.
        took: Seconds that reading took.
        read: When that was, by the clock of `time.monotonic`.
        kept: What was found out of them and takes long.
    """

    shelf: Shelf
    entries: list[Entry]
    keys: list[str]
    starred: np.ndarray
    own: int
    stamp: tuple[int, ...]
    took: float
    read: float = field(default_factory=time.monotonic)
    kept: dict[tuple[str, ...], Any] = field(default_factory=dict)
    turns: dict[tuple[str, ...], threading.Lock] = field(default_factory=dict, init=False)
    """Whoever asks for what somebody else is finding out waits for that: a map takes a minute of all processors."""

    def __post_init__(self) -> None:
        self.rows = {key: row for row, key in enumerate(self.keys)}
        self.texts = Texts([[entry.name, entry.category, entry.author, *entry.tags] for entry in self.entries])

    def once(self, *what: str, make: Callable[[], Any]) -> Any:
        """Returns what is found out once, by its name."""
        with self.turns.setdefault(what, threading.Lock()):
            if what not in self.kept:
                self.kept[what] = make()
        return self.kept[what]


class Stock:
    """The presets of the library and of the embedded bank, kept in memory.

    Args:
        path: The library; the user's own if None.
        workspace: Where favourites of the embedded bank are kept.

    Attributes:
        playing: Searches whose presets are being played.
    """

    def __init__(self, path: Path | None, workspace: Path) -> None:
        self.library = Library(path)
        self._kept = workspace / _FAVOURITES
        self.playing = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self._lock = threading.RLock()
        self._held: Stocked | None = None
        self._bank = Shelf.joined([Shelf.embedded(synth) for synth in embedded_synths()])
        self._vectors: OrderedDict[str, np.ndarray] = OrderedDict()

    def now(self, *, fresh: bool = False) -> Stocked:
        """Returns all presets, read again if the library has changed.

        Args:
            fresh: Whether not even what was read a moment ago will do.

        Raises:
            StorageError: If the library cannot be read.
        """
        with self._lock:
            held = self._held
            if held is not None and held.stamp == self._stamp():
                return held
            # whoever listens to a library changes it every second
            if held is not None and not fresh and time.monotonic() - held.read < _PATIENCE * held.took:
                return held
            self._held = self._reading()
            if len(self._held.keys) > _MANY:
                threading.Thread(target=Standing.of, args=(self._held.shelf,), daemon=True).start()
            return self._held

    def _reading(self) -> Stocked:
        began = time.monotonic()
        stamp = self._stamp()
        own = Shelf.of_library(self.library) if stamp and stamp[1] else None
        shelf = self._bank if own is None else Shelf.joined([own, self._bank])
        entries = list(shelf.entries)
        keys = shelf.numbers(np.arange(len(shelf)))
        bank = self._bank_favourites()
        starred = [key in bank or FAVOURITE in entry.own_tags for key, entry in zip(keys, entries, strict=True)]
        count = 0 if own is None else len(own)
        return Stocked(shelf, entries, keys, np.array(starred, bool), count, stamp, time.monotonic() - began)

    def _stamp(self) -> tuple[int, ...]:
        try:
            about = self.library.path.stat()
        except OSError:
            return ()
        return (about.st_mtime_ns, about.st_size, about.st_ino)

    def _bank_favourites(self) -> list[str]:
        found = read_object(self._kept).get("bank", []) if self._kept.exists() else []
        return found if isinstance(found, list) else []

    def favour(self, key: str, wanted: bool) -> None:
        """Makes a preset a favourite, or takes that back.

        Raises:
            UnknownName: If there is no such preset.
            StorageError: If it cannot be written.
        """
        with self._lock:
            row = self.row(key)
            stocked = self.now()
            if row < stocked.own:
                entry = stocked.entries[row]
                tags = [tag for tag in entry.own_tags if tag != FAVOURITE]
                self._label(row, _own_category(entry), [*tags, FAVOURITE] if wanted else tags)
            else:
                others = [other for other in self._bank_favourites() if other != key]
                bank = sorted([*others, key] if wanted else others)
                write_atomically(self._kept, json_text({"bank": bank}).encode())
            stocked.starred[row] = wanted

    def relabel(self, key: str, tags: Sequence[str], category: str | None) -> None:
        """Gives a preset of the library tags and a category, in place of those that the user gave it earlier.

        Raises:
            OptionError: If it is one of the embedded bank.
            UnknownName: If there is no such preset.
            StorageError: If the library cannot be written.
        """
        with self._lock:
            row = self.row(key)
            stocked = self.now()
            if row >= stocked.own:
                raise OptionError(f"{key}: the embedded bank keeps its labels. Add it to your library first.")
            kept = [FAVOURITE] if stocked.starred[row] else []
            wanted = [tag for tag in map(label_of, tags) if tag and tag != FAVOURITE]
            own = _own_category(stocked.entries[row]) if category is None else label_of(category)
            self._label(row, own, list(dict.fromkeys([*wanted, *kept])))
            shelf = replace(stocked.shelf, entries=list(stocked.entries))  # words find what it is called now
            self._held = replace(stocked, shelf=shelf, stamp=self._stamp(), kept={})

    def _label(self, row: int, category: str, tags: Sequence[str]) -> None:
        """Writes the label that the user gives a preset of the library, there and in memory."""
        stocked = self.now()
        number = stocked.entries[row].id
        self.library.annotate({number: Label(category=category, tags=tuple(tags), source=OWN_LABEL)})
        stocked.entries[row] = self.library.entry(number)
        stocked.stamp = self._stamp()

    def row(self, key: str) -> int:
        """Returns the row of a preset.

        Raises:
            OptionError: If this is no key.
            UnknownName: If there is no such preset.
        """
        if key not in self.now().rows:
            self.called(key)
            self.now(fresh=True)  # it has come in since
        return self.now().rows[key]

    def called(self, key: str) -> tuple[Entry, Preset]:
        """Returns what is known of a preset, and its values.

        Raises:
            OptionError: If this is no key.
            UnknownName: If there is no such preset, or no library yet.
            StorageError: If the library cannot be read.
        """
        if key.isdecimal() and not self.library.path.exists():
            raise UnknownName("preset of the library", key, [])
        return preset_called(key, self.library)

    def vector(self, name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Returns what the ear says of a sound or preset, kept.

        Args:
            name: What it is.
            make: Finds it.

        Raises:
            AudioError: If it is silent.
        """
        if name not in self._vectors:
            self._vectors[name] = make()
        while len(self._vectors) > _MOST_KEPT:
            self._vectors.popitem(last=False)
        if not self._vectors[name].any():
            raise AudioError(f"{name}: silent, and nothing is like silence")
        return self._vectors[name]


def _own_category(entry: Entry) -> str:
    return next((label.category for label in entry.labels if label.source == OWN_LABEL), "")


_stocks: "WeakKeyDictionary[Desk, Stock]" = WeakKeyDictionary()
_making = threading.Lock()


def stock(at: Annotated[Desk, Depends(desk)]) -> Stock:
    """Returns the presets of a desk's library and of the embedded bank."""
    with _making:
        if at not in _stocks:
            _stocks[at] = Stock(at.library_path, at.settings.workspace)
        return _stocks[at]


class LikeBody(BaseModel):
    """What presets should be like, of several what lies in the middle; and how many are played beside it."""

    sound: str | None = None
    start: float | None = Field(None, ge=0, description="Of the part of the sound, in seconds.")
    end: float | None = Field(None, gt=0)
    preset: str | None = None
    key: str | None = None
    play: int = Field(
        0, ge=0, le=_MOST_PLAYED, description="Play so many of the nearest on its note, and sort by distance."
    )
    note: int | None = Field(None, ge=0, le=127, description="That is played; the note of the sound if not given.")
    limit: int = Field(50, ge=1, le=MOST_HITS)


def vector_like(here: Stock, at: Desk, body: LikeBody) -> np.ndarray | None:
    """Returns what the ear says of what presets should be like; None if nothing is asked for."""
    found: list[np.ndarray] = []
    if body.sound is not None:
        key = body.sound
        found.append(here.vector(f"sound {key} {body.start} {body.end}", lambda: _heard(at, key, body.start, body.end)))
    if body.preset is not None:
        preset = at.workspace.preset(body.preset)
        found.append(here.vector(f"preset {body.preset}", lambda: _vector_played(at, str(body.preset), preset)))
    if body.key is not None:
        row = here.row(body.key)
        own = here.now().shelf.vectors[row]
        name = f"library {body.key}"
        chosen = here.called(body.key)[1]
        found.append(own if own.any() else here.vector(name, lambda: _vector_played(at, name, chosen)))
    total = np.sum(found, axis=0) if found else None
    return None if total is None else (total / np.linalg.norm(total)).astype(np.float32)


def _heard(at: Desk, key: str, start: float | None, end: float | None) -> np.ndarray:
    from ..ear import Ear

    sound = sound_part(at, key, start, end)
    return Ear.load().embed([sound.samples], sound.rate)[0]


def _vector_played(at: Desk, key: str, preset: Preset) -> np.ndarray:
    """What the ear says of a preset; played as all that is heard, since a synth may have one sample rate at a time."""
    from ..ear import Ear
    from ..ear.ear import KEYS

    notes = [at.players.play(key, preset, note) for note in KEYS]
    sounds = [note.result().samples for note in notes]
    total = Ear.load().embed(sounds, PLAYED_RATE).sum(axis=0)
    length = np.linalg.norm(total)
    return total / length if length > 0 else total


def hits_beside(
    here: Stock, at: Desk, body: LikeBody, search_for: Callable[..., list[Hit]], tell: TellCallback
) -> list[Hit]:
    """Returns the hits of a search, of which the nearest were played beside a sound, the nearest first.

    Args:
        here: The presets.
        at: Plays them as all that is heard.
        body: The sound, and how many are played.
        search_for: As `find`, with `limit` and `by`.
        tell: Called with a line on what was played, and on what could not be.

    Raises:
        OptionError: If not one sound or preset is asked for, or too many searches are being played.
    """
    if [body.sound, body.preset, body.key].count(None) != 2:
        raise OptionError(f"play={body.play}: needs one of sound, preset and key, that presets are played beside")
    if not here.playing.acquire(blocking=False):  # each holds a thread that pages wait for
        raise OptionError(f"play={body.play}: {_MOST_AT_ONCE} searches are being played already; ask again")
    try:
        return _hits_beside(here, at, body, search_for, tell)
    finally:
        here.playing.release()


def _hits_beside(
    here: Stock, at: Desk, body: LikeBody, search_for: Callable[..., list[Hit]], tell: TellCallback
) -> list[Hit]:
    target = _target(here, at, body)
    like = vector_like(here, at, body)
    beside = Beside(target)
    by = None if like is None else likely_near(here.now().shelf, target, like)
    hits = search_for(limit=max(body.play, body.limit), by=by)
    wanted = hits[: body.play]
    presets = presets_called([hit.number for hit in wanted], here.library)
    notes: dict[str, Future[PlayedNote]] = {}
    found: dict[str, float | str] = dict.fromkeys([hit.number for hit in wanted], "it was removed, or cannot be read")
    for number, preset in presets.items():
        try:
            notes[number] = at.players.play(f"library {number}", preset, beside.note, ahead=True)  # keys come first
        except PatchflowError as error:  # the synth is not there
            found[number] = str(error)
    for number, note in notes.items():
        try:
            found[number] = beside.distance(note.result().samples, PLAYED_RATE)
        except PatchflowError as error:
            found[number] = str(error)
    tell(f"played {beside.words}")
    return [*sorted_beside(wanted, found, tell), *hits[body.play :]][: body.limit]


def _target(here: Stock, at: Desk, body: LikeBody) -> Target:
    """The sound that presets are played beside."""
    if body.sound is not None:
        return prepare_target(sound_part(at, body.sound, body.start, body.end), note=body.note)
    name = f"library {body.key}" if body.preset is None else body.preset
    preset = at.workspace.preset(body.preset) if body.preset is not None else here.called(str(body.key))[1]
    note = note_beside(60 if body.note is None else body.note)
    return target_of_note(at.players.play(name, preset, note).result().samples, PLAYED_RATE, note)
