"""Waiting for a preset library that another program has locked, and finding out which one."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ...errors import StorageError

__all__ = ["WAIT", "patiently", "who_has"]

WAIT = 30.0
"""Seconds until another program that has locked the library is given up on."""

_PATIENCE = 1.0  # seconds until it is said that we wait: most writers are ready before
_PAUSE = 0.05  # seconds between two tries


def patiently(connection: sqlite3.Connection, statement: str, path: Path, notice: Callable[[str], None]) -> None:
    """Executes the first statement on a library, as soon as no other program forbids it.

    Args:
        connection: To the library.
        statement: E.g. `"BEGIN IMMEDIATE"`.
        path: The library's file.
        notice: Is told, soon, who is waited for.

    Raises:
        StorageError: If another program still has it locked after `WAIT` seconds.
    """
    begun = time.monotonic()
    told = False
    while not _try(connection, statement):
        waited = time.monotonic() - begun
        if waited >= WAIT:
            who = f"{who_has(path)} has had it locked for {WAIT:g} s"
            raise StorageError(f"preset library {path}: {who}. Wait for its end, or stop it.")
        if waited >= _PATIENCE and not told:
            notice(f"waiting for {who_has(path)}, which has locked the preset library {path}")
            told = True
        time.sleep(_PAUSE)


def who_has(path: Path) -> str:
    """Returns which program has locked a file, or at least opened it, as far as this system tells.

    Example:
        >>> who_has(Path("nowhere.sqlite"))
        'another program'
    """
    for process in (*_lockers(path), *_openers(path)):
        if process != os.getpid():
            return f"process {process}{_command(process)}"
    return "another program"


def _try(connection: sqlite3.Connection, statement: str) -> bool:
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            return False
        raise
    finally:
        # what comes later waits inside SQLite, which tells nobody, but hardly ever has to
        connection.execute(f"PRAGMA busy_timeout = {WAIT * 1000:.0f}")
    return True


def _lockers(path: Path) -> Iterator[int]:
    """The processes that hold a lock for writing on a file: Linux lists all locks."""
    with suppress(OSError, ValueError):
        inode = str(path.stat().st_ino)
        for line in Path("/proc/locks").read_text().splitlines():
            # 1: POSIX  ADVISORY  WRITE 1234 08:01:5678 1073741825 1073741825
            words = line.split()
            if len(words) >= 6 and words[3] == "WRITE" and words[5].rpartition(":")[2] == inode:
                yield int(words[4])


def _openers(path: Path) -> Iterator[int]:
    """The processes of this user that have a file open."""
    with suppress(OSError):
        wanted = os.path.realpath(path)
        for folder in sorted(Path("/proc").glob("[0-9]*")):
            with suppress(OSError):
                if any(str(file.readlink()) == wanted for file in (folder / "fd").iterdir()):
                    yield int(folder.name)


def _command(process: int) -> str:
    """The words that a process was started with, in brackets."""
    with suppress(OSError):
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        shown = " ".join(" ".join(words).split())
        if shown:
            return f" ({shown[:80]}{'...' if len(shown) > 80 else ''})"
    return ""
