"""Takes presets out of a library, and brings those of the last removal back."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ._database import Damaged
from ._labels import read_entries, write_label, write_words
from .entry import Label

__all__ = ["Restored", "remove_presets", "restore_presets"]


@dataclass(frozen=True)
class Restored:
    """A preset that came back.

    Args:
        id: Its number now.
        was: Its number before it was removed: another one only if the same preset was imported again meanwhile.
        name: Its name.
    """

    id: int
    was: int
    name: str


_KEEP = """INSERT INTO removed (preset, layout, vector, state, labels)
SELECT preset.id, layout, vector, rest.data, ? FROM preset LEFT JOIN rest ON rest.preset = preset.id
WHERE preset.id = ?"""


def remove_presets(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Takes presets out, inside a transaction; those that were removed before cannot be brought back any more.

    Args:
        connection: To the library.
        ids: Numbers of presets that are there.
    """
    connection.execute("DELETE FROM removed")
    for entry in read_entries(connection, list(dict.fromkeys(ids))):
        labels = [asdict(label) for label in entry.labels]
        connection.execute(_KEEP, [json.dumps(labels), entry.id])
    # Labels and states go with the preset (ON DELETE CASCADE); the full-text table knows no such rule.
    rows = [(id_,) for id_ in ids]
    connection.executemany("DELETE FROM words WHERE rowid = ?", rows)
    connection.executemany("DELETE FROM preset WHERE id = ?", rows)


_REMOVED = "SELECT preset, layout, vector, state, labels FROM removed ORDER BY preset"
_INSERT_PRESET = "INSERT OR IGNORE INTO preset (id, layout, vector) VALUES (?, ?, ?)"
_FIND_PRESET = "SELECT id FROM preset WHERE layout = ? AND vector = ?"
_INSERT_STATE = "INSERT INTO rest (preset, data) VALUES (?, ?)"


def restore_presets(connection: sqlite3.Connection) -> tuple[Restored, ...]:
    """Brings the presets of the last removal back, inside a transaction.

    Args:
        connection: To the library.

    Raises:
        Damaged: If the labels of one cannot be read.
    """
    restored: list[Restored] = []
    for was, layout, vector, state, text in connection.execute(_REMOVED).fetchall():
        labels = _labels(text)
        # The number is free, since none is given twice. But the same preset may have been imported
        # again meanwhile, under another number: then only its labels come back.
        new = connection.execute(_INSERT_PRESET, [was, layout, vector]).rowcount
        (number,) = connection.execute(_FIND_PRESET, [layout, vector]).fetchone()
        if new and state is not None:
            connection.execute(_INSERT_STATE, [number, state])
        for label in labels:
            write_label(connection, number, label)
        restored.append(Restored(number, was, next((label.name for label in labels if label.name), "")))
    write_words(connection, [preset.id for preset in restored])
    connection.execute("DELETE FROM removed")
    return tuple(restored)


def _labels(text: str) -> list[Label]:
    try:
        return [Label(**{**fields, "tags": tuple(fields["tags"])}) for fields in json.loads(text)]
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged("the labels of a removed preset cannot be read") from error
