"""What a text asks of presets: qualities, roles and names, with and, or and not, read with the lexicon."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OptionError
from .lexicon import Word, lexicon
from .wishes import Called, Middle, Quality, Role, Standing, Weighted, mean_fit

if TYPE_CHECKING:
    from .shelf import Shelf

__all__ = ["Everything", "Meaning", "Neither", "OneOf", "understand"]

_DEEPEST = 20  # parentheses within each other
_ALMOST = -1e-6  # logarithm of a fit that leaves something to be lacked
_HEAD_FIRST = ("fr", "es")  # languages in which the first of two nouns says what it is


@dataclass(frozen=True)
class Everything:
    """All of some parts."""

    parts: tuple["_Node", ...]

    def text(self) -> str:
        """Returns what it means, in words."""
        return "; ".join(part.text() for part in self.parts)

    def weighted(self, standing: Standing) -> Weighted:
        """Returns fits with weights."""
        found: Weighted = []
        for part in self.parts:
            found += part.weighted(standing)
        return found


@dataclass(frozen=True)
class OneOf:
    """One of some parts."""

    parts: tuple["_Node", ...]

    def text(self) -> str:
        """Returns what it means, in words."""
        return " or ".join(f"({part.text()})" for part in self.parts)

    def weighted(self, standing: Standing) -> Weighted:
        """Returns fits with weights."""
        weighted = [part.weighted(standing) for part in self.parts]
        weights = [sum(next(zip(*each, strict=True))) for each in weighted]
        return [(max(weights), np.max([mean_fit(each) for each in weighted], axis=0))]


@dataclass(frozen=True)
class Neither:
    """Not what a part asks for."""

    part: "_Node"

    def text(self) -> str:
        """Returns what it means, in words."""
        if isinstance(self.part, Role):
            return f"not {self.part.said}: no {self.part.categories}"
        return f"not ({self.part.text()})"

    def weighted(self, standing: Standing) -> Weighted:
        """Returns fits with weights."""
        if isinstance(self.part, Role):
            return self.part.ruled_out(standing)
        fit = np.exp(np.minimum(mean_fit(self.part.weighted(standing)), _ALMOST))
        return [(1.0, np.log1p(-fit))]


_Node = Quality | Middle | Role | Called | Everything | OneOf | Neither
"""A part of what is asked for."""


def _leaves(node: _Node) -> Iterator[Quality | Middle | Role | Called]:
    """Yields all that is asked for below a part, but for what is ruled out."""
    if isinstance(node, Everything | OneOf):
        for part in node.parts:
            yield from _leaves(part)
    elif not isinstance(node, Neither):
        yield node


@dataclass(frozen=True)
class Meaning:
    """What was understood of a text.

    Args:
        asked: Everything that is asked for; None if nothing was understood.
        unknown: Words that nobody knows, as they were typed.
        remarks: A line for each word that was mended and for each contradiction.
        empty: Whether nothing was asked for.
    """

    asked: _Node | None
    unknown: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    empty: bool = False

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

    def reasons(self, shelf: "Shelf", index: int) -> str:
        """Returns why the preset in a row of a shelf fits, or how it does not, in one line."""
        if self.asked is None:
            return ""
        standing = Standing.of(shelf)
        if not np.isfinite(standing.ranks[index]).all():
            return "silent, or nobody has measured it"
        return ", ".join(leaf.reason(standing, index) for leaf in _leaves(self.asked))

    def qualities(self) -> list[Quality]:
        """Returns the qualities that are asked for, in order."""
        return [] if self.asked is None else [leaf for leaf in _leaves(self.asked) if isinstance(leaf, Quality)]


def understand(text: str) -> Meaning:
    """Returns what a text asks of presets, in English, German, Japanese, French or Spanish.

    Words side by side, and, but, and commas ask for all; or and a stroke for one of them; not, without and their like
    deny what follows (in Japanese what comes before), parentheses group, and what is quoted has to be in a name or
    label. Commas divide furthest, then or, then and.

    Raises:
        OptionError: If there are too many words, or parentheses do not close or are too deep.

    Example:
        >>> understand("not brigth").text(), understand("not brigth").remarks
        ('not brigth: low brightness', ('brigth: read as bright',))
    """
    words = lexicon().read(text)
    parser = _Parser(words)
    asked = parser.whole()
    unknown = [word.typed for word in words if word.concept is None]
    mended = [f"{word.typed}: read as {word.base}" for word in words if word.mended]
    remarks = dict.fromkeys([*mended, *parser.contradictions])
    return Meaning(asked, tuple(dict.fromkeys(unknown)), tuple(remarks), empty=not words)


class _Parser:
    """Reads words by recursive descent."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.contradictions: list[str] = []
        self._words = [word for word in words if word.concept is not None and not word.is_a("grammar", "filler")]
        self._place = 0
        self._depth = 0

    def whole(self) -> _Node | None:
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

    def _clauses(self) -> _Node | None:
        """Clauses that commas divide."""
        found: list[_Node] = []
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

    def _alternatives(self) -> _Node | None:
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
        if roles and others and not any(isinstance(leaf, Role) for leaf in _leaves(OneOf(tuple(parts[:-1])))):
            parts[-1] = self._together(others) or parts[-1]
            return self._together([OneOf(tuple(parts)), *roles])
        return OneOf(tuple(parts))

    def _sequence(self) -> _Node | None:
        """All between two commas or ors."""
        found: list[_Node] = []
        while not (self._ended() or self._at("mark", "break") or self._at("grammar", "or")):
            part = self._unit()
            if part is not None:
                found.append(part)
        return self._together(found)

    def _unit(self) -> _Node | None:
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

    def _after_not(self, *, without: bool) -> _Node | None:
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

    def _denied(self, part: _Node | None) -> _Node | None:
        if isinstance(part, Quality):
            return replace(part, denied=not part.denied)
        if isinstance(part, OneOf):
            denied = [self._denied(each) for each in part.parts]
            return Everything(tuple(each for each in denied if each is not None))
        if isinstance(part, Neither):
            return part.part
        return None if part is None else Neither(part)

    def _group(self) -> _Node | None:
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

    def _leaf(self) -> _Node | None:
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
        return Quality(" ".join(word.typed for word in said), means, factor, denied) if means else None

    def _name(self) -> _Node | None:
        if not (self._at("mark", "quoted") or self._at("unmeasured")):
            if not self._ended() and not self._at("mark", "break") and not self._at("grammar"):
                self._take()
            return None
        word = self._take()
        return Called(word.typed, word.base, word.is_a("mark", "quoted")) if word.base else None

    def _roles(self) -> _Node | None:
        """Roles side by side: one of them says what it is, the others what it is like."""
        words: list[Word] = []
        while self._at("role"):
            words.append(self._take())
        place = 0 if words[0].language in _HEAD_FIRST else len(words) - 1
        found: list[_Node] = []
        for number, word in enumerate(words):
            assert word.concept is not None
            beside = number != place and _categories(word) != _categories(words[place])
            found.append(Role(word.typed, word.base, word.concept, beside=beside))
        return found[0] if len(found) == 1 else Everything(tuple(found))

    def _together(self, parts: Sequence[_Node]) -> _Node | None:
        """All parts at once: roles that exclude each other become alternatives, contradictions are said."""
        flat: list[_Node] = []
        for part in parts:
            flat += part.parts if isinstance(part, Everything) else [part]
        flat = _either_role(flat)
        flat = self._without_opposites(flat)
        settled: set[str] = set()
        for quality in (part for part in flat if isinstance(part, Quality)):
            settled |= set(quality.main)
        flat = [replace(part, settled=frozenset(settled)) if isinstance(part, Role) else part for part in flat]
        return Everything(tuple(flat)) if len(flat) > 1 else next(iter(flat), None)

    def _without_opposites(self, parts: Sequence[_Node]) -> list[_Node]:
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


def _all_roles(parts: Sequence[_Node]) -> bool:
    return all(isinstance(part, Role) for part in parts)


def _either_role(parts: Sequence[_Node]) -> list[_Node]:
    """The same parts; of roles that no preset has at once, "strings and brass", one is enough."""
    roles = [part for part in parts if isinstance(part, Role) and not part.beside]
    if len({role.concept.categories for role in roles}) == 1 or not roles:
        return list(parts)
    first = parts.index(roles[0])
    others = [part for part in parts if part not in roles]
    return [*others[:first], OneOf(tuple(roles)), *others[first:]]
