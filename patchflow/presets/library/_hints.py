"""Why a search in a library finds nothing: which words no preset has, and which there are instead."""

import difflib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ._labels import matching

__all__ = ["Hint", "hints_for"]

_NEAR = 3  # words that are alike
_MOST = 12  # words that are listed
_LETTERS = re.compile(r"[^\W_]{3,}")


@dataclass(frozen=True)
class Hint:
    """A word of a search, or one of its filters, that no preset has.

    Args:
        field: Which filter, e.g. `"category"`; "" for a word of the text.
        word: What was looked for.
        near: What is there and looks like it, the most alike first.
        known: The most frequent ones there are, the most frequent first.

    Example:
        >>> print(Hint("", "brigth", ("bright",), ("bright", "Bass")))
        no preset has 'brigth'. Did you mean 'bright'? Words there are: bright, Bass.
    """

    field: str
    word: str
    near: tuple[str, ...]
    known: tuple[str, ...]

    def __str__(self) -> str:
        what = f"the {self.field} {self.word!r}" if self.field else repr(self.word)
        said = f"no preset has {what}."
        if self.near:
            said += f" Did you mean {' or '.join(map(repr, self.near))}?"
        if self.known:
            kind = {"": "Words", "synth": "Synths", "category": "Categories", "author": "Authors"}[self.field]
            said += f" {kind} there are: {', '.join(self.known)}."
        return said


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
            frequent = _names(connection, "category") + _tags(connection)
            words = _words(connection) + _tags(connection)
            hints.append(_hint("", word, words, frequent or words))
    for field, value in filters.items():
        asked = {name: value if name == field else "" for name in ("synth", "category", "author")}
        if value and not matching(connection, "", **asked, limit=1):
            there = _names(connection, field)
            hints.append(_hint(field, value, there, there))
    return tuple(hints)


def _hint(field: str, word: str, there: Counter[str], listed: Counter[str]) -> Hint:
    # in small letters, as the search itself looks for them
    spelled = {name.casefold(): name for name in reversed(list(there))}
    near = difflib.get_close_matches(word.casefold(), spelled, _NEAR, 0.7)
    known = [name for name, _ in listed.most_common(_MOST)]
    return Hint(field, word, tuple(spelled[name] for name in near), tuple(known))


_COUNTED = {
    "synth": "SELECT synth, count(*) FROM preset JOIN layout ON layout.id = layout GROUP BY synth",
    "category": "SELECT category, count(DISTINCT preset) FROM label WHERE category != '' GROUP BY category",
    "author": "SELECT author, count(DISTINCT preset) FROM label WHERE author != '' GROUP BY author",
}


def _names(connection: sqlite3.Connection, field: str) -> Counter[str]:
    """The values of a field, and how many presets have each."""
    return Counter(dict(connection.execute(_COUNTED[field])))


def _tags(connection: sqlite3.Connection) -> Counter[str]:
    found: Counter[str] = Counter()
    for text, count in connection.execute("SELECT tags, count(*) FROM label GROUP BY tags"):
        for tag in json.loads(text):
            found[str(tag)] += count
    return found


def _words(connection: sqlite3.Connection) -> Counter[str]:
    """The words in names, authors, categories and sources."""
    found: Counter[str] = Counter()
    for field in ("name", "author", "category", "source"):
        for text, count in connection.execute(f"SELECT {field}, count(*) FROM label GROUP BY {field}"):
            for word in _LETTERS.findall(text):
                found[word] += count
    return found
