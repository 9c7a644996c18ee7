"""Reads what presets of a library are called."""

import json
import sqlite3
from collections.abc import Sequence

from ..errors import StorageError
from .entry import Entry, Label

__all__ = ["FIELDS", "read_entries"]

FIELDS = ("name", "category", "author", "tags", "source")
"""The columns of a label, in the order of `Label`."""

_WANTED = "IN (SELECT value FROM json_each(?))"
_LABELS = f"SELECT preset, {', '.join(FIELDS)} FROM label WHERE preset {_WANTED} ORDER BY id"
_SYNTHS = f"SELECT preset.id, synth FROM preset JOIN layout ON layout.id = layout WHERE preset.id {_WANTED}"


def read_entries(connection: sqlite3.Connection, ids: Sequence[int]) -> tuple[Entry, ...]:
    """Returns the entries of presets that exist, in the order of `ids`.

    Raises:
        StorageError: If the library is damaged.
    """
    wanted = [json.dumps(ids)]
    labels: dict[int, list[Label]] = {}
    for preset, name, category, author, tags, source in connection.execute(_LABELS, wanted):
        labels.setdefault(preset, []).append(Label(name, category, author, _tags(tags), source))
    synths = dict(connection.execute(_SYNTHS, wanted).fetchall())
    if not set(ids) <= set(labels) & set(synths):
        raise StorageError("the preset library is damaged: presets without a name or synth")
    return tuple(Entry(id_, synths[id_], tuple(labels[id_])) for id_ in ids)


def _tags(text: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, json.loads(text)))
    except (ValueError, TypeError) as error:
        raise StorageError("the preset library is damaged: tags that cannot be read") from error
