"""What a text asks of presets: qualities, roles and names, with and, or and not, read with the lexicon."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OptionError
from .lexicon import Word, fold, lexicon
from .standing import Standing
from .wishes import Called, Everything, Middle, Neither, OneOf, Quality, Role, Wish, leaves, mean_fit

if TYPE_CHECKING:
    from .shelf import Shelf

__all__ = ["Meaning", "understand"]

_DEEPEST = 20  # parentheses within each other
_HEAD_FIRST = ("fr", "es")  # languages in which the first of two nouns says what it is


@dataclass(frozen=True)
class Meaning:
    """What was understood of a text.

    Args:
        asked: Everything that is asked for; None if nothing was understood.
        unknown: Words that nobody knows, as they were typed.
        remarks: A line for each word that was mended and for each contradiction.
        empty: Whether nothing was asked for.
        denied: Those of the unknown words that a preset must not have.
        guessed: Words that are alone in their language, such as "tape", which is French for tapped: they may as well
            be meant as names.
    """

    asked: Wish | None
    unknown: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    empty: bool = False
    denied: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()

    def text(self) -> str:
        """Returns what was understood, in one line; "" if nothing was.

        Example:
            >>> understand("warm pad").text()
            'warm: low brightness; pad: slow attack, long'
        """
        return "" if self.asked is None else self.asked.text()

    def fit(self, shelf: "Shelf") -> np.ndarray:
        """Returns how well every preset of a shelf fits, float64, shape `(N,)`, 0 to 1.

        A quality is a rank among the presets of the same synth: half is reached where the last tenth begins. All that
        is asked for together counts as a geometric mean, so what lacks one thing is not saved by another.
        """
        standing = Standing.of(shelf)
        if self.asked is None:
            return np.full(len(standing), float(self.empty))
        return np.exp(mean_fit(self.asked.weighted(standing)).astype(float))

    def excludes(self, shelf: "Shelf") -> np.ndarray:
        """Returns which presets are no hits for certain, bool, shape `(N,)`: denied, or without what is quoted."""
        return np.zeros(len(shelf.entries), bool) if self.asked is None else self.asked.excludes(Standing.of(shelf))

    def reasons(self, shelf: "Shelf", index: int) -> str:
        """Returns why the preset in a row of a shelf fits, or how it does not, in one line."""
        if self.asked is None:
            return ""
        standing = Standing.of(shelf)
        if not np.isfinite(standing.ranks[index]).all():
            return "silent, or nobody has measured it"
        return ", ".join(leaf.reason(standing, index) for leaf in leaves(self.asked))

    def qualities(self) -> list[Quality]:
        """Returns the qualities that are asked for, in order."""
        return [] if self.asked is None else [leaf for leaf in leaves(self.asked) if isinstance(leaf, Quality)]


def understand(text: str, shelf: "Shelf | None" = None) -> Meaning:
    """Returns what a text asks of presets, in English, German, Japanese, French or Spanish.

    Words side by side, and, but, and commas ask for all; or and a stroke for one of them; not, without and their like
    deny what follows (in Japanese what comes before), parentheses group, and what is quoted has to be in a name or
    label. Commas divide furthest, then or, then and.

    Args:
        text: The words.
        shelf: Presets whose names are known: a word that stands in one of them is not read as another with a wrong
            letter.

    Raises:
        OptionError: If there are too many words, or parentheses do not close or are too deep.

    Example:
        >>> understand("not brigth").text(), understand("not brigth").remarks
        ('not brigth: low brightness', ('brigth: read as bright',))
    """
    words = lexicon().read(text)
    if shelf is not None:
        words = [_as_name(word, Standing.of(shelf)) if word.mended else word for word in words]
    kept, denied = _names_denied(words)
    parser = _Parser(kept)
    asked = parser.whole()
    unknown = [word.typed for word in words if word.concept is None]
    mended = [f"{word.typed}: read as {word.base}" for word in words if word.mended]
    remarks = dict.fromkeys([*mended, *parser.contradictions])
    return Meaning(
        asked,
        tuple(dict.fromkeys(unknown)),
        tuple(remarks),
        empty=not words,
        denied=tuple(dict.fromkeys(denied)),
        guessed=tuple(dict.fromkeys(_alone_in_language(words))),
    )


def _as_name(word: Word, standing: Standing) -> Word:
    """The word as nobody knows it, if it stands in a name; else itself."""
    wanted = fold(word.typed)
    return Word(word.typed, None, wanted) if standing.has_word(wanted).any() else word


def _names_denied(words: Sequence[Word]) -> tuple[list[Word], list[str]]:
    """All other words, and unknown words that are denied, as they were typed."""
    kept: list[Word] = []
    denied: list[str] = []
    for word in words:
        if word.is_a("grammar", "filler"):
            continue
        before = kept[-1] if kept else None
        if before and word.concept is None and (before.is_a("grammar", "not") or before.is_a("grammar", "without")):
            kept.pop()
            denied.append(word.typed)
        elif before and before.concept is None and word.is_a("grammar", "none"):
            kept.pop()
            denied.append(before.typed)
        else:
            kept.append(word)
    return kept, denied


def _alone_in_language(words: Sequence[Word]) -> list[str]:
    """Words as they were typed that are of a language beside English which no other word is of."""
    spoken = Counter(word.language for word in words)
    alone = {language for language in ("de", "fr", "es") if spoken[language] == 1}
    return [word.typed for word in words if word.language in alone and not word.mended and not word.is_a("grammar")]


class _Parser:
    """Reads words by recursive descent."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.contradictions: list[str] = []
        self._words = [word for word in words if word.concept is not None]
        self._place = 0
        self._depth = 0

    def whole(self) -> Wish | None:
        """Returns everything that is asked for."""
        asked = self._clauses()
        if self._at("mark", "close"):
            raise OptionError("a parenthesis closes that was never opened")
        return asked

    def _at(self, kind: str, *names: str) -> bool:
        """Whether the next word is of a kind, and of one of some entries if any are named."""
        if self._place >= len(self._words):
            return False
        word = self._words[self._place]
        return word.is_a(kind) and (not names or any(word.is_a(kind, name) for name in names))

    def _take(self) -> Word:
        self._place += 1
        return self._words[self._place - 1]

    def _ended(self) -> bool:
        return self._place >= len(self._words) or self._at("mark", "close")

    def _clauses(self) -> Wish | None:
        """Clauses that commas divide."""
        found: list[Wish] = []
        while not self._ended():
            if self._at("mark", "break"):
                self._take()
                continue
            clause = self._alternatives()
            # "strings, brass or flute" is one list
            if isinstance(clause, OneOf) and found and _all_roles((found[-1], *clause.parts)):
                clause = OneOf((found.pop(), *clause.parts))
            if clause is not None:
                found.append(clause)
        return self._together(found)

    def _alternatives(self) -> Wish | None:
        found = [self._sequence()]
        while self._at("grammar", "or"):
            self._take()
            found.append(self._sequence())
        parts = [part for part in found if part is not None]
        if len(parts) < 2:
            return next(iter(parts), None)
        # "bright or metallic bell": both are bells
        last = parts[-1].parts if isinstance(parts[-1], Everything) else (parts[-1],)
        roles = [part for part in last if isinstance(part, Role)]
        others = [part for part in last if not isinstance(part, Role)]
        if roles and others and not any(isinstance(leaf, Role) for leaf in leaves(OneOf(tuple(parts[:-1])))):
            parts[-1] = self._together(others) or parts[-1]
            return self._together([OneOf(tuple(parts)), *roles])
        return OneOf(tuple(parts))

    def _sequence(self) -> Wish | None:
        """All between two commas or ors."""
        found: list[Wish] = []
        while not (self._ended() or self._at("mark", "break") or self._at("grammar", "or")):
            part = self._unit()
            if part is not None:
                found.append(part)
        return self._together(found)

    def _unit(self) -> Wish | None:
        """One thing that is asked for or denied; None for a word that says nothing here."""
        if self._ended() or self._at("mark", "break") or self._at("grammar", "or"):
            return None
        if self._at("grammar", "and", "but", "none"):
            self._take()
            return None
        if self._at("grammar", "not", "without"):
            without = self._take().is_a("grammar", "without")
            return self._denied(self._after_not(without=without))
        found = self._group() if self._at("mark", "open") else self._leaf()
        if found is not None and self._at("grammar", "none"):
            self._take()
            return self._denied(found)
        return found

    def _after_not(self, *, without: bool) -> Wish | None:
        """What is denied: of "without noise or vibrato" both."""
        while self._at("grammar", "and", "but"):
            self._take()
        first = self._unit()
        found = [] if first is None else [first]
        while without and self._at("grammar", "or", "and"):
            before = self._place
            self._take()
            if not (self._at("noun") or self._at("size")):
                self._place = before
                break
            more = self._leaf()
            found += [] if more is None else [more]
        return OneOf(tuple(found)) if len(found) > 1 else first

    def _denied(self, part: Wish | None) -> Wish | None:
        if isinstance(part, Quality):
            return replace(part, denied=not part.denied)
        if isinstance(part, OneOf):
            denied = [self._denied(each) for each in part.parts]
            return Everything(tuple(each for each in denied if each is not None))
        if isinstance(part, Neither):
            return part.part
        return None if part is None else Neither(part)

    def _group(self) -> Wish | None:
        self._take()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise OptionError(f"more than {_DEEPEST} parentheses within each other are not read")
        found = self._clauses()
        if not self._at("mark", "close"):
            raise OptionError("a parenthesis opens and never closes")
        self._take()
        self._depth -= 1
        return found

    def _leaf(self) -> Wish | None:
        """A quality with its degrees, a noun with its size, roles, or a name."""
        said: list[Word] = []
        factor = 1.0
        while self._at("degree"):
            said.append(self._take())
            factor = said[-1].concept.factor if said[-1].concept else factor
        if self._at("role"):
            return self._roles()
        if not (self._at("quality") or self._at("noun") or self._at("size")):
            return self._name() if not said or not self._ended() else None
        first = self._take()
        said.append(first)
        sized = first.is_a("size") and (self._at("noun") or (not _means(first) and self._at("quality")))
        beside = self._take() if sized or (first.is_a("noun") and self._at("size")) else None
        means, denied = _joined(first, beside)
        if beside is not None:
            said = [beside] if denied else [*said, beside]
        base = " ".join(word.base for word in said if not word.is_a("degree"))
        return Quality(" ".join(word.typed for word in said), means, factor, denied, base) if means else None

    def _name(self) -> Wish | None:
        if not (self._at("mark", "quoted") or self._at("unmeasured")):
            if not self._ended() and not self._at("mark", "break") and not self._at("grammar"):
                self._take()
            return None
        word = self._take()
        return Called(word.typed, word.base, word.is_a("mark", "quoted")) if word.base else None

    def _roles(self) -> Wish | None:
        """Roles side by side: one of them says what it is, the others what it is like."""
        words: list[Word] = []
        while self._at("role"):
            words.append(self._take())
        place = 0 if words[0].language in _HEAD_FIRST else len(words) - 1
        found: list[Wish] = []
        for number, word in enumerate(words):
            assert word.concept is not None
            beside = number != place and _categories(word) != _categories(words[place])
            found.append(Role(word.typed, word.base, word.concept, beside=beside))
        return found[0] if len(found) == 1 else Everything(tuple(found))

    def _together(self, parts: Sequence[Wish]) -> Wish | None:
        """All parts at once: roles that exclude each other become alternatives, contradictions are said."""
        flat: list[Wish] = []
        for part in parts:
            flat += part.parts if isinstance(part, Everything) else [part]
        flat = _either_role(flat)
        flat = self._without_opposites(flat)
        settled: set[str] = set()
        for quality in (part for part in flat if isinstance(part, Quality)):
            settled |= set(quality.main)
        flat = [replace(part, settled=frozenset(settled)) if isinstance(part, Role) else part for part in flat]
        return Everything(tuple(flat)) if len(flat) > 1 else next(iter(flat), None)

    def _without_opposites(self, parts: Sequence[Wish]) -> list[Wish]:
        """The same parts, but what is neither of two opposites is in the middle."""
        found = list(parts)
        qualities = [part for part in parts if isinstance(part, Quality)]
        for place, one in enumerate(qualities):
            for other in qualities[place + 1 :]:
                opposite = [name for name, sign in one.main.items() if other.main.get(name) == -sign]
                if not opposite:
                    continue
                if one.denied and other.denied and one in found and other in found:
                    found[found.index(one)] = Middle(f"not {one.said}, not {other.said}", opposite[0])
                    found.remove(other)
                elif not (one.denied and other.denied):
                    names = [f"not {each.said}" if each.denied else each.said for each in (one, other)]
                    self.contradictions.append(f"{names[0]} and {names[1]}: both cannot be")
        roles = [part for part in parts if isinstance(part, Role)]
        for part in parts:
            if isinstance(part, Neither) and isinstance(part.part, Role):
                for role in roles:
                    if set(role.concept.categories) <= set(part.part.concept.categories):
                        self.contradictions.append(f"{role.said} and not {part.part.said}: both cannot be")
        return found


def _categories(word: Word) -> tuple[str, ...]:
    return word.concept.categories if word.concept else ()


def _means(word: Word) -> dict[str, float]:
    return dict(word.concept.means) if word.concept else {}


def _joined(first: Word, beside: Word | None) -> tuple[dict[str, float], bool]:
    """What a word means with the noun, size or quality beside it, and whether it is denied."""
    assert first.concept is not None
    if beside is None or beside.concept is None:
        alone = first.concept.alone if first.is_a("noun") else first.concept.means
        return dict(alone), False
    if beside.is_a("quality"):  # "less bright"
        return _means(beside), first.concept.sign < 0
    size, noun = (first, beside) if first.is_a("size") else (beside, first)
    sign = size.concept.sign if size.concept else 1
    return {name: sign * weight for name, weight in _means(noun).items()}, False


def _all_roles(parts: Sequence[Wish]) -> bool:
    return all(isinstance(part, Role) for part in parts)


def _either_role(parts: Sequence[Wish]) -> list[Wish]:
    """The same parts; of roles that no preset has at once, "strings and brass", one is enough."""
    roles = [part for part in parts if isinstance(part, Role) and not part.beside]
    if len({role.concept.categories for role in roles}) == 1 or not roles:
        return list(parts)
    first = parts.index(roles[0])
    others = [part for part in parts if part not in roles]
    return [*others[:first], OneOf(tuple(roles)), *others[first:]]
