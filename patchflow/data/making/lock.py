"""A lock on a folder: one process at a time works on it, and a dead one holds nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ...errors import StorageError
from ...storage import describe

__all__ = ["LOCK", "locked"]

LOCK = ".patchflow-lock"


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Makes a folder if there is none and keeps every other process, and thread, from working on it.

    The operating system lets go of the lock when a process ends, however it ends.

    Args:
        folder: What to work on.

    Raises:
        StorageError: If somebody else works on it, or it cannot be made or written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, locked(folder):
        ...     sorted(os.listdir(folder))
        ['.patchflow-lock']
    """
    path = Path(folder) / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if not _take(file) or not _is_still(file, path):
                raise StorageError(f"{folder}: another process is working on it. Wait for its end, or stop it.")
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {describe(error)}") from error


def _take(file: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_still(file: IO[bytes], path: Path) -> bool:
    """Whether the file was not removed, by one who was done, between opening and locking it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
