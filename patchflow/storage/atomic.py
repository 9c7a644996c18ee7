"""One file, read whole and written whole or not at all; folders made and tried."""

import io
import json
import math
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StorageError
from .journal import reason
from .locks import open_temporary, sweep_once

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "array_bytes",
    "json_text",
    "make_folder",
    "opened_file",
    "other_kind",
    "read_bytes",
    "readable",
    "user_folder",
    "writable_folder",
    "write_atomically",
]

_PIECE = 2**24  # bytes
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_KINDS = {
    stat.S_IFREG: "",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file under a temporary name beside `path`, then renames it over `path`.

    A reader sees the old file or the new one, never a part; if anything fails the old file, or
    its absence, is kept and the temporary file is removed.

    Args:
        path: The file to write; its folder must exist.
        data: The whole content.

    Raises:
        StorageError: If the folder is missing or not writable, or the disk is full.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_atomically(Path(folder, "a.bin"), b"whole")
        ...     Path(folder, "a.bin").read_bytes()
        b'whole'
    """
    path = Path(path)
    if path.is_dir():
        raise StorageError(f"cannot write {path}: it is a folder. Give a file name.")
    try:
        _replace(path, data)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {reason(error)}") from error


@contextmanager
def opened_file(path: str | os.PathLike[str]) -> Iterator[io.BufferedReader]:
    """Opens a file for reading, if it is one: a device or a pipe may have no end, and may do something when opened.

    Every fault while it is read, too, is a `StorageError`.

    Args:
        path: The file.

    Raises:
        StorageError: If it is missing, unreadable, or not a regular file.

    Example:
        >>> with opened_file("/dev/zero") as file:
        ...     file.read()
        Traceback (most recent call last):
        patchflow.errors.StorageError: cannot read /dev/zero: it is a device, not a file
    """
    try:
        _refuse_by_kind(path, Path(path).stat().st_mode)
        # Not to wait for a pipe that has taken the file's place in between; what was opened is looked at again.
        with open(os.open(path, os.O_RDONLY | _NO_WAIT), "rb") as file:  # noqa: PTH123 - of a descriptor
            _refuse_by_kind(path, os.fstat(file.fileno()).st_mode)
            yield file
    except OSError as error:
        raise StorageError(f"cannot read {path}: {reason(error)}") from error
    except ValueError as error:
        # a name with a NUL, or with letters that the system cannot write
        if not _is_name(path):
            raise StorageError(f"cannot read {os.fspath(path)!r}: not a name that a file can have") from error
        raise


def other_kind(mode: int) -> str:
    """Returns what is there in place of a file, by its mode, e.g. `"a pipe"`; "" for a regular file.

    Example:
        >>> other_kind(stat.S_IFIFO), other_kind(stat.S_IFREG)
        ('a pipe', '')
    """
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def read_bytes(path: str | os.PathLike[str], limit: int | None = None) -> bytes:
    """Returns the whole content of a file.

    Args:
        path: The file to read.
        limit: Largest size accepted, in bytes; no limit if not given.

    Raises:
        StorageError: If it is missing, not a regular file, unreadable or larger than `limit`.
    """
    parts = []
    size = 0
    with opened_file(path) as file:
        # In pieces: a file may be longer than it says, and room for the largest one is not made for every file.
        while part := file.read(_PIECE):
            parts.append(part)
            size += len(part)
            if limit is not None and size > limit:
                raise StorageError(f"cannot read {path}: larger than {limit:,} bytes")
    return b"".join(parts)


def user_folder() -> Path:
    """Returns the folder in which the user's own synths, weights and presets lie unless another was chosen.

    Raises:
        StorageError: If neither `HOME` nor `XDG_DATA_HOME` says where that is.
    """
    from platformdirs import user_data_path

    found = user_data_path("patchflow", appauthor=False)
    home = os.environ.get("HOME")  # without it, the system's list of users is asked
    if Path(os.environ.get("XDG_DATA_HOME", "")).is_absolute() or os.name == "nt":
        return found
    # An empty one would make it a folder of the root, and what is not absolute one of the working folder.
    if not found.is_absolute() or (home is not None and not Path(home).is_absolute()):
        raise StorageError(f"HOME={home or ''!r}: not a folder of one's own. Set HOME or XDG_DATA_HOME.")
    return found


def json_text(content: object, indent: int | None = None, *, ascii_only: bool = False) -> str:
    """Returns values as JSON for people and their programs: fractions have six significant digits.

    More digits would be noise in what was measured. What stands under `parameters` or `values` is a preset and stays
    exact. The JSON is strict: what is not a finite number becomes null.

    Args:
        content: JSON-serialisable values.
        indent: Spaces of a level; all on one line if not given.
        ascii_only: Whether to write letters beyond ASCII as escapes.

    Example:
        >>> json_text({"dB": 2.3125123902, "count": 12345678, "values": {"gain": 0.1234567}})
        '{"dB": 2.31251, "count": 12345678, "values": {"gain": 0.1234567}}'
    """
    return json.dumps(_rounded(content), indent=indent, allow_nan=False, ensure_ascii=ascii_only)


def readable(name: str) -> str:
    """Returns a file name that can be shown and written: what is not UTF-8 in it becomes a replacement character."""
    return os.fsencode(name).decode("utf-8", "replace")


def make_folder(folder: str | os.PathLike[str]) -> None:
    """Makes a folder, and those it lies in, if they are not there.

    Raises:
        StorageError: If it cannot be made.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {folder}: {reason(error)}") from error


@contextmanager
def writable_folder(folder: Path) -> Iterator[None]:
    """Makes a folder, and finds out before the work starts whether it can be written to.

    Folders that were made and are still empty at the end are removed.

    Raises:
        StorageError: If it cannot be made or written to.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]  # the innermost first
    try:
        try:
            # Permissions do not tell all: the disk may be read-only. So a file is made, which is gone at once.
            folder.mkdir(parents=True, exist_ok=True)
            file, path = open_temporary(folder)
            file.close()
            path.unlink()
        except OSError as error:
            why = f"cannot write to the folder {folder}: {reason(error)}"
            raise StorageError(f"{why}. Choose another with --out.") from error
        yield
    finally:
        with suppress(OSError):  # a folder with files in it, and so all those around it, stays
            for path in made:
                path.rmdir()


def array_bytes(array: "np.ndarray") -> bytes:
    """Returns the content of a `.npy` file of an array."""
    # Imported here: whoever only imports this module, such as the command line, need not wait for numpy.
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


_EXACT = ("parameters", "values")  # keys of presets


def _rounded(content: object) -> object:
    if isinstance(content, float):
        return float(f"{content:.6g}") if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: value if key in _EXACT else _rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(value) for value in content]
    return content


def _replace(path: Path, data: bytes) -> None:
    if path.exists() and not path.is_file():
        path.write_bytes(data)  # a pipe or device such as /dev/null: renaming would remove it
        return
    target = Path(os.path.realpath(path))  # a link stays a link; `resolve` raises other errors where links go in a loop
    sweep_once(target.parent)
    file, beside = open_temporary(target.parent)
    try:
        with file:
            file.write(data)
            file.flush()
            # It is on the disk before it gets its name: after a power cut there is the old file or the new one, never
            # an empty one.
            os.fsync(file.fileno())
            with suppress(FileNotFoundError):  # of a new file
                shutil.copymode(target, beside)
            if os.name != "nt":
                beside.replace(target)  # still open, and so locked: nobody takes it for a dead process's
        if os.name == "nt":
            beside.replace(target)
    except BaseException:  # Ctrl-C, too, leaves nothing behind
        with suppress(OSError):
            beside.unlink()
        raise


def _refuse_by_kind(path: str | os.PathLike[str], mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise StorageError(f"cannot read {path}: is a directory")
    kind = other_kind(mode)
    if kind:
        raise StorageError(f"cannot read {path}: it is {kind}, not a file")


def _is_name(path: str | os.PathLike[str]) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False
