"""Finds presets: ranks a shelf by nearness to a sound and by words, and picks by tag, category, author and synth."""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from ..errors import OptionError
from ..presets import Entry
from ..presets.library import Hint
from .index import FieldValues, Texts
from .lexicon import fold
from .shelf import Shelf
from .standing import Standing

if TYPE_CHECKING:
    from .meaning import Meaning

__all__ = ["FIELDS", "Hit", "find", "hints", "picked"]

FIELDS = ("tag", "category", "author", "synth")
"""What presets are picked by."""

_NAMED = 4.0  # ahead of all others, whatever these score, -1 to 1
_HAS_WORDS = 2.0
_LITTLE = 0.05  # fit below which that is said
_SHORTEST = 3  # letters of a word that is looked for in labels, as in the library's own list
_MOST_NEAR = 3  # words that are alike
_MOST_KNOWN = 12  # words that are listed
_MOST_HINTS = 5


@dataclass(frozen=True)
class Hit:
    """A preset that was found.

    Args:
        entry: What is known of it.
        score: How well it fits all that was asked for, 0 to 1.
        nearness: The cosine of its sound and the one asked for, at least 0; None if there was none.
        fit: How well it fits the words, 0 to 1; None if there were none that are understood.
        reason: Why it was found, for people.
        number: What it is called in commands: `"17"` of the library, `"dexed:17"` of the embedded bank.
        distance: Of its sound from the one asked for, in dB, where it was played beside that, see `played`.
    """

    entry: Entry
    score: float
    nearness: float | None
    fit: float | None
    reason: str
    number: str = ""
    distance: float | None = None

    @property
    def origin(self) -> str:
        """`"library"` or `"bank"`."""
        return "bank" if ":" in self.number else "library"


def find(
    shelf: Shelf,
    *,
    like: np.ndarray | None = None,
    words: "Meaning | None" = None,
    limit: int = 20,
    text: str = "",
    rows: np.ndarray | None = None,
    by: np.ndarray | None = None,
    either: bool = False,
) -> list[Hit]:
    """Returns the presets that fit best.

    Those whose name is what was typed come first, then those whose labels have the words that nobody knows or that may
    be names, then all others. If labels have words that nobody knows, presets without them are no hits, and neither are
    presets that nobody has listened to, nor those that have what is denied. Others are hits however little they fit.

    Args:
        shelf: Where to look.
        like: What the ear says of a sound, of length 1, float32, shape `(width,)`.
        words: What was understood.
        limit: Return no more than this.
        text: What was typed, to be looked for in names.
        rows: Which presets may be hits, bool, shape `(N,)`; all if None. Words are measured at all of the shelf.
        by: What counts in place of nearness to `like`, at most 1, shape `(N,)`; see `standing.likely_near`.
        either: Whether being like the sound or fitting the words is enough: the better of the two places counts.

    Returns:
        The best first, equally good ones in the order of the shelf. Without a sound and words, the first.

    Raises:
        OptionError: If `limit` is below 1, or the sound is silent.
    """
    if limit < 1:
        raise OptionError(f"limit={limit}: not 1 or more")
    if like is not None and not like.any():
        raise OptionError("the sound is silent, and nothing is like silence")
    if not len(shelf):
        return []
    if like is not None and words is None and rows is None and by is None and not text and shelf.index is not None:
        return _by_index(shelf, like, limit)
    rank, out = _ranked(shelf, words, text, np.ones(len(shelf), bool) if rows is None else rows)
    fit = words.fit(shelf) if words is not None and _understood(words) else None
    if words is not None and fit is None and not rank.any() and not words.denied:
        return []
    near = None if like is None else shelf.vectors @ like
    likely = near if by is None else by
    score, lacking = _scored(shelf, likely, fit)
    places = _places(likely, fit) if either and likely is not None and fit is not None else None
    if places is not None:
        score = 1 - places.min(0) / (len(shelf) + 1)
    if words is not None and fit is not None:
        lacking = (lacking & (rank == 0)) | words.excludes(shelf)
    # a preset that is called so is found, whatever it sounds like
    score[(lacking & (rank < _NAMED)) | out] = -np.inf
    best = _top(score + rank, limit)
    by_sound = None if places is None else places[0] <= places[1]
    pairs = (("near", near), ("fit", fit), ("by sound", by_sound))
    scored = {name: values[best] for name, values in pairs if values is not None}
    return _hits(shelf, best, scored, words, rank)


def _by_index(shelf: Shelf, like: np.ndarray, limit: int) -> list[Hit]:
    near_rows = _candidates(shelf, like, limit)
    heard = near_rows[shelf.vectors[near_rows].any(1)]
    best = heard[_top(shelf.vectors[heard] @ like, limit)]
    return _hits(shelf, best, {"near": shelf.vectors[best] @ like}, None, np.zeros(len(shelf)))


def _scored(shelf: Shelf, near: np.ndarray | None, fit: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Scores by nearness and words, -1 to 1, and which presets are silent or unknown, shape `(N,)` each."""
    score = np.ones(len(shelf)) if fit is None else np.array(fit, float)
    lacking = np.zeros(len(shelf), bool)
    if fit is not None:
        lacking |= ~np.isfinite(shelf.measures).all(1)
    if near is not None:
        # what is unlike the sound comes last, however well the words fit
        score = np.where(near > 0, score * near, near)
        at_right_angles = np.flatnonzero(near == 0)
        lacking[at_right_angles[~shelf.vectors[at_right_angles].any(1)]] = True
    return score, lacking


def _places(near: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """At which place presets are by sound and by words, from 1 on, equal ones by the other; shape `(2, N)`."""
    by_sound = np.lexsort((-fit, -near)).argsort()
    by_words = np.lexsort((-near, -fit)).argsort()
    return np.stack([by_sound, by_words]) + 1


def _ranked(shelf: Shelf, words: "Meaning | None", text: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far presets are ahead of others by what they are called, and which are no hits by it, shape `(N,)` each."""
    rank = np.zeros(len(shelf))
    out = ~rows
    denied = {word.casefold() for word in words.denied} if words is not None else set()
    unknown = _looked_for(words)
    wanted = [word for word in unknown if word not in denied]
    if text:
        rank[_named(shelf, text, bool(wanted)) & rows] = _NAMED
    if wanted:
        rank[_labels(shelf).having_all(wanted) & (rank == 0) & rows] = _HAS_WORDS
    if rank.any() and (wanted or not _understood(words)):
        out |= rank == 0
    for word in denied.intersection(unknown):
        out |= _labels(shelf).having(word)
    for word in () if words is None else words.guessed:
        rank[Standing.of(shelf).has_word(fold(word)) & (rank == 0) & rows] = _HAS_WORDS
    return rank, out


def _hits(
    shelf: Shelf, rows: np.ndarray, scored: Mapping[str, np.ndarray], words: "Meaning | None", rank: np.ndarray
) -> list[Hit]:
    found: list[Hit] = []
    of_rows = shelf.where(rows)
    for place, (row, entry) in enumerate(zip(rows, of_rows.entries, strict=True)):
        nearness = float(max(scored["near"][place], 0.0)) if "near" in scored else None
        fit = float(scored["fit"][place]) if "fit" in scored else None
        reasons: list[str] = []
        if rank[row] == _NAMED:
            reasons.append("its name")
        elif rank[row] == _HAS_WORDS:
            reasons.append(f"has {_words_of(entry, words)!r}")
        if words is not None and fit is not None:
            little = "fits little: " if fit < _LITTLE else ""
            reasons.append(little + words.reasons(shelf, int(row)))
        if nearness is not None:
            reasons.append(f"{nearness:.0%} near")
        score = (1.0 if nearness is None else nearness) * (1.0 if fit is None else fit)
        if "by sound" in scored:
            score = float(nearness or 0.0) if scored["by sound"][place] else float(fit or 0.0)
            reasons.insert(0, "the sound" if scored["by sound"][place] else "the words")
        number = of_rows.numbers(np.array([place]))[0]
        found.append(Hit(entry, score, nearness, fit, "; ".join(filter(None, reasons)), number))
    return found


def _words_of(entry: Entry, words: "Meaning | None") -> str:
    """The words that nobody knows or that may be names, as far as a preset has them."""
    wanted = [*_looked_for(words), *(() if words is None else words.guessed)]
    held = fold(" ".join(_all_texts(entry)))
    return " ".join(word for word in wanted if fold(word) in held)


def _candidates(shelf: Shelf, like: np.ndarray, limit: int) -> np.ndarray:
    """Rows among which the nearest are, but for a few that the index misses, ascending."""
    assert shelf.index is not None
    beyond = np.arange(len(shelf.index), len(shelf))  # the embedded bank, behind the library
    return np.concatenate([np.sort(shelf.index.nearest(like, limit)), beyond])


def _top(score: np.ndarray, limit: int) -> np.ndarray:
    """The places of the highest scores, the highest first, equal ones in order; none of minus infinity."""
    if len(score) > limit:
        least = np.partition(score, len(score) - limit)[len(score) - limit]
        above = np.flatnonzero(score > least)
        equal = np.flatnonzero(score == least)[: limit - len(above)]
        places = np.sort(np.concatenate([above, equal]))
    else:
        places = np.arange(len(score))
    places = places[np.isfinite(score[places])]
    return places[np.argsort(-score[places], kind="stable")]


def _understood(words: "Meaning | None") -> bool:
    return words is not None and bool(words.text().strip())


def _looked_for(words: "Meaning | None") -> list[str]:
    """The words that nobody knows, as far as labels are searched for them."""
    unknown = words.unknown if words is not None else ()
    return [word.casefold() for word in unknown if len(word) >= _SHORTEST]


def _named(shelf: Shelf, text: str, has_unknown: bool) -> np.ndarray:
    """Whether presets are called what was typed: just so, or so that a part of the name is more than a plain word."""
    names = _names(shelf)
    wanted = " ".join(text.casefold().split())
    several = " " in wanted or has_unknown
    return names.having(wanted) if several and len(wanted) >= _SHORTEST else names.equal(wanted)


_of_names: "WeakKeyDictionary[Shelf, Texts]" = WeakKeyDictionary()
_of_labels: "WeakKeyDictionary[Shelf, Texts]" = WeakKeyDictionary()


def _names(shelf: Shelf) -> Texts:
    if shelf not in _of_names:
        _of_names[shelf] = Texts([_all_names(entry) for entry in shelf.entries])
    return _of_names[shelf]


def _labels(shelf: Shelf) -> Texts:
    if shelf not in _of_labels:
        _of_labels[shelf] = Texts([_all_texts(entry) for entry in shelf.entries])
    return _of_labels[shelf]


def _all_names(entry: Entry) -> list[str]:
    return [label.name for label in entry.labels]


def _all_texts(entry: Entry) -> list[str]:
    found: list[str] = []
    for label in entry.labels:
        found += [label.name, label.category, label.author, *label.tags, label.source]
    return found


def picked(shelf: Shelf, wishes: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Returns which presets have all that is asked for.

    Args:
        shelf: Where to look.
        wishes: For any of `FIELDS` values, in small or capital letters, all of which a preset must have; a value may be
            several with `or` and `and` between them and `not` before one, such as `"bass or lead and not noisy"`:
            `not` is the closest tie, then `and`. A value that a preset has just so is taken as it is.

    Returns:
        Bool, shape `(N,)`.

    Raises:
        OptionError: If something is missing beside an `and`, `or` or `not`.
    """
    found = np.ones(len(shelf), bool)
    for field, values in wishes.items():
        if not values:
            continue
        of_field = _field(shelf, field)
        for value in values:
            found &= of_field.fulfilling(_parsed(value, of_field.there))
    return found


def hints(shelf: Shelf, wishes: Mapping[str, Sequence[str]], words: Sequence[str] = ()) -> list[Hint]:
    """Returns why nothing was found: which of the values and words no preset has, and what there is.

    Args:
        shelf: Where was looked.
        wishes: As for `picked`.
        words: That nobody knows.
    """
    found: list[Hint] = []
    for field, values in wishes.items():
        counted = _counted(shelf, field)
        there = frozenset(name.casefold() for name in counted)
        for value in values:
            for group in _parsed(value, there):
                missing = [name for name, wanted in group if wanted and name not in there]
                found += [_hint(field, name, counted, counted) for name in missing]
    frequent = _counted(shelf, "category") + _counted(shelf, "tag")
    for word in dict.fromkeys(words):
        if len(found) >= _MOST_HINTS:
            break
        if len(word) < _SHORTEST or not _labels(shelf).having(word.casefold()).any():
            found.append(_hint("", word, frequent + _counted_words(shelf), frequent))
    return found[:_MOST_HINTS]


_Group = list[tuple[str, bool]]
"""Values, and whether a preset must have each, or must not."""


def _parsed(text: str, there: frozenset[str]) -> list[_Group]:
    """Groups of values of which a preset must fulfil one."""
    wanted = " ".join(text.casefold().split())
    if wanted in there:
        return [[(wanted, True)]]
    groups: list[_Group] = []
    for alternative in re.split(r"\bor\b", wanted):
        group: _Group = []
        for part in re.split(r"\band\b", alternative):
            name = part.strip()
            is_wanted = True
            while name == "not" or name.startswith("not "):
                name = name.removeprefix("not").strip()
                is_wanted = not is_wanted
            if not name:
                raise OptionError(f"{text!r}: something is missing beside 'and', 'or' or 'not'")
            group.append((name, is_wanted))
        groups.append(group)
    return groups


_of_fields: "WeakKeyDictionary[Shelf, dict[str, FieldValues]]" = WeakKeyDictionary()


def _field(shelf: Shelf, field: str) -> FieldValues:
    known = _of_fields.setdefault(shelf, {})
    if field not in known:
        known[field] = FieldValues([_values(entry, field) for entry in shelf.entries])
    return known[field]


def _spelled(entry: Entry, field: str) -> Iterator[str]:
    if field == "synth":
        yield entry.synth
        return
    for label in entry.labels:
        match field:
            case "tag":
                yield from label.tags
            case "category":
                yield label.category
            case "author":
                yield label.author
            case _:
                raise OptionError(f"{field!r}: presets are picked by {', '.join(FIELDS)}")


def _values(entry: Entry, field: str) -> frozenset[str]:
    return frozenset(" ".join(value.casefold().split()) for value in _spelled(entry, field) if value)


def _counted(shelf: Shelf, field: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    for entry in shelf.entries:
        counted.update(filter(None, dict.fromkeys(_spelled(entry, field))))
    return counted


def _counted_words(shelf: Shelf) -> Counter[str]:
    counted: Counter[str] = Counter()
    for entry in shelf.entries:
        for label in entry.labels:
            counted.update(re.findall(r"[^\W_]{3,}", f"{label.name} {label.author}"))
    return counted


def _hint(field: str, word: str, there: Counter[str], listed: Counter[str]) -> Hint:
    spelled = {name.casefold(): name for name in reversed(list(there))}
    near = difflib.get_close_matches(word.casefold(), spelled, _MOST_NEAR, 0.7)
    known = [name for name, _ in listed.most_common(_MOST_KNOWN)]
    return Hint(field, word, tuple(spelled[name] for name in near), tuple(known))
