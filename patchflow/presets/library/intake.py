"""Imports preset files and whole folders into a library, whatever the files are called; tells what the others are."""

import json
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...errors import PatchflowError, StorageError
from ...progress import Progress, ProgressCallback, ignore
from ...storage import reason
from ..archives import ARCHIVES
from ..files import LARGEST_GUESS, NO_PRESETS, extensions, read_presets
from ..formats import Mended, ReadReport, Rejected
from ..space import ParamSpace
from .library import Library

__all__ = ["FileIntake", "import_files"]

# What systems leave in every folder: nobody wants to hear of it.
_REST_FILES = frozenset(("thumbs.db", "desktop.ini", "icon\r"))
_REST_FOLDERS = frozenset(("__macosx",))


@dataclass(frozen=True)
class FileIntake:
    """The outcome of importing one preset file, or what else there is to say of a folder.

    Args:
        path: The file, or the folder.
        added: Presets that are new to the library.
        merged: Presets whose values were there; their names were added.
        rejected: Presets that are damaged or do not fit their synth.
        error: Why the file could not be read at all, or "".
        notes: What else a user should know.
        mended: What was wrong and was put right.
        passed_over: Of a folder: how many of its files are no preset files, by kind, such as `".wav"`.
    """

    path: Path
    added: int = 0
    merged: int = 0
    rejected: tuple[Rejected, ...] = ()
    error: str = ""
    notes: tuple[str, ...] = ()
    mended: tuple[Mended, ...] = ()
    passed_over: Counter[str] = field(default_factory=Counter)

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for everything that was not imported."""
        if self.error:
            return (self.error,)
        return tuple(f"{self.path}: {voice}" for voice in self.rejected)


@dataclass(frozen=True)
class _File:
    """A file to be imported.

    Args:
        path: Where it is.
        source: Its path from the folder that was given, and including that.
        sure: Whether it should hold presets, by its ending or because it was named.
        of_folder: Whether it was found in a folder.
        kind: What it is, such as `".wav"`, if it need not be tried.
    """

    path: Path
    source: Path
    sure: bool
    of_folder: bool = False
    kind: str = ""


def import_files(
    library: Library,
    paths: Iterable[str | os.PathLike[str]],
    space_of: Callable[[str], ParamSpace],
    load: Callable[[Path], ReadReport] = read_presets,
    progress: ProgressCallback = ignore,
) -> Iterator[FileIntake]:
    """Adds the presets of files to a library, one file after the other; what is interrupted has whole files.

    A preset's source is its file, with the folders below and including the one that was given.

    Args:
        library: Where to.
        paths: Files, and folders to be searched for preset files all the way down.
        space_of: Gives the parameters of a synth; see `Library.add`.
        load: Reads a file; another one may know what the presets of plug-ins hold.
        progress: Called with the number of files that are done.

    Yields:
        The outcome of each file, also of those that could not be read; and of each folder, what was passed over.

    Raises:
        StorageError: If the library cannot be written.
    """
    found: list[_File | FileIntake] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += _listed(path)
        else:
            found.append(_File(path, Path(path.name), sure=True))
    total = sum(isinstance(item, _File) for item in found)
    done = 0
    passed_over: Counter[str] = Counter()
    read = 0
    for item in found:
        if isinstance(item, FileIntake):
            passed_over += item.passed_over
            if item.error:
                yield item
                continue
            if passed_over or not read:  # the end of a folder
                yield _summary(item.path, passed_over, read)
            passed_over = Counter()
            read = 0
            continue
        progress(Progress("import", done, total, "files"))
        outcome = _import(library, item, space_of, load)
        done += 1
        if outcome is None:
            passed_over[item.path.suffix.lower() or "without an ending"] += 1
        else:
            read += 1
            yield outcome
    progress(Progress("import", done, total, "files"))


def _listed(folder: Path) -> list[_File | FileIntake]:
    """What is in a folder: files to be tried, folders that cannot be read, and in the end a place for its summary."""
    found: list[_File | FileIntake] = []
    passed_over: Counter[str] = Counter()

    def refused(error: OSError) -> None:
        found.append(FileIntake(folder, error=f"cannot read {error.filename}: {reason(error)}"))

    for file in _files_below(folder, refused):
        if file.kind:
            passed_over[file.kind] += 1
        else:
            found.append(file)
    found.append(FileIntake(folder, passed_over=passed_over))
    return found


def _summary(folder: Path, passed_over: Counter[str], read: int) -> FileIntake:
    error = "" if read else f"{folder}: no preset files ({', '.join(extensions())}) in this folder"
    return FileIntake(folder, error=error, passed_over=passed_over)


def _import(
    library: Library,
    file: _File,
    space_of: Callable[[str], ParamSpace],
    load: Callable[[Path], ReadReport],
) -> FileIntake | None:
    """The outcome of a file; None if it is one of a folder and not of presets."""
    try:
        read = load(file.path)
    except StorageError as error:
        return FileIntake(file.path, error=str(error))
    except PatchflowError as error:
        if not file.sure or (file.of_folder and _is_foreign(file.path)):
            return None
        return FileIntake(file.path, error=str(error))
    if not read.presets:
        return FileIntake(file.path, rejected=read.rejected, notes=read.notes, mended=read.mended)
    done = library.add(read.presets, space_of, file.source.as_posix())
    rejected = (*read.rejected, *_numbered_as_in_file(done.rejected, read))
    return FileIntake(file.path, done.added, done.merged, rejected, notes=read.notes, mended=read.mended)


def _numbered_as_in_file(rejected: tuple[Rejected, ...], read: ReadReport) -> list[Rejected]:
    """Rejected presets with their numbers in the file; the library counts only those that could be read."""
    return [replace(voice, voice=read.places[voice.voice - 1]) for voice in rejected]


def _files_below(folder: Path, refused: Callable[[OSError], None]) -> Iterator[_File]:
    """Yields the files in a folder and in those below, in order; links are followed, but none in circles.

    Args:
        folder: Where to look.
        refused: Called with the error of each folder or file that cannot be looked at.
    """
    known = extensions()
    here = Path(folder.resolve().name)
    seen: set[tuple[int, int]] = set()
    for where, folders, names in os.walk(folder, onerror=refused, followlinks=True):
        about = Path(where).stat()
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        # `os.walk` goes on into what is left in this list, in its order
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name.lower() not in _REST_FOLDERS)
        for name in sorted(names):
            if name.startswith(".") or name.lower() in _REST_FILES:
                continue
            path = Path(where, name)
            sure = path.suffix.lower() in known
            try:
                kind = _kind(path, path.stat(), sure)
            except OSError as error:
                refused(error)
                continue
            yield _File(path, here / path.relative_to(folder), sure, of_folder=True, kind=kind)


def _is_foreign(path: Path) -> bool:
    """Returns whether a file that is no preset file is a whole JSON file of something else, such as a result."""
    if path.suffix.lower() != ".json":
        return False
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return not (isinstance(content, dict) and content.get("format") == "patchflow-presets")


def _kind(path: Path, about: os.stat_result, sure: bool) -> str:
    """What a file is, if it need not be tried; "" if it may hold presets."""
    ending = path.suffix.lower()
    if not stat.S_ISREG(about.st_mode):
        return "not a file"
    if ending in NO_PRESETS and not sure:
        return ending
    if not sure and ending not in ARCHIVES and about.st_size > LARGEST_GUESS:
        return f"large {ending or 'file'}"
    return ""
