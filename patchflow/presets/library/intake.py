"""Imports preset files and whole folders into a library."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import PatchflowError
from ..files import extensions, read_presets
from ..formats import ReadReport, Rejected
from ..space import ParamSpace
from .library import Library

__all__ = ["FileIntake", "import_files"]


@dataclass(frozen=True)
class FileIntake:
    """The outcome of importing one preset file.

    Args:
        path: The file.
        added: Presets that are new to the library.
        merged: Presets whose values were there; their names were added.
        rejected: Presets that are damaged or do not fit their synth.
        error: Why the file could not be read at all, or "".
        notes: What else a user should know.
    """

    path: Path
    added: int = 0
    merged: int = 0
    rejected: tuple[Rejected, ...] = ()
    error: str = ""
    notes: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for everything that was not imported."""
        if self.error:
            return (self.error,)
        return tuple(f"{self.path}: {voice}" for voice in self.rejected)


def import_files(
    library: Library,
    paths: Iterable[str | os.PathLike[str]],
    space_of: Callable[[str], ParamSpace],
    load: Callable[[Path], ReadReport] = read_presets,
) -> Iterator[FileIntake]:
    """Adds the presets of files to a library, one file after the other.

    A preset's source is its file, with the folders below and including the one that was given.

    Args:
        library: Where to.
        paths: Files, and folders to be searched for preset files all the way down.
        space_of: Gives the parameters of a synth; see `Library.add`.
        load: Reads a file; another one may know what the presets of plug-ins hold.

    Yields:
        The outcome of each file, also of those that could not be read.

    Raises:
        StorageError: If the library cannot be written.
    """
    for path in map(Path, paths):
        if path.is_dir():
            files = _preset_files(path)
            if not files:
                yield FileIntake(path, error=f"{path}: no preset files ({', '.join(extensions())}) in this folder")
            here = Path(path.resolve().name)
            for file in files:
                yield _import(library, file, here / file.relative_to(path), space_of, load)
        else:
            yield _import(library, path, Path(path.name), space_of, load)


def _preset_files(folder: Path) -> list[Path]:
    known = extensions()
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in known and file.is_file())


def _import(
    library: Library,
    path: Path,
    source: Path,
    space_of: Callable[[str], ParamSpace],
    load: Callable[[Path], ReadReport],
) -> FileIntake:
    try:
        read = load(path)
    except PatchflowError as error:
        return FileIntake(path, error=str(error))
    if not read.presets:
        return FileIntake(path, rejected=read.rejected, notes=read.notes)
    done = library.add(read.presets, space_of, source.as_posix())
    rejected = (*read.rejected, *_numbered_as_in_file(done.rejected, read))
    return FileIntake(path, done.added, done.merged, rejected, notes=read.notes)


def _numbered_as_in_file(rejected: tuple[Rejected, ...], read: ReadReport) -> list[Rejected]:
    """Rejected presets with their numbers in the file; the library counts only those that could be read."""
    return [replace(voice, voice=read.places[voice.voice - 1]) for voice in rejected]
