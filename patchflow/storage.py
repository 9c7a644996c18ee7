"""Files that are written whole or not at all."""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from .errors import StorageError

__all__ = ["describe", "read_bytes", "readable", "write_atomically"]


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
        raise StorageError(f"cannot write {path}: {describe(error)}") from error


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
        raise StorageError(f"cannot read {path}: {describe(error)}") from error
    if limit is not None and len(data) > limit:
        raise StorageError(f"cannot read {path}: larger than {limit:,} bytes")
    return data


def describe(error: OSError) -> str:
    """Returns the operating system's reason in lower case, e.g. `"no space left on device"`."""
    reason = error.strerror or str(error)
    return reason[:1].lower() + reason[1:]


def _replace(path: Path, data: bytes) -> None:
    if path.exists() and not path.is_file():
        path.write_bytes(data)  # a pipe or device such as /dev/null: renaming would remove it
        return
    target = path.resolve()  # a link stays a link
    beside = target.with_name(f".patchflow-{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(target, beside)
        beside.replace(target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def readable(name: str) -> str:
    """Returns a file name that can be shown and written: what is not UTF-8 in it becomes a replacement character."""
    return os.fsencode(name).decode("utf-8", "replace")
