"""The tables of a preset library, and the steps from one version of them to the next."""

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

__all__ = [
    "VERSION",
    "free_name",
    "header",
    "is_empty",
    "is_library",
    "make_tables",
    "read_as_new",
    "temporary_name",
    "upgrade",
    "wrong_table",
]

APPLICATION = 0x70617466  # "patf" in the file's header
VERSION = 4

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
STATES = "CREATE {}TABLE rest (preset INTEGER PRIMARY KEY REFERENCES preset ON DELETE CASCADE, data BLOB NOT NULL)"
"""The states of presets, see `Preset.state`; version 1 had no such table. In the file it keeps its old name."""

REMOVED = """
CREATE TABLE removed (
    preset INTEGER PRIMARY KEY,
    layout INTEGER NOT NULL REFERENCES layout,
    vector BLOB NOT NULL,
    state BLOB,
    labels TEXT NOT NULL
)
"""
"""The presets of the last removal, with all that belonged to them; version 2 had no such table."""

SOUNDS = """
CREATE {}TABLE sound (
    preset INTEGER PRIMARY KEY,
    ear TEXT NOT NULL,
    vector BLOB NOT NULL,
    measures BLOB NOT NULL
)
"""
"""What presets sound like, and to which version of the ear; version 3 had no such table.

It does not refer to `preset`, so that a removed preset keeps its row for `undo`: no number is given twice.
"""


def make_tables(connection: sqlite3.Connection) -> None:
    """Makes a library of an empty database, inside a transaction."""
    for statement in filter(str.strip, TABLES.split(";")):
        connection.execute(statement)
    connection.execute(STATES.format(""))
    connection.execute(REMOVED)
    connection.execute(SOUNDS.format(""))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def upgrade(connection: sqlite3.Connection, path: Path, notice: Callable[[str], None]) -> None:
    """Brings a library of an older version up to this one, inside a transaction; a copy of the old one is kept.

    Args:
        connection: To the library, which is whole.
        path: Its file.
        notice: Is told where the copy is.
    """
    version = header(connection, "user_version")
    copy = free_name(path.with_name(f"{path.stem}.version-{version}{path.suffix}"))
    beside = temporary_name(copy)
    try:
        # Through a connection of its own: one that writes cannot be copied from. It sees the library as it was.
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(beside)) as target:
            source.backup(target)
        beside.rename(copy)
    finally:
        beside.unlink(missing_ok=True)
    notice(f"{path}: now of version {VERSION}; as it was before it is kept in {copy}")

    if version < 2:
        connection.execute(STATES.format(""))
    if version < 3:
        connection.execute(REMOVED)
    connection.execute(SOUNDS.format(""))
    connection.execute(f"PRAGMA user_version = {VERSION}")


def read_as_new(connection: sqlite3.Connection) -> None:
    """Lets an older version be read as the present one, without a change to the file."""
    version = header(connection, "user_version")
    if version < 2:
        connection.execute(STATES.format("TEMP "))
    if version < 4:
        connection.execute(SOUNDS.format("TEMP "))


def is_library(connection: sqlite3.Connection) -> bool:
    """Returns whether the header says that this is a preset library."""
    return header(connection, "application_id") == APPLICATION


def is_empty(connection: sqlite3.Connection) -> bool:
    """Returns whether nothing was ever made in the database."""
    return header(connection, "schema_version") == 0


def wrong_table(connection: sqlite3.Connection) -> str:
    """Returns the name of a table that a library of its version should have and has not, or the other way round."""
    version = header(connection, "user_version")
    expected = {"layout": 1, "preset": 1, "label": 1, "words": 1, "rest": 2, "removed": 3, "sound": 4}
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return next((name for name, since in expected.items() if (name in there) != (version >= since)), "")


def header(connection: sqlite3.Connection, field: str) -> int:
    """Returns a number in the file's header, such as `"user_version"`."""
    return connection.execute(f"PRAGMA {field}").fetchone()[0]


def free_name(path: Path) -> Path:
    """Returns a path at which there is nothing: the given one, or one with a number before the ending."""
    number = 2
    free = path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free


def temporary_name(path: Path) -> Path:
    """Returns a name beside a file, for its content until that is complete."""
    return path.with_name(f".patchflow-{secrets.token_hex(8)}")
