"""The SQLite file of a preset library: its tables, opening it, its faults."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ...errors import StorageError
from ...storage import make_folder

__all__ = ["opened", "transaction"]

APPLICATION = 0x70617466  # "patf" in the file's header
VERSION = 2
WAIT = 30.0  # seconds until another program that writes is given up on

TABLES = """
CREATE TABLE layout (
    id INTEGER PRIMARY KEY,
    synth TEXT NOT NULL,
    parameters TEXT NOT NULL,
    UNIQUE (synth, parameters)
);
CREATE TABLE preset (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    layout INTEGER NOT NULL REFERENCES layout,
    vector BLOB NOT NULL,
    UNIQUE (layout, vector)
);
CREATE TABLE label (
    id INTEGER PRIMARY KEY,
    preset INTEGER NOT NULL REFERENCES preset ON DELETE CASCADE,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    author TEXT NOT NULL,
    tags TEXT NOT NULL,
    source TEXT NOT NULL,
    UNIQUE (preset, name, category, author, tags, source)
);
CREATE VIRTUAL TABLE words USING fts5 (name, category, author, tags, source, tokenize = 'trigram');
"""
STATES = "CREATE TABLE rest (preset INTEGER PRIMARY KEY REFERENCES preset ON DELETE CASCADE, data BLOB NOT NULL)"
"""The states of presets, see `Preset.state`; version 1 had no such table. In the file it keeps its old name."""


@contextmanager
def opened(path: Path, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Opens a library for a `with` block; every fault of the file is raised as a `StorageError`.

    Args:
        path: The file.
        create: Whether to make the file, and its folder, if there is none.

    Raises:
        StorageError: If the file is missing, no library, damaged, of a newer patchflow, locked or not writable.
    """
    _check_folder(path, create)
    mode = "rwc" if create else "rw"  # without the right to write, SQLite falls back to reading
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, timeout=WAIT, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            _prepare(connection, path)
            yield connection
    except sqlite3.Error as error:
        raise StorageError(f"preset library {path}: {error}") from error
    except UnicodeDecodeError as error:  # SQLite quotes what it cannot read
        raise StorageError(f"preset library {path}: damaged") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Makes all changes of a `with` block or, if it fails, none; waits for other writers first."""
    # IMMEDIATE takes the right to write at once. A transaction that begins as a reader and
    # becomes a writer later may fail without waiting, because another program is about to write too.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _check_folder(path: Path, create: bool) -> None:
    if not create and not path.exists():
        raise StorageError(f"there is no preset library at {path}. Make one with: patchflow presets import PATH")
    make_folder(path.parent)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Checks that the file is a library that this version reads; makes one of an empty file."""
    if _is_empty(connection):
        with transaction(connection):
            if _is_empty(connection):  # another program may have been faster
                _make_tables(connection)
    if _header(connection, "application_id") != APPLICATION:
        raise StorageError(f"{path}: not a preset library of patchflow")
    if _header(connection, "user_version") < VERSION:
        with transaction(connection):
            if _header(connection, "user_version") < VERSION:  # another program may have been faster
                _add_states(connection)
    version = _header(connection, "user_version")
    if version > VERSION:
        raise StorageError(f"{path}: made by a newer patchflow (version {version}, not {VERSION}). Update patchflow.")


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in filter(str.strip, TABLES.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    _add_states(connection)


def _add_states(connection: sqlite3.Connection) -> None:
    """The step from version 1 to 2."""
    connection.execute(STATES)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _is_empty(connection: sqlite3.Connection) -> bool:
    return _header(connection, "schema_version") == 0


def _header(connection: sqlite3.Connection, field: str) -> int:
    return connection.execute(f"PRAGMA {field}").fetchone()[0]
