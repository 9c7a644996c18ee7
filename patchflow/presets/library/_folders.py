"""Finds the files in a folder that may hold presets, whatever they are called, and tells what the others are."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..files import extensions

__all__ = ["FolderFile", "files_below", "is_foreign"]

_LARGEST = 16 * 2**20  # bytes of a file whose ending does not say that it holds presets

# What never holds presets, and may be large: sounds, pictures and films, documents, archives that are not zip,
# programs, databases, and what patchflow itself writes.
_NEVER = frozenset(
    """
    .wav .wave .aif .aiff .flac .mp3 .ogg .opus .m4a .aac .wma .rf64 .bw64 .w64 .caf .rex .rx2 .sf2 .sfz .nki .ncw .exs
    .png .jpg .jpeg .gif .bmp .tif .tiff .webp .svg .ico .psd .mp4 .mov .avi .mkv .webm .m4v
    .pdf .htm .html .doc .docx .rtf .odt .xls .xlsx .csv .md .css .js .xml .url .webloc .lnk
    .rar .7z .gz .bz2 .xz .tar .tgz .sit .sitx .hqx .cab .iso .dmg .pkg .deb .rpm
    .exe .dll .so .dylib .vst .vst3 .component .msi .jar .py .pyc .sh .bat .h .c .cpp .o .a
    .sqlite .sqlite-journal .db .npz .npy .parquet .arrow .pt .pth .safetensors .ckpt .toml .yaml .yml .log .tmp
    """.split()  # noqa: SIM905
)
# What systems leave in every folder: nobody wants to hear of it.
_REST_FILES = frozenset(("thumbs.db", "desktop.ini", "icon\r"))
_REST_FOLDERS = frozenset(("__macosx",))


@dataclass(frozen=True)
class FolderFile:
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


def files_below(folder: Path, refused: Callable[[OSError], None]) -> Iterator[FolderFile]:
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
            yield FolderFile(path, here / path.relative_to(folder), sure, of_folder=True, kind=kind)


def is_foreign(path: Path) -> bool:
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
    if ending in _NEVER and not sure:
        return ending
    if not sure and about.st_size > _LARGEST:
        return f"large {ending or 'file'}"
    return ""
