"""Several files of a folder, and of folders in it, that appear together or not at all, even if a process is killed.

Before that they have names that nobody else uses. What the operating system refuses is said in its own words.
"""

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import stat
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from ..errors import StorageError

__all__ = ["finish", "first_sentence", "is_ours", "is_temporary", "reason", "temporary_path", "write_together"]

_PREFIX = ".patchflow-"
_NAME = re.compile(r"\.patchflow-(?:(?P<machine>[0-9a-f]{8})-)?[0-9a-f]{16}")  # older versions named no machine

_JOURNAL = "journal.json"
_LARGEST = 2**20  # bytes of a journal: some thousand names, and a match has forty at most


def reason(error: OSError) -> str:
    """Returns the operating system's reason in lower case, e.g. `"no space left on device"`."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def first_sentence(error: Exception) -> str:
    """Returns the first sentence of what an error says, without its full stop; its type if it says nothing."""
    text = reason(error) if isinstance(error, OSError) else str(error).strip()
    text = text or type(error).__name__
    return text.partition("\n")[0].partition(". ")[0].rstrip(".")


def temporary_path(folder: Path) -> Path:
    """Returns a hidden path in a folder that nobody else uses; its name says which machine made it.

    Beside what it will become, since a file can be renamed only within a disk.
    """
    return folder / f"{_PREFIX}{_machine()}-{secrets.token_hex(8)}"


def is_temporary(name: str) -> bool:
    """Returns whether a file of this name is one of ours that was never finished.

    Example:
        >>> is_temporary(".patchflow-lock"), is_temporary(".patchflow-0123456789abcdef")
        (False, True)
    """
    return _NAME.fullmatch(name) is not None


def is_ours(name: str) -> bool:
    """Returns whether a temporary file is of this machine."""
    found = _NAME.fullmatch(name)
    return found is not None and found["machine"] == _machine()


def write_together(folder: str | os.PathLike[str], contents: Mapping[str, bytes], gone: Collection[str] = ()) -> None:
    """Writes several files of one folder: all of them or none.

    No operating system renames several files at once. So there are two steps. First all files are written into a hidden
    folder beside, with a journal that names them; until the journal is there, nothing has changed. Then they are moved
    to their places. A process that is killed before the journal is there has written nothing; one that is killed later
    has left the journal, and the next `locked` of the folder does the rest.

    The last file says what the others are. The old one goes before anything else is moved, and the new one comes when
    all others are in place: so whoever reads a folder meanwhile finds no file that describes others than those beside
    it. After an error, such as a full disk, all old files are put back.

    A link among the old files is replaced, not followed.

    A name may be that of a file in a folder within, as `"a.lv2/manifest.ttl"`: the folder is made with its first file
    and removed with its last.

    Args:
        folder: Where to write; the caller has it `locked`.
        contents: The whole content of each file by its name, the one that describes the others last.
        gone: Names of files that belonged to the old ones and are not to stay.

    Raises:
        StorageError: If a file cannot be written; then the old files are there, and nothing else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_together(folder, {"a.syx": b"preset", "a.json": b"{}"})
        ...     sorted(os.listdir(folder))
        ['a.json', 'a.syx']
    """
    folder = Path(folder)
    for name in contents:
        path = folder / name
        inner = path.parent
        if "/" in name and (inner.is_symlink() or (inner.exists() and not inner.is_dir())):
            raise StorageError(f"cannot write {path}: {inner} is no folder. Remove it, or give another folder.")
        if path.is_dir():
            raise StorageError(f"cannot write {path}: it is a folder. Remove it, or give another folder.")
    staging = temporary_path(folder)
    try:
        _stage(staging, folder, contents, gone)
        _move_in(staging)
    except BaseException as error:
        with suppress(OSError):  # what cannot be put back now, a later `finish` brings to its end
            _put_back(staging)
            _remove(staging)
        if isinstance(error, OSError):
            raise StorageError(f"cannot write to {folder}: {reason(error)}") from error
        raise
    _remove(staging)


def finish(staging: Path) -> None:
    """Brings to its end what a killed process began: files that were all written appear, others go.

    Args:
        staging: The hidden folder; no living process works in it.

    Raises:
        OSError: If a file cannot be moved.
    """
    _move_in(staging)
    _remove(staging)


@cache
def _machine() -> str:
    """Eight hexadecimal digits for the machine's name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _stage(staging: Path, folder: Path, contents: Mapping[str, bytes], gone: Collection[str]) -> None:
    """Writes all files and, when they are on the disk, the journal."""
    staging.mkdir()
    for number, (name, data) in enumerate(contents.items()):
        try:
            _write(staging / f"new-{number}", data)
        except OSError as error:
            raise StorageError(f"cannot write {folder / name}: {reason(error)}") from error
        with suppress(FileNotFoundError):  # of a new file
            shutil.copymode(folder / name, staging / f"new-{number}")
    journal = {"names": list(contents), "gone": [name for name in gone if name not in contents]}
    _write(staging / "draft", json.dumps(journal).encode())
    (staging / "draft").replace(staging / _JOURNAL)
    _sync(staging)


def _move_in(staging: Path) -> None:
    """Moves the new files to their places and the old ones out of the way; goes on wherever another call stopped."""
    names, gone = _read(staging)
    if not names:
        return
    folder = staging.parent
    last = len(names) - 1
    if (staging / f"new-{last}").exists():
        _set_aside(folder / names[last], staging / f"old-{last}")
        _sync(folder)
    for number, name in enumerate(gone):
        _set_aside(folder / name, staging / f"gone-{number}")
    for number, name in enumerate(names):
        new = staging / f"new-{number}"
        if new.exists():
            _set_aside(folder / name, staging / f"old-{number}")
            _make_inner(folder, name)
            new.replace(folder / name)
    _remove_empty(folder, gone)
    for inner in _inner_folders([*names, *gone]):
        if (folder / inner).is_dir():
            _sync(folder / inner)
    _sync(folder)


def _put_back(staging: Path) -> None:
    """Undoes what `_move_in` did, in the other direction: the new file that describes the others goes first."""
    names, gone = _read(staging)
    folder = staging.parent
    for number in reversed(range(len(names))):
        new = staging / f"new-{number}"
        if not new.exists():
            (folder / names[number]).replace(new)
    for number, name in enumerate(gone):
        if (staging / f"gone-{number}").exists():
            _make_inner(folder, name)
        _set_aside(staging / f"gone-{number}", folder / name)
    for number, name in enumerate(names):
        _set_aside(staging / f"old-{number}", folder / name)
    _remove_empty(folder, names)


def _inner_folders(names: Collection[str]) -> list[str]:
    """The folders within that names are in, each once."""
    return list(dict.fromkeys(name.rpartition("/")[0] for name in names if "/" in name))


def _make_inner(folder: Path, name: str) -> None:
    """Makes the folder within that a name is in, if it is in one."""
    if "/" in name:
        (folder / name).parent.mkdir(exist_ok=True)


def _remove_empty(folder: Path, names: Collection[str]) -> None:
    """Removes those of the folders within that have nothing left."""
    for inner in _inner_folders(names):
        with suppress(OSError):  # it has, or it is gone
            (folder / inner).rmdir()


def _set_aside(path: Path, place: Path) -> None:
    """Moves a file, if it is there."""
    if path.is_dir() and not path.is_symlink():
        raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
    with suppress(FileNotFoundError):
        path.replace(place)


def _read(staging: Path) -> tuple[list[str], list[str]]:
    """The names in the journal, those to write and those to remove; none if it was not written, or not by us."""
    try:
        journal = json.loads(_content(staging / _JOURNAL))
        names = [str(name) for name in journal["names"]]
        gone = [str(name) for name in journal["gone"]]
    except (FileNotFoundError, KeyError, RecursionError, TypeError, ValueError):
        return [], []
    # A folder may come from anybody: no journal moves anything out of it.
    if not all(_is_within(staging.parent, name) for name in (*names, *gone)):
        return [], []
    return names, gone


def _is_within(folder: Path, name: str) -> bool:
    """Whether a name is that of a file in a folder, or in one that lies in it and is no link to another."""
    parts = name.split("/")
    plain = all(Path(part).name == part and part not in ("", "..") for part in parts)
    return plain and len(parts) <= 2 and not (len(parts) == 2 and (folder / parts[0]).is_symlink())


def _content(path: Path) -> bytes:
    """What a journal says; nothing if it is none of ours, such as a link or a pipe that nobody writes to."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return b""
    with path.open("rb") as file:
        return file.read(_LARGEST)


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Has the names in a folder on the disk before what comes next; Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(staging: Path) -> None:
    # The journal goes first: a folder that is half removed must not be brought to its end by anybody.
    with suppress(OSError):
        (staging / _JOURNAL).unlink()
    shutil.rmtree(staging, ignore_errors=True)
