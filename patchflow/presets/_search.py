"""Finds the presets of a library that hold some words."""

import sqlite3

__all__ = ["matching"]

# How much a word in each column of `words` counts: name, category, author, tags, source.
_WEIGHTS = "10, 5, 5, 5, 1"
_ALL = 2**62
_SHORTEST = 3  # letters that the index can look up


def matching(
    connection: sqlite3.Connection, text: str, synth: str, category: str, author: str, *, limit: int | None = None
) -> list[int]:
    """Returns the numbers of the presets that fulfil all conditions, the best first; see `Library.search`."""
    words = text.replace("\0", " ").split()
    indexed = [_quoted(word) for word in words if len(word) >= _SHORTEST]
    wheres, parameters = [], []
    if indexed:
        wheres.append("words MATCH ?")
        parameters.append(" AND ".join(indexed))
    for word in words:
        if len(word) < _SHORTEST:
            wheres.append(_HAS_LETTERS)
            parameters.append(_pattern(word))
    for field, value in (("synth", synth), ("category", category), ("author", author)):
        if value:
            wheres.append(_FILTERS[field])
            parameters.append(value)
    order = f"bm25(words, {_WEIGHTS}), preset.id" if indexed else "preset.id"
    query = f"{_SELECT} WHERE {' AND '.join(wheres) or 'TRUE'} ORDER BY {order} LIMIT ?"
    return [id_ for (id_,) in connection.execute(query, [*parameters, _ALL if limit is None else min(limit, _ALL)])]


_SELECT = "SELECT preset.id FROM words JOIN preset ON preset.id = words.rowid JOIN layout ON layout.id = preset.layout"
_COLUMNS = ("name", "category", "author", "tags", "source")
_HAS_LETTERS = f"{' || char(10) || '.join(f'words.{column}' for column in _COLUMNS)} LIKE ? ESCAPE '\\'"
_HAS_LABEL = "EXISTS (SELECT 1 FROM label WHERE label.preset = preset.id AND label.{} = ? COLLATE NOCASE)"
_FILTERS = {
    "synth": "layout.synth = ? COLLATE NOCASE",
    "category": _HAS_LABEL.format("category"),
    "author": _HAS_LABEL.format("author"),
}


def _quoted(word: str) -> str:
    """The word as text of a query, not as an operator."""
    return '"' + word.replace('"', '""') + '"'


def _pattern(word: str) -> str:
    """The word anywhere, as it is written."""
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return f"%{word}%"
