"""One file, read whole and written whole or not at all; folders made and tried."""

import io
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StorageError
from ._system import reason
from .locks import open_temporary, sweep_once

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "array_bytes",
    "json_text",
    "make_folder",
    "read_bytes",
    "read_object",
    "readable",
    "writable_folder",
    "write_atomically",
]


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


def read_bytes(path: str | os.PathLike[str], limit: int | None = None) -> bytes:
    """Returns the whole content of a file.

    Args:
        path: The file to read.
        limit: Largest size accepted, in bytes; no limit if not given.

    Raises:
        StorageError: If it is missing, a folder, unreadable or larger than `limit`.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read() if limit is None else file.read(limit + 1)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {reason(error)}") from error
    if limit is not None and len(data) > limit:
        raise StorageError(f"cannot read {path}: larger than {limit:,} bytes")
    return data


def read_object(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the values by key in a JSON file.

    Raises:
        StorageError: If it cannot be read, is not JSON or has no keys.
    """
    try:
        value = json.loads(read_bytes(path))
    except ValueError as error:
        raise StorageError(f"{path}: damaged ({error})") from error
    if not isinstance(value, dict):
        raise StorageError(f"{path}: damaged (not a table of keys)")
    return value


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
    target = path.resolve()  # a link stays a link
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
