"""The words of synths in five languages: what each means in measured attributes and in categories of presets."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..parsing import damage_named
from ..storage import read_bytes

__all__ = ["LANGUAGES", "MOST_WORDS", "Concept", "Lexicon", "Word", "fold", "lexicon"]

LANGUAGES = ("en", "de", "fr", "es", "ja")
"""English, German, French, Spanish and Japanese; of two that know equally many words of a text, the earlier."""

MOST_WORDS = 200
"""Words of a text that is read; who pastes a book gets a line that says so."""

_FILE = Path(__file__).absolute().parent / "lexicon.toml"
_LARGEST = 2**20  # bytes
_TYPED = 4  # letters of a word from which on a letter may be wrong
_PART = 3  # letters of a part of a compound
_LONGEST = 40  # letters of a word that is compared with others
_CONTENT = ("quality", "noun", "size", "role")
_MARKS = re.compile("[\u0300-\u036f]")
_JAPANESE_LETTERS = "\u3005\u3041-\u30ff\u4e00-\u9fff"
_JAPANESE = re.compile(f"[{_JAPANESE_LETTERS}]+")
_PIECES = re.compile(f"[{_JAPANESE_LETTERS}]+|[^\\W{_JAPANESE_LETTERS}_]+|" + r"[()\"“”„«»「」|/,;:、。&+-]")
_OPENING = frozenset('"“”„«»「」')
_BREAKS = frozenset(",;:、。")


@dataclass(frozen=True)
class Concept:
    """What all words of one entry mean.

    Args:
        kind: `"quality"`, `"noun"`, `"size"`, `"role"`, `"degree"`, `"grammar"` or `"unmeasured"`.
        name: Of the entry, such as `"warm"`; of marks, `"open"`, `"close"`, `"break"` and `"quoted"`.
        means: By attribute of `MEASURES`, -1 to 1: much or little of it.
        alone: The same of a noun that no size goes with.
        categories: Of a role, see `presets.preset.CATEGORIES`.
        sign: Of a size, 1 for much and -1 for little.
        factor: Of a degree, 1 for one that changes nothing.
    """

    kind: str
    name: str
    means: Mapping[str, float]
    alone: Mapping[str, float]
    categories: tuple[str, ...] = ()
    sign: int = 1
    factor: float = 1.0


@dataclass(frozen=True)
class Word:
    """A word of a text, or some that belong together.

    Args:
        typed: As it stands there, in small letters.
        concept: What it means; None if nobody knows it.
        base: How the lexicon spells it, folded; what is typed if it is unknown.
        language: Of the lexicon's word, "" for marks and unknown words.
        mended: Whether a letter was wrong.
    """

    typed: str
    concept: Concept | None
    base: str
    language: str = ""
    mended: bool = False

    def is_a(self, kind: str, name: str = "") -> bool:
        """Returns whether it is of a kind, and of an entry if one is named."""
        return self.concept is not None and self.concept.kind == kind and name in ("", self.concept.name)


def fold(text: str) -> str:
    """Returns a text in small letters without accents, as the lexicon compares them.

    Example:
        >>> fold("Flûte DÜNN cálido ﾊﾟｯﾄﾞ")
        'flute dunn calido パッド'
    """
    split = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", split))


class Lexicon:
    """All words, by language.

    Args:
        table: The content of a lexicon file.

    Raises:
        ValueError: If an entry is not as the file says; a test reads it, so this is for those who edit it.

    Attributes:
        words: By language, the concept and the spelling of every word, all forms of it among them.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.words: dict[str, dict[str, tuple[Concept, str]]] = {language: {} for language in LANGUAGES}
        entries = list(_entries(table))
        for concept, spelled in entries:
            self._learn(concept, spelled)
        for concept, spelled in entries:
            self._inflect(concept, spelled)
        self._most = max(key.count(" ") + 1 for key in chain(*self.words.values()))
        self._longest = max(map(len, self.words["ja"]))
        self._near = {language: _without_one(words) for language, words in self.words.items()}

    def _learn(self, concept: Concept, spelled: Mapping[str, Sequence[str]]) -> None:
        """Enters the words as they are written."""
        for language, words in spelled.items():
            for word in words:
                key = _key(word)
                known = self.words[language].get(key)
                if known and known[0] is not concept:
                    raise ValueError(f"{language}: {word!r} means {known[0].name!r} and {concept.name!r}")
                self.words[language][key] = (concept, key)

    def _inflect(self, concept: Concept, spelled: Mapping[str, Sequence[str]]) -> None:
        """Enters other forms, where nothing else is spelled so."""
        for language, words in spelled.items():
            for word in words:
                key = _key(word)
                for form in _forms(key, language, concept.kind):
                    self.words[language].setdefault(form, (concept, key))

    def read(self, text: str) -> list[Word]:
        """Returns the words and marks of a text, in order.

        Raises:
            OptionError: If there are too many.
        """
        pieces = _pieces(text)
        if len(pieces) > MOST_WORDS:
            raise OptionError(f"the search has {len(pieces):,} words: more than {MOST_WORDS} are not read")
        order, spoken = self._languages(pieces)
        found: list[Word] = []
        place = 0
        while place < len(pieces):
            piece = pieces[place]
            place += 1
            if piece.startswith('"'):
                found.append(Word(piece[1:], _mark("quoted"), fold(piece[1:])))
            elif _JAPANESE.fullmatch(piece):
                found += self._japanese(piece)
            elif not piece[0].isalnum():
                found.append(_marked(piece))
            else:
                words, count = self._latin(pieces, place - 1, order, spoken)
                found += words
                place += count - 1
        return found

    def categories_in(self, text: str) -> tuple[str, ...]:
        """Returns the categories of roles that a short text names, such as that of a bank: the last one first.

        Words are taken as they are written, since names are full of words of nobody's language.
        """
        found: dict[str, None] = {}
        for piece in reversed(_pieces(text)[:MOST_WORDS]):
            parts = self._japanese(piece) if _JAPANESE.fullmatch(piece) else [self._exact(fold(piece))]
            for word in parts:
                if word.is_a("role") and word.concept and not word.mended:
                    found |= dict.fromkeys(word.concept.categories)
        return tuple(found)

    def _exact(self, key: str) -> Word:
        """A word that is written so in any language."""
        for language in LANGUAGES:
            known = self.words[language].get(key)
            if known:
                return Word(key, *known, language)
        return Word(key, None, key)

    def _languages(self, pieces: Sequence[str]) -> tuple[list[str], list[str]]:
        """The languages, first the one that knows most of the words; and of these English and those that are spoken."""
        counts = {}
        for language in LANGUAGES:
            counts[language] = sum(fold(piece) in self.words[language] for piece in pieces)
        order: list[str] = sorted(LANGUAGES, key=lambda language: -counts[language])
        # "hang" alone is no German word with a wrong letter
        foreign = {fold(piece) for piece in pieces} - self.words["en"].keys()
        return order, [language for language in order if language == "en" or foreign & self.words[language].keys()]

    def _latin(self, pieces: Sequence[str], place: int, order: list[str], spoken: list[str]) -> tuple[list[Word], int]:
        """The word or words that begin at a place, and how many pieces they are."""
        for count in range(min(self._most, len(pieces) - place), 0, -1):
            typed = " ".join(pieces[place : place + count])
            key = fold(typed)
            for rank, language in enumerate(order):
                known = self.words[language].get(key)
                # "o" is Spanish for or, but not within a German text
                if known and (rank == 0 or len(key) >= _PART):
                    return [Word(typed, *known, language)], count
        typed = pieces[place]
        return self._compound(fold(typed), order) or [self._mended(typed, spoken)], 1

    def _compound(self, typed: str, order: Sequence[str]) -> list[Word]:
        """The two words of a compound such as "warmpad"; none if it is not one."""
        if len(typed) > _LONGEST:
            return []
        for language in order:
            words = self.words[language]
            for cut in range(len(typed) - _PART, _PART - 1, -1):
                parts = typed[:cut], typed[cut:]
                known = [words.get(part) for part in parts]
                if all(one and one[0].kind in _CONTENT for one in known):
                    return [Word(part, *one, language) for part, one in zip(parts, known, strict=True) if one]
        return []

    def _mended(self, typed: str, order: Sequence[str]) -> Word:
        """The word that a typed one is but for one letter; an unknown word if there is none."""
        wanted = fold(typed)
        letters = _PART if order[0] == "ja" else _TYPED
        if not letters <= len(wanted) <= _LONGEST or not wanted.isalpha():
            return Word(typed, None, wanted)
        shorter = {wanted, *_deleted(wanted)}
        for language in order:
            near: set[str] = set()
            for key in shorter:
                near |= self._near[language].get(key, set())
            near = {key for key in near if _one_apart(wanted, key)}
            if near:
                # people get the first letter right, and seldom leave one out
                best = min(near, key=lambda key: (key[0] != wanted[0], abs(len(key) - len(wanted)), key))
                concept, base = self.words[language][best]
                return Word(typed, concept, base, language, mended=True)
        return Word(typed, None, wanted)

    def _japanese(self, run: str) -> list[Word]:
        """The words of letters without spaces: always the longest that is known."""
        found: list[Word] = []
        unknown = ""
        place = 0
        while place < len(run):
            ends = range(min(len(run), place + self._longest), place, -1)
            end = next((end for end in ends if run[place:end] in self.words["ja"]), None)
            if end is None:
                unknown += run[place]
                place += 1
                continue
            if unknown:
                found.append(self._mended(unknown, ("ja",)))
                unknown = ""
            found.append(Word(run[place:end], *self.words["ja"][run[place:end]], "ja"))
            place = end
        if unknown:
            found.append(self._mended(unknown, ("ja",)))
        return found


@cache
def lexicon() -> Lexicon:
    """Returns the lexicon that comes with the package."""
    with damage_named(_FILE, is_what="not a lexicon"):
        return Lexicon(tomllib.loads(read_bytes(_FILE, _LARGEST).decode("utf-8")))


def _entries(table: Mapping[str, Any]) -> Iterator[tuple[Concept, dict[str, list[str]]]]:
    """Yields all concepts with their words by language."""
    for kind, entries in table.items():
        named = {"unmeasured": entries} if kind == "unmeasured" else entries
        for name, entry in named.items():
            means = dict(entry.get("means", {}))
            concept = Concept(
                kind=kind,
                name=name,
                means=means,
                alone=dict(entry.get("alone", means)),
                categories=tuple(entry.get("categories", ())),
                sign=int(entry.get("sign", 1)),
                factor=float(entry.get("factor", 1.0)),
            )
            yield concept, {language: entry[language].split(",") for language in LANGUAGES if language in entry}


def _key(word: str) -> str:
    return fold(" ".join(_pieces(word)))


def _pieces(text: str) -> list[str]:
    """Words, Japanese runs and marks of a text; what is quoted is one piece that begins with a quotation mark."""
    plain = (
        unicodedata.normalize("NFKC", text).lower().replace("w/o", "without").replace("n't", "nt").replace("n’t", "nt")
    )
    # a hyphen within a word divides it, one before a word says "not"
    plain = re.sub(r"(?<=\w)-|-(?!\w)", " ", plain)
    found: list[str] = []
    quoted: list[str] | None = None
    end = 0
    for match in _PIECES.finditer(plain):
        piece = match[0]
        if piece in _OPENING:
            if quoted is None:
                quoted = []
                end = match.end()
                continue
            found.append('"' + plain[end : match.start()].strip())
            quoted = None
        elif quoted is not None:
            quoted.append(piece)
        else:
            found.append(piece)
    return found + (quoted or [])  # a quotation that nobody closes is none


def _mark(name: str) -> Concept:
    return Concept("mark", name, {}, {})


def _marked(piece: str) -> Word:
    if piece in _BREAKS:
        return Word(piece, _mark("break"), piece)
    names = {"(": "open", ")": "close"}
    if piece in names:
        return Word(piece, _mark(names[piece]), piece)
    meant = {"|": "or", "/": "or", "&": "and", "+": "and", "-": "not"}[piece]
    return Word(piece, Concept("grammar", meant, {}, {}), piece)


def _forms(key: str, language: str, kind: str) -> set[str]:
    """Other forms of a word: plurals, endings, and umlauts without their dots."""
    found = {key}
    if language == "de":
        found.add(re.sub("([aou])e", r"\1", key))
    forms: set[str] = set(found)
    if kind in ("quality", "size", "role", "noun", "unmeasured"):
        for one in found:
            forms |= _ENDINGS[language](one, kind)
    return forms


def _english(key: str, kind: str) -> set[str]:
    if kind in ("role", "noun", "unmeasured"):
        return {key + "s", key + "es"}
    stem = key[:-1] + "i" if key.endswith("y") else key.removesuffix("e")
    return {stem + "er", stem + "est", stem + "ish"}


def _german(key: str, kind: str) -> set[str]:
    if kind in ("role", "noun"):
        return {key + ending for ending in ("s", "e", "n", "en", "es")}
    stem = key.removesuffix("e")
    if stem.endswith("el"):
        stem = stem[:-2] + "l"
    return {stem + ending for ending in ("e", "er", "es", "en", "em", "ere", "erer", "eres", "eren")}


def _french(key: str, _: str) -> set[str]:
    return {key + ending for ending in ("s", "e", "es", "x")}


def _spanish(key: str, _: str) -> set[str]:
    if key.endswith("o"):
        return {key[:-1] + ending for ending in ("a", "os", "as")}
    return {key + "s", key + "es", key + "a"}


def _japanese_forms(key: str, kind: str) -> set[str]:
    if kind not in ("quality", "size") or not key.endswith("い") or len(key) < 2:
        return set()
    return {key[:-1] + ending for ending in ("く", "くて", "め", "さ", "かった", "そうな", "き")}


_ENDINGS = {"en": _english, "de": _german, "fr": _french, "es": _spanish, "ja": _japanese_forms}


def _without_one(words: Mapping[str, object]) -> dict[str, set[str]]:
    """Single words by what is left of them with no letter or any one left out."""
    found: dict[str, set[str]] = {}
    for key in words:
        if len(key) >= _PART and " " not in key:
            for shorter in {key, *_deleted(key)}:
                found.setdefault(shorter, set()).add(key)
    return found


def _deleted(key: str) -> set[str]:
    return {key[:place] + key[place + 1 :] for place in range(len(key))}


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter is missing, too many or another, or two beside each other are exchanged."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    same = a[1:] == b[1:] or a[1:] == b or a == b[1:]
    return same or (a[:2] == b[1::-1] and a[2:] == b[2:])
