"""The labels of presets in a library: writing, reading, full-text search, and what there is instead of no hit."""

import difflib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence

from ...parsing import json_value
from ._database import Damaged
from .entry import Entry, Hint, Label

__all__ = ["FIELDS", "hints_for", "matching", "read_entries", "stored_labels", "write_label", "write_words"]

FIELDS = ("name", "category", "author", "tags", "source")
"""The columns of a label, in the order of `Label`."""

_WANTED = "IN (SELECT value FROM json_each(?))"
_LABELS = f"SELECT preset, {', '.join(FIELDS)} FROM label WHERE preset {_WANTED} ORDER BY id"
_INSERT_LABEL = f"INSERT OR IGNORE INTO label (preset, {', '.join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_WORDS = f"INSERT INTO words (rowid, {', '.join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?)"
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
        raise Damaged("presets without a name or synth")
    return tuple(Entry(id_, synths[id_], tuple(labels[id_])) for id_ in ids)


def write_label(connection: sqlite3.Connection, preset: int, label: Label) -> None:
    """Adds a label to a preset, unless it has just that one; `write_words` then makes it findable."""
    texts = [label.name, label.category, label.author, json.dumps(label.tags), label.source]
    connection.execute(_INSERT_LABEL, [preset, *map(_clean, texts)])


def write_words(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Updates the full-text index of presets."""
    for entry in read_entries(connection, ids):
        texts = [_indexed(entry, field) for field in FIELDS]
        connection.execute("DELETE FROM words WHERE rowid = ?", [entry.id])
        connection.execute(_INSERT_WORDS, [entry.id, *texts])


def _indexed(entry: Entry, field: str) -> str:
    """What all labels of a preset say in one field, a line each, nothing twice."""
    lines: list[str] = []
    for label in entry.labels:
        value = getattr(label, field)
        lines.append(" ".join(value) if field == "tags" else value)
    return "\n".join(dict.fromkeys(lines))


def _clean(text: str) -> str:
    # A file name may hold bytes that are no text, which Python keeps as surrogates and SQLite does not take.
    return text.encode("utf-8", "replace").decode()


def _tags(text: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, json_value(text)))
    except (ValueError, TypeError) as error:
        raise Damaged("tags that cannot be read") from error


# How much a word in each column of `words` counts: name, category, author, tags, source.
_WEIGHTS = "10, 5, 5, 5, 1"
_ALL = 2**62  # as a limit; an SQLite integer has 63 bits
_SHORTEST = 3  # letters that the index can look up


def matching(
    connection: sqlite3.Connection, text: str, synth: str, category: str, author: str, *, limit: int | None = None
) -> list[int]:
    """Returns the numbers of the presets that fulfil all conditions, the best first; see `Library.search`."""
    conditions: list[str] = []
    parameters: list[str | int] = []

    # The index is of trigrams, so it finds parts of words, but none shorter than three letters: those
    # are looked for in the text itself. Every word is a parameter of the query, so none can become a command.
    words = text.replace("\0", " ").split()
    indexed = [_quoted(word) for word in words if len(word) >= _SHORTEST]
    if indexed:
        conditions.append("words MATCH ?")
        parameters.append(" AND ".join(indexed))
    for word in words:
        if len(word) < _SHORTEST:
            conditions.append(_HAS_LETTERS)
            parameters.append(_pattern(word))
    for field, value in (("synth", synth), ("category", category), ("author", author)):
        if value:
            conditions.append(_FILTERS[field])
            parameters.append(value)

    # Equally good ones by number, so that the same search gives the same order. Without words there is no rank.
    where = " AND ".join(conditions) or "TRUE"
    order = f"bm25(words, {_WEIGHTS}), preset.id" if indexed else "preset.id"
    parameters.append(_ALL if limit is None else min(limit, _ALL))
    found = connection.execute(f"{_SELECT} WHERE {where} ORDER BY {order} LIMIT ?", parameters)
    return [id_ for (id_,) in found]


_SELECT = "SELECT preset.id FROM words JOIN preset ON preset.id = words.rowid JOIN layout ON layout.id = preset.layout"
_ALL_TEXT = " || char(10) || ".join(f"words.{field}" for field in FIELDS)
_HAS_LETTERS = f"{_ALL_TEXT} LIKE ? ESCAPE '\\'"
_HAS_LABEL = "EXISTS (SELECT 1 FROM label WHERE label.preset = preset.id AND label.{} = ? COLLATE NOCASE)"
_FILTERS = {
    "synth": "layout.synth = ? COLLATE NOCASE",
    "category": _HAS_LABEL.format("category"),
    "author": _HAS_LABEL.format("author"),
}


def _quoted(word: str) -> str:
    """The word as literal text of a full-text query, not as an operator such as AND."""
    return '"' + word.replace('"', '""') + '"'


def _pattern(word: str) -> str:
    """The word anywhere in a text, with the wildcards of LIKE as plain letters."""
    # the escape sign first, or it would escape those that come after it twice
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return f"%{word}%"


_MOST_NEAR = 3  # words that are alike
_MOST_KNOWN = 12  # words that are listed
_HINT_WORD = re.compile(r"[^\W_]{3,}")


def hints_for(connection: sqlite3.Connection, text: str, filters: Mapping[str, str]) -> tuple[Hint, ...]:
    """Returns a hint for every word and filter of a search that alone finds nothing.

    Args:
        connection: To the library.
        text: Words, as for a search.
        filters: What is asked of `synth`, `category` and `author`; "" for anything.
    """
    hints: list[Hint] = []
    for word in dict.fromkeys(text.replace("\0", " ").split()):
        if not matching(connection, word, "", "", "", limit=1):
            frequent = _counted_names(connection, "category") + _counted_tags(connection)
            words = _counted_words(connection) + _counted_tags(connection)
            hints.append(_hint("", word, words, frequent or words))
    for field, value in filters.items():
        asked = {name: value if name == field else "" for name in ("synth", "category", "author")}
        if value and not matching(connection, "", **asked, limit=1):
            there = _counted_names(connection, field)
            hints.append(_hint(field, value, there, there))
    return tuple(hints)


def _hint(field: str, word: str, there: Counter[str], listed: Counter[str]) -> Hint:
    # in small letters, as the search itself looks for them
    spelled = {name.casefold(): name for name in reversed(list(there))}
    near = difflib.get_close_matches(word.casefold(), spelled, _MOST_NEAR, 0.7)
    known = [name for name, _ in listed.most_common(_MOST_KNOWN)]
    return Hint(field, word, tuple(spelled[name] for name in near), tuple(known))


_COUNTED = {
    "synth": "SELECT synth, count(*) FROM preset JOIN layout ON layout.id = layout GROUP BY synth",
    "category": "SELECT category, count(DISTINCT preset) FROM label WHERE category != '' GROUP BY category",
    "author": "SELECT author, count(DISTINCT preset) FROM label WHERE author != '' GROUP BY author",
}


def _counted_names(connection: sqlite3.Connection, field: str) -> Counter[str]:
    """The values of a field, and how many presets have each."""
    return Counter(dict(connection.execute(_COUNTED[field])))


def _counted_tags(connection: sqlite3.Connection) -> Counter[str]:
    found: Counter[str] = Counter()
    for text, count in connection.execute("SELECT tags, count(*) FROM label GROUP BY tags"):
        for tag in json.loads(text):
            found[str(tag)] += count
    return found


def _counted_words(connection: sqlite3.Connection) -> Counter[str]:
    """The words in names, authors, categories and sources."""
    found: Counter[str] = Counter()
    for field in ("name", "author", "category", "source"):
        for text, count in connection.execute(f"SELECT {field}, count(*) FROM label GROUP BY {field}"):
            for word in _HINT_WORD.findall(text):
                found[word] += count
    return found


def stored_labels(text: str) -> list[Label]:
    """Reads the labels of a removed preset.

    Raises:
        Damaged: If they cannot be read.
    """
    try:
        found = [Label(**{**fields, "tags": tuple(fields["tags"])}) for fields in json.loads(text)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Damaged("the labels of a removed preset cannot be read") from error
    for label in found:
        texts = (label.name, label.category, label.author, label.source, *label.tags)
        if not all(isinstance(value, str) for value in texts):
            raise Damaged("the labels of a removed preset are no texts")
    return found
