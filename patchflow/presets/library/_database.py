"""Opening a preset library: checked before it is used, changed whole or not at all, waited for where it is locked."""

import hashlib
import os
import shlex
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ...errors import StorageError
from ...storage import make_folder, other_kind, reason
from ._tables import VERSION, header, is_empty, is_library, make_tables, read_as_new, upgrade, wrong_table

__all__ = [
    "WAIT",
    "Damaged",
    "changing",
    "faults_told",
    "held",
    "opened",
    "patiently",
    "refuse_other_kinds",
    "require_bytes",
    "who_has",
]

WAIT = 30.0
"""Seconds until another program that has locked the library is given up on."""

_PATIENCE = 1.0  # seconds until it is said that we wait: most writers are ready before
_PAUSE = 0.05  # seconds between two tries


class Damaged(StorageError):
    """What is stored in a preset library cannot have been written by patchflow; the message says what.

    `opened` and `changing` add the library's path, and how to rescue it.
    """


@contextmanager
def opened(path: Path, notice: Callable[[str], None] = lambda _: None) -> Iterator[sqlite3.Connection]:
    """Opens a library for reading in a `with` block; every fault of the file is raised as a `StorageError`.

    Args:
        path: The file.
        notice: Is told who is waited for.

    Raises:
        StorageError: If the file is missing, no library, damaged, of a newer patchflow, or locked.
    """
    if not _size(path):
        raise StorageError(f"there is no preset library at {path}. Make one with: patchflow presets import PATH")
    # "rw" although it only reads: SQLite then puts right what a killed process left half done.
    # Without the right to write, it falls back to reading.
    with faults_told(path), closing(_connected(path, "rw")) as connection:
        patiently(connection, "PRAGMA schema_version", path, notice)
        _check_version(connection, path)
        _check_whole(connection, path, most=_SECONDS)
        read_as_new(connection)
        yield connection


@contextmanager
def changing(
    path: Path, *, create: bool = False, notice: Callable[[str], None] = lambda _: None
) -> Iterator[sqlite3.Connection]:
    """Opens a library for a change: all that a `with` block does, or nothing if it fails.

    Args:
        path: The file.
        create: Whether to make the file, and its folder, if there is none.
        notice: Is told who is waited for, and where the copy of an older version is.

    Raises:
        StorageError: If the file is missing, no library, damaged, of a newer patchflow, locked or not writable.
    """
    if not _size(path) and not create:
        raise StorageError(f"there is no preset library at {path}. Make one with: patchflow presets import PATH")
    make_folder(path.parent)
    with faults_told(path), closing(_connected(path, "rwc" if create else "rw")) as connection:
        patiently(connection, "BEGIN IMMEDIATE", path, notice)
        try:
            if is_empty(connection) and not _size(path):
                make_tables(connection)
            else:
                _check_version(connection, path)
                _check_whole(connection, path, words=True)
                if header(connection, "user_version") < VERSION:
                    upgrade(connection, path, notice)
            yield connection
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        _checked[path.absolute()] = (_stamp(path), True)


@contextmanager
def held(path: Path, notice: Callable[[str], None]) -> Iterator[bool]:
    """Keeps other programs from writing to a library in a `with` block, as far as it can be opened at all.

    Args:
        path: The file.
        notice: Is told who is waited for.

    Yields:
        Whether the library is whole.

    Raises:
        StorageError: If it is whole but not a library, of a newer patchflow, or locked.
    """
    with closing(_connected(path, "rw")) as connection:
        whole = True
        try:
            with faults_told(path):
                patiently(connection, "BEGIN IMMEDIATE", path, notice)
                _check_version(connection, path)
                _checked.pop(path.absolute(), None)
                _check_whole(connection, path, words=True)
                _check_states(connection)
        except Damaged:
            whole = False
        yield whole
        # what the check did to the search index was only a question
        connection.rollback()


def refuse_other_kinds(path: Path) -> None:
    """Refuses what is no file, such as a folder or a pipe, before anybody waits for its content.

    Raises:
        StorageError: If it is one.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):  # whoever needs it says so
        return
    except OSError as error:
        raise StorageError(f"cannot open the preset library {path}: {reason(error)}") from error
    except ValueError as error:  # a NUL in the name
        raise StorageError(f"cannot open the preset library {str(path)!r}: {error}") from error
    kind = other_kind(mode)
    if kind:
        raise StorageError(f"preset library {path}: it is {kind}, not a file")


@contextmanager
def faults_told(path: Path) -> Iterator[None]:
    """Raises every fault of a library in a `with` block as a `StorageError` of one line.

    Args:
        path: Its file.
    """
    try:
        yield
    except Damaged as error:
        raise Damaged(_damage(path, str(error))) from error
    except UnicodeDecodeError as error:  # SQLite quotes what it cannot read
        raise Damaged(_damage(path, "a text that is no text")) from error
    except sqlite3.Error as error:
        raise _as_ours(path, error) from error


def _damage(path: Path, what: str) -> str:
    return f"preset library {path}: damaged ({what}). Nothing was changed. Save what is whole with: {_rescue(path)}"


def _rescue(path: Path) -> str:
    """The command that rescues a damaged library."""
    return f"patchflow presets repair --library {shlex.quote(str(path))}"


def _as_ours(path: Path, error: sqlite3.Error) -> StorageError:
    """What went wrong, in one line."""
    # What Python itself refuses, such as a number beyond 64 bits, has no name.
    name = getattr(error, "sqlite_errorname", "")
    kept = f"the preset library {path}: {error}. Nothing was changed."
    match "_".join(name.split("_")[:2]):
        case "SQLITE_NOTADB":
            return Damaged(
                f"preset library {path}: not a database. If it was one, save what is whole with: {_rescue(path)}"
            )
        case "SQLITE_CORRUPT":
            return Damaged(_damage(path, str(error)))
        case "SQLITE_FULL":
            return StorageError(f"cannot write the preset library {path}: the disk is full. Nothing was changed.")
        case "SQLITE_READONLY":
            return StorageError(
                f"cannot write the preset library {path}: you may not change it, or its folder. Nothing was changed."
            )
        case "SQLITE_CANTOPEN" | "SQLITE_PERM" | "SQLITE_AUTH":
            return StorageError(f"cannot open the preset library {path}: you may not use it, or its folder.")
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return StorageError(f"preset library {path}: {who_has(path)} has it locked. Nothing was changed.")
        case "SQLITE_IOERR":
            return StorageError(f"cannot read or write {kept}")
    return StorageError(f"preset library {path}: {error}")


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _size(path: Path) -> int:
    """Size of the file in bytes; 0 if there is none."""
    refuse_other_kinds(path)
    return path.stat().st_size if path.exists() else 0


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Checks that the file is a library that this version reads."""
    if not is_library(connection):
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if {"layout", "preset", "label"} <= tables:
            raise Damaged("its header does not say that it is a preset library")
        raise StorageError(f"{path}: not a preset library of patchflow")
    # Whoever sends a library could have it do something with every change.
    acting = connection.execute("SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchone()
    if acting:
        raise Damaged(f"it has a {acting[0]} that is not of patchflow, {acting[1]!r}")
    version = header(connection, "user_version")
    if version > VERSION:
        raise StorageError(f"{path}: made by a newer patchflow (version {version}, not {VERSION}). Update patchflow.")
    wrong = wrong_table(connection)
    if wrong:
        raise Damaged(f"it is of version {version}, but for the table {wrong!r}")


_SECONDS = 1.0  # that a reader's check may take, enough for 200 MB
_checked: dict[Path, tuple[tuple[int, ...], bool]] = {}
"""How files were when they were last checked, or written to, and whether their search index was checked too."""


def _check_whole(connection: sqlite3.Connection, path: Path, *, words: bool = False, most: float = 0.0) -> None:
    """Checks every page, row and index, unless that was done and nobody has written to the file since.

    Args:
        connection: To the library.
        path: Its file.
        words: Whether to check the full-text index too, which needs the right to write.
        most: Seconds after which the check is broken off; 0 for none.

    Raises:
        Damaged: If something is wrong.
    """
    # Taken before the check, so that what is written meanwhile is checked the next time.
    stamp = _stamp(path)
    last, with_words = _checked.get(path.absolute(), ((), False))
    if last == stamp and (with_words or not words):
        return
    end = time.monotonic() + most
    if most:
        connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise Damaged(" ".join(found.removeprefix("*** in database main ***").split()))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_INTERRUPT":
            raise
    finally:
        connection.set_progress_handler(None, 0)
    _check_index(connection, thorough=words)
    _checked[path.absolute()] = (stamp, words)


def _check_index(connection: sqlite3.Connection, *, thorough: bool) -> None:
    """Checks that every preset can be found."""
    presets = connection.execute("SELECT count(*) FROM preset").fetchone()[0]
    indexed = connection.execute("SELECT count(*) FROM words").fetchone()[0]
    if presets != indexed:
        raise Damaged(f"{indexed:,} of {presets:,} presets are in its search index")
    if thorough:
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")


def _check_states(connection: sqlite3.Connection) -> None:
    """Checks that every state is the one that its preset was stored with."""
    for fingerprint, state in connection.execute(_FINGERPRINTS):
        if hashlib.sha256(state).digest() != fingerprint:
            raise Damaged("the state of a preset is not what was stored")


_FINGERPRINTS = "SELECT substr(vector, -32), data FROM rest JOIN preset ON preset.id = preset"


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes with every change of a file."""
    with suppress(OSError):
        about = path.stat()
        return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns
    return ()


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


def require_bytes(values: Sequence[object]) -> None:
    """Makes sure that the content of a preset is bytes.

    Raises:
        Damaged: If it is not.
    """
    # SQLite keeps in any column what it is given: numbers and texts as well
    if not all(isinstance(value, bytes) for value in values):
        raise Damaged("the content of a preset is not bytes")
