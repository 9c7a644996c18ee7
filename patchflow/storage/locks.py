"""One process at a time on a folder; what killed processes have left is swept."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import StorageError
from .journal import finish, first_sentence, is_ours, is_temporary, reason, temporary_path

__all__ = ["LOCK", "FolderInUse", "locked", "open_temporary", "sweep", "sweep_once"]

LOCK = ".patchflow-lock"
"""Name of the file in a folder that a process works on."""

_TRIES = 4
_PAUSE = 0.05  # seconds between them: whoever only sweeps has a folder for a moment
_OLD = 3_600.0  # seconds after which a file of another machine, or of an older version, is left by a dead process

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)

_swept: set[str] = set()


class FolderInUse(StorageError):
    """Another process works on a folder."""


@contextmanager
def locked(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Makes a folder if there is none and keeps every other process, and thread, from working on it.

    The operating system lets go of the lock when a process ends, however it ends. What a killed process has left in the
    folder is brought to its end, or removed.

    Args:
        folder: What to work on.

    Raises:
        FolderInUse: If somebody else works on it.
        StorageError: If it cannot be made or written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, locked(folder):
        ...     sorted(os.listdir(folder))
        ['.patchflow-lock']
    """
    with _locked(Path(folder), _TRIES):
        yield


def sweep(folder: Path) -> None:
    """Removes what killed processes have left in a folder, and nothing that a living one needs.

    Whoever writes a temporary file holds a lock on it, and so does whoever works on a folder. The lock goes with the
    process, so a file that can be locked has no owner. Not every shared disk tells the locks of other machines: the
    names say whose they are, and those of others stay for an hour.

    Args:
        folder: Where to look; those in it are not looked into.
    """
    found = _temporaries(folder)
    for path in found:
        if not path.is_dir():
            _remove_if_dead(path)
    # Folders, and the lock itself, are left by somebody who had the folder locked.
    if (folder / LOCK).exists() or any(path.is_dir() for path in found):
        with suppress(StorageError), _locked(folder, tries=1):
            pass


def sweep_once(folder: Path) -> None:
    """Sweeps a folder that this process has not swept yet: a folder of many files takes a while to look through."""
    key = str(folder)
    if key not in _swept:
        _swept.add(key)
        sweep(folder)


def open_temporary(folder: Path) -> tuple[IO[bytes], Path]:
    """Makes a file that no `sweep` takes away while it is open.

    Raises:
        OSError: If it cannot be made.
    """
    while True:
        path = temporary_path(folder)
        file = path.open("xb")
        try:
            held = _take(file)
        except OSError:  # a file system without locks, where nobody sweeps either
            return file, path
        # Somebody may have swept between our making and locking it.
        if held and _is_still(file, path):
            return file, path
        file.close()


@contextmanager
def _locked(folder: Path, tries: int) -> Iterator[None]:
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {folder}: {reason(error)}") from error
    try:
        file = _open_lock(path, tries)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {reason(error)}") from error
    if file is None:
        raise FolderInUse(f"{folder}: another process is working on it. Wait for its end, or stop it.")
    with file:
        try:
            _clear(folder)
            yield
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _open_lock(path: Path, tries: int) -> IO[bytes] | None:
    """The file, locked; None if another has it."""
    for number in range(tries):
        if number:
            time.sleep(_PAUSE)
        # Opened for appending: this makes the file, but never empties one that another process has locked.
        file = open(path, "a+b", opener=_as_it_is)  # noqa: SIM115 - whoever has it locked closes it
        try:
            if _take(file) and _is_still(file, path):
                return file
        except OSError:
            file.close()
            raise
        file.close()
    return None


def _clear(folder: Path) -> None:
    """Sweeps a folder that is locked: nobody else has anything unfinished there."""
    for path in _temporaries(folder):
        if not path.is_dir():
            _remove_if_dead(path)
            continue
        try:
            finish(path)
        except (OSError, ValueError) as error:  # what somebody else has put there may have impossible names
            why = f"cannot finish what a stopped command began: {first_sentence(error)}"
            raise StorageError(f"{why}. Remove the folder {path}.") from error


def _temporaries(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if is_temporary(path.name)]
    except OSError:  # whoever writes there next says what is wrong
        return []
    return [path for path in found if not path.is_symlink()]


def _remove_if_dead(path: Path) -> None:
    with suppress(OSError):
        # On Windows a file is closed, and so unlocked, before it is renamed.
        known = is_ours(path.name) and os.name != "nt"
        if not known and time.time() - path.stat().st_mtime < _OLD:
            return
        with open(path, "rb", opener=_as_it_is) as file:
            if not (_take(file) and _is_still(file, path)):
                return
            # Before we let go of it: its maker may be about to lock it.
            if os.name != "nt":
                path.unlink()
                return
        path.unlink()


def _as_it_is(path: str, flags: int) -> int:
    """Opens a file; follows no link out of its folder, and waits for nobody at a pipe: anyone may have put it there."""
    return os.open(path, flags | _NO_LINK, 0o666)


def _take(file: IO[bytes]) -> bool:
    """Locks an open file without waiting; returns whether nobody else has it.

    Raises:
        OSError: If the file system has no locks.
    """
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_still(file: IO[bytes], path: Path) -> bool:
    """Whether an open file is still the one at a path.

    Another process may have finished, and removed the file, between our opening and locking it. Then we hold a lock on
    a file that nobody else can find, and a third process could make and lock a new one.
    """
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
