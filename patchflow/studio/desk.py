"""What all requests share: the synths, and the workspace with the sounds and presets that are kept."""

import hashlib
import json
import os
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from ..audio.sound import Sound
from ..audio.sound_file import load
from ..engines import engines
from ..errors import PatchflowError, StorageError, UnknownName
from ..parsing import read_object
from ..presets import Choice, Knob, Preset, Value, check
from ..presets.formats import formats
from ..storage import LOCK, locked, make_folder, read_bytes, sweep, write_atomically
from .guard import InUse, StudioSettings, label_of
from .players import LastUsed, Players
from .worker import give_memory_back

__all__ = ["Desk", "NotKept", "PresetBody", "Workspace", "desk", "label_of"]

_ID = 16  # hexadecimal digits
_PARSED = 64 * 2**20  # bytes of presets that are kept in memory: a state with wavetables has up to two million
_VALUES = 2**15  # of them those of the values of one, about
_DECODED = 64 * 2**20  # bytes of samples that are kept in memory


class NotKept(UnknownName):
    """An id of nothing that is kept."""

    def __str__(self) -> str:
        kind, key, _ = self.args
        return f"{kind}={key}: no {kind} of this id is kept here"


class PresetBody(BaseModel):
    """A preset as the API shows it; the state, which may be large, stays in the workspace."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    synth: str
    name: str
    values: dict[str, float | int | str]
    origin: str | None = Field(None, validation_alias="from", serialization_alias="from", description="In words.")
    has_state: bool
    category: str
    tags: list[str]


class Desk:
    """What all requests share.

    Args:
        settings: See `StudioSettings`.

    Attributes:
        workspace: Sounds and presets on the disk.
        players: The synths that play.
        jobs: The queue of jobs; None until one is made.
    """

    def __init__(self, settings: StudioSettings) -> None:
        self.settings = settings
        self.workspace = Workspace(settings)
        self.players = Players()
        self.jobs: Any = None
        self.library_path = settings.library
        self._held: ExitStack | None = None

    def open(self) -> None:
        """Takes the workspace, so that no other studio works in it, and looks through it; does nothing if it is taken.

        Raises:
            FolderInUse: If another studio has it.
            StorageError: If it cannot be made or read.
        """
        if self._held is not None:
            return
        with ExitStack() as held:
            held.enter_context(locked(self.settings.workspace))
            self.workspace.open()
            self._held = held.pop_all()

    def rest(self) -> None:
        """Forgets what is soon found again, since nobody is there, and gives its memory back to the system."""
        self.workspace.rest()
        self.players.rest()
        give_memory_back()

    def close(self) -> None:
        """Ends the jobs and the synths, and gives the workspace back."""
        if self.jobs is not None:
            self.jobs.close()
        self.players.close()
        if self._held is not None:
            self._held.close()
            self._held = None


def desk(request: Request) -> Desk:
    """Returns the desk of the studio that a request came to."""
    return request.app.state.desk


class Workspace:
    """Sounds and presets on the disk, each called by the hash of its content: the same thing has the same id.

    Args:
        settings: Where it is, and how much it holds.
    """

    def __init__(self, settings: StudioSettings) -> None:
        self.folder = settings.workspace
        self.sounds = _Shelf("sound", self.folder / "sounds", 2**31, settings.kept_bytes)
        self.presets = _Shelf("preset", self.folder / "presets", settings.kept_presets, settings.kept_bytes)
        self._parsed: LastUsed[str, Preset] = LastUsed(_PARSED)
        self._decoded: LastUsed[tuple[str, float], Sound] = LastUsed(_DECODED)
        self.decoding = threading.RLock()  # one at a time: ten minutes of sound are 100 MB

    def open(self) -> None:
        """Makes the folders, and removes what a killed studio has left unfinished.

        Raises:
            StorageError: If they cannot be made or read.
        """
        make_folder(self.folder / "incoming")
        for path in (self.folder / "incoming").iterdir():
            path.unlink(missing_ok=True)
        self.sounds.open()
        self.presets.open()

    def rest(self) -> None:
        """Forgets what was read of the disk."""
        self._parsed.shrink()
        self._decoded.shrink()

    def refer(self, references: Callable[[], Collection[str]]) -> None:
        """Has somebody asked, before anything is removed, which sounds and presets they need.

        Args:
            references: Returns ids of sounds and presets. It may be called by whoever keeps something, so a lock that
                it takes has to be one that its own thread may take twice.
        """
        self.sounds.referrers.append(references)
        self.presets.referrers.append(references)

    @contextmanager
    def incoming(self, suffix: str = "") -> Iterator[Path]:
        """Yields the path of a new file for what is being received; the file is gone afterwards, unless it was moved.

        Args:
            suffix: Ending of the name, one of our own.
        """
        path = self.folder / "incoming" / f"{secrets.token_hex(8)}{suffix}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def keep_preset(self, preset: Preset, origin: str | None = None) -> PresetBody:
        """Keeps a preset; one that is there already stays as it is.

        Args:
            preset: Complete, with allowed values.
            origin: How it came to be, in words.

        Raises:
            PatchflowError: If its synth is not there or does not take it, or it cannot be written.
        """
        preset = _plain(preset)
        key = _preset_id(preset)
        if key not in self.presets:
            told = {".txt": label_of(origin).encode()} if origin else {}
            self.presets.add(key, {**told, ".json": formats["json"]().write([preset])})
        self.presets.touch(key)
        self._parsed.put(key, preset, _VALUES + len(preset.state))
        return self.preset_body(key)

    def preset(self, key: str) -> Preset:
        """Returns a preset that is kept, with its state.

        Raises:
            UnknownName: If there is none of this id.
            StorageError: If its file cannot be read, or was damaged.
        """
        if (known := self._parsed.get(key)) is not None and key in self.presets:
            return known
        found = formats["json"]().read(self.presets.read(key, ".json")).presets
        if not found:
            raise StorageError(f"preset={key}: its file in the workspace is damaged")
        self._parsed.put(key, found[0], _VALUES + len(found[0].state))
        return found[0]

    def preset_body(self, key: str) -> PresetBody:
        """Returns a preset that is kept, as the API shows it; see `preset`."""
        preset = self.preset(key)
        return PresetBody(
            id=key, synth=preset.synth, name=preset.name, values=dict(preset.values),
            origin=self.presets.text(key, ".txt"), has_state=bool(preset.state), category=preset.category,
            tags=list(preset.tags),
        )  # fmt: skip

    def keep_sound(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Keeps a sound file.

        Args:
            path: The file, among the incoming ones; it is moved.
            facts: What is known of it, with `"id"` from `sound_id`.

        Raises:
            StorageError: If it cannot be written.
        """
        key = str(facts["id"])
        if key not in self.sounds:
            self.sounds.add(key, {".json": json.dumps(facts).encode()}, path)
        self.sounds.touch(key)

    def sound_facts(self, key: str) -> dict[str, Any]:
        """Returns what is known of a sound that is kept.

        Raises:
            UnknownName: If there is none of this id.
            StorageError: If it cannot be read.
        """
        self.sounds.require(key)
        return read_object(self.sounds.path(key, ".json"))

    def recording(self, key: str, seconds: float = 30.0) -> Sound:
        """Returns a sound that is kept as `load` reads it, under the name that the user gave it.

        Args:
            key: Its id.
            seconds: The most to read; what a match reads if not given.

        Raises:
            UnknownName: If there is none of this id.
            PatchflowError: If it cannot be read.
        """
        name = str(self.sound_facts(key)["name"])
        with self.decoding:
            sound = self._decoded.get((key, seconds))
            if sound is None:
                sound = self.decoded(self.sounds.path(key, ".sound"), name, seconds)
                self._decoded.put((key, seconds), sound, sound.samples.nbytes)
        return sound

    def decoded(self, path: Path, name: str, seconds: float) -> Sound:
        """Reads a sound file of the workspace; errors call it by the name that the user knows.

        Raises:
            PatchflowError: See `load`.
        """
        try:
            sound = load(path, seconds=seconds)
        except PatchflowError as error:
            raise type(error)(str(error).replace(str(path), name or "the sound")) from error
        return replace(sound, path=Path(re.sub(r"[\\/\0]", "_", name) or "sound"))


def _plain(preset: Preset) -> Preset:
    """The preset with the kind of number that each parameter has, and with labels on one line.

    Raises:
        PatchflowError: If its synth is not there, or does not take it.
    """
    space = engines[preset.synth].space
    check(preset, space)
    values: dict[str, Value] = {}
    for parameter in space.parameters:
        value = preset.values[parameter.name]
        if isinstance(parameter, Choice):
            values[parameter.name] = str(value)
        else:
            values[parameter.name] = float(value) if isinstance(parameter, Knob) else int(value)
    labels = {field: label_of(getattr(preset, field)) for field in ("name", "category", "author")}
    return replace(preset, values=values, tags=tuple(map(label_of, preset.tags)), **labels)


def _preset_id(preset: Preset) -> str:
    content = json.dumps([preset.synth, preset.values, preset.name], sort_keys=True).encode()
    return hashlib.sha256(content + b"\0" + preset.state).hexdigest()[:_ID]


class _Shelf:
    """Things of one kind in a folder, some files each, the one ending in `.json` written last; the oldest go.

    Args:
        kind: What it holds, for errors.
        folder: Where.
        most: Things that are kept.
        most_bytes: Bytes that are kept.
    """

    def __init__(self, kind: str, folder: Path, most: int, most_bytes: int) -> None:
        self.kind = kind
        self.folder = folder
        self.most = most
        self.most_bytes = most_bytes
        self.referrers: list[Callable[[], Collection[str]]] = []
        self._sizes: OrderedDict[str, int] = OrderedDict()  # of all things, the oldest first
        self._total = 0
        self._lock = threading.RLock()

    def __contains__(self, key: str) -> bool:
        return key in self._sizes

    def open(self) -> None:
        make_folder(self.folder)
        sweep(self.folder)
        found: dict[str, list[Path]] = {}
        for path in self.folder.iterdir():
            if path.name != LOCK:
                found.setdefault(path.stem, []).append(path)
        whole = found.keys() & {path.stem for path in self.folder.glob("*.json")}
        for key in found.keys() - whole:  # its studio was killed before it wrote the last file
            self._drop(key)
        times = {key: self.path(key, ".json").stat().st_mtime_ns for key in whole}
        for key in sorted(whole, key=times.__getitem__):
            self._sizes[key] = sum(path.stat().st_size for path in found[key])
        self._total = sum(self._sizes.values())

    def keys(self) -> list[str]:
        """Ids, the newest first."""
        with self._lock:
            return list(reversed(self._sizes))

    def path(self, key: str, ending: str) -> Path:
        return self.folder / (key + ending)

    def read(self, key: str, ending: str) -> bytes:
        self.require(key)
        return read_bytes(self.path(key, ending))

    def text(self, key: str, ending: str) -> str | None:
        path = self.path(key, ending)
        return read_bytes(path).decode() if path.exists() else None

    def require(self, key: str) -> None:
        if key not in self._sizes:
            raise NotKept(self.kind, key, [])

    def add(self, key: str, contents: Mapping[str, bytes], file: Path | None = None) -> None:
        """Writes the files of a thing by their endings, after a large one has been moved here from elsewhere."""
        size = sum(map(len, contents.values()))
        if file is not None:
            size += file.stat().st_size
            file.replace(self.path(key, ".sound"))
        for ending, data in contents.items():
            write_atomically(self.path(key, ending), data)
        self._count(key, size)

    def touch(self, key: str) -> None:
        with self._lock, suppress(OSError):
            self._sizes.move_to_end(key)
            os.utime(self.path(key, ".json"))

    def remove(self, key: str) -> None:
        self.require(key)
        if key in self._referred():
            raise InUse(f"{self.kind}={key}: a job or a project needs it. Remove that first.")
        self._drop(key)

    def _count(self, key: str, size: int) -> None:
        with self._lock:
            self._total += size - self._sizes.pop(key, 0)
            self._sizes[key] = size
            old = list(self._sizes)
        if self._fits(1.0):
            return
        # Asked without our lock: whoever answers has one of their own, and may hold it while they keep something here.
        needed = self._referred() | {key}
        for each in old:
            if self._fits(0.95):  # more goes than has to, because to ask for references may take a while
                break
            if each not in needed:
                self._drop(each)

    def _fits(self, share: float) -> bool:
        return len(self._sizes) <= share * self.most and self._total <= share * self.most_bytes

    def _referred(self) -> set[str]:
        return set().union(*(references() for references in self.referrers))

    def _drop(self, key: str) -> None:
        with self._lock:
            self._total -= self._sizes.pop(key, 0)
        for ending in (".json", ".txt", ".sound"):  # what is left without the first is swept
            self.path(key, ending).unlink(missing_ok=True)
