"""What words ask of presets, and how far each preset of a shelf fits: by rank within its synth, category and name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .lexicon import Concept
from .standing import Standing

__all__ = [
    "Called",
    "Everything",
    "Middle",
    "Neither",
    "OneOf",
    "Quality",
    "Role",
    "Weighted",
    "Wish",
    "leaves",
    "mean_fit",
]

_OTHER = 0.02  # fit of a preset whose name does not have a word that nothing measures
_ROLE = 5.0  # what a category weighs, where the main part of a quality is 1
_MAIN = 0.8  # of its largest part: what a quality mainly is, and what is denied of it
_BESIDE = 0.3  # the same of a role that says more about another: "bell pad"
_USUAL = 0.05  # the same of what is usual for a role
_NAME = 0.2  # the same of a word of the role in the name, and of one that nothing measures
_NOT_SO_CALLED = 0.5  # fit of a preset of the category whose name does not have the word
_NEEDED = 3.0  # what a quoted word weighs
_NOT_AT_ALL = 1e-6  # fit of a preset that does not have it
_BUT = 0.7  # rank below which a preset does not have what is asked for
_UNLIKE = 0.2  # likelihood below which a preset does not sound like an instrument
_ALMOST = -1e-6  # logarithm of a fit that leaves something to be lacked
_SAID = {"attack": ("fast attack", "slow attack"), "length": ("short", "long")}


Weighted = list[tuple[float, np.ndarray]]
"""Weights, and logarithms of fits, shape `(N,)` each."""


def mean_fit(weighted: Weighted) -> np.ndarray:
    """Returns the mean of logarithms with weights, shape `(N,)`: what lacks one thing is not saved by another."""
    total = sum(weight for weight, _ in weighted)
    return sum((weight / total) * logarithm for weight, logarithm in weighted) + np.zeros(())


@dataclass(frozen=True)
class Quality:
    """A quality, such as "very bright" or "slow attack".

    Args:
        said: As it was typed.
        means: By attribute of `MEASURES`, how much of it, -1 to 1.
        factor: 1.5 for very, 0.5 for slightly.
        denied: Whether it must not be so.
        base: How the lexicon spells it: names of presets may say it as well.
    """

    said: str
    means: Mapping[str, float]
    factor: float = 1.0
    denied: bool = False
    base: str = ""

    @property
    def main(self) -> dict[str, float]:
        """What it mainly is: the sign of each attribute, the other one where it is denied."""
        most = max(map(abs, self.means.values()))
        signs = {name: float(np.sign(weight)) for name, weight in self.means.items() if abs(weight) >= _MAIN * most}
        return {name: -sign if self.denied else sign for name, sign in signs.items()}

    def text(self) -> str:
        """Returns what it means, in words."""
        if self.denied:
            return f"not {self.said}: {' or '.join(_amount_text(name, sign) for name, sign in self.main.items())}"
        parts = [_amount_text(name, weight, self.factor) for name, weight in self.means.items()]
        return f"{self.said}: {', '.join(parts)}"

    def weighted(self, standing: Standing) -> Weighted:
        """Returns fits with weights."""
        return _alike_once([self], standing)

    def excludes(self, standing: Standing) -> np.ndarray:
        """Returns which presets are no hits for certain, bool, shape `(N,)`: none, since all are more or less so."""
        return np.zeros(len(standing), bool)

    def reason(self, standing: Standing, row: int) -> str:
        """Returns how a preset fits or does not, in words."""
        ranks = [standing.along(name, sign, row) for name, sign in self.main.items()]
        places = "; ".join(standing.place_text(name, row) for name in self.main)
        if self.denied:
            return f"not {self.said} ({'but ' if max(ranks) < 0.5 else ''}{places})"
        called = ", so called" if self.base and standing.has_word(self.base)[row] else ""
        return f"{self.said} ({'but ' if min(ranks) < _BUT else ''}{places}{called})"


def _alike_once(qualities: Sequence[Quality], standing: Standing) -> Weighted:
    """Fits of qualities with weights; what several ask for alike counts once: "warm" and "dark" are one wish."""
    found: Weighted = []
    wanted: dict[tuple[str, float], tuple[float, float]] = {}
    words: dict[tuple[str, float], list[str]] = {}
    for quality in qualities:
        main = quality.main
        if quality.denied and len(main) > 1:
            # to lack one of what makes it up is enough
            found.append((1.0, np.max([standing.attribute(name, sign) for name, sign in main.items()], axis=0)))
            continue
        for name, amount in (main if quality.denied else quality.means).items():
            alike = name, float(np.sign(amount))
            weight, factor = wanted.get(alike, (0.0, 0.0))
            wanted[alike] = max(weight, abs(amount)), max(factor, quality.factor)
            words.setdefault(alike, [])
            if quality.base and not quality.denied:
                words[alike].append(quality.base)
    for (name, sign), (weight, factor) in wanted.items():
        found.append((weight, standing.attribute(name, sign, factor, tuple(words[name, sign]))))
    return found


@dataclass(frozen=True)
class Middle:
    """Neither of two opposites, such as "not bright, not dark"."""

    said: str
    attribute: str

    def text(self) -> str:
        """Returns what it means, in words."""
        return f"{self.said}: medium {self.attribute}"

    def weighted(self, standing: Standing) -> Weighted:
        """Returns fits with weights."""
        return [(1.0, standing.middle(self.attribute))]

    def excludes(self, standing: Standing) -> np.ndarray:
        """Returns which presets are no hits for certain: none."""
        return np.zeros(len(standing), bool)

    def reason(self, standing: Standing, row: int) -> str:
        """Returns how a preset fits or does not, in words."""
        far = abs(standing.along(self.attribute, 1.0, row) - 0.5) > _BUT - 0.5
        return f"{self.said} ({'but ' if far else ''}{standing.place_text(self.attribute, row)})"


@dataclass(frozen=True)
class Role:
    """What instrument it is.

    Args:
        said: As it was typed.
        base: How the lexicon spells it.
        concept: Of the lexicon.
        beside: Whether it only says more of another role: the bell of "bell pad".
        settled: Attributes that other words say something of, so that what is usual does not matter.
    """

    said: str
    base: str
    concept: Concept
    beside: bool = False
    settled: frozenset[str] = frozenset()

    @property
    def _usual(self) -> dict[str, float]:
        return {name: weight for name, weight in self.concept.means.items() if name not in self.settled}

    def text(self) -> str:
        """Returns what it means, in words."""
        usual = [_amount_text(name, float(np.sign(weight))) for name, weight in self._usual.items()]
        called = {category.casefold().removesuffix("s") for category in self.concept.categories}
        told = self.said.removesuffix("s") in called and usual
        return f"{self.said}: {', '.join([*([] if told else [self.categories]), *usual])}"

    @property
    def categories(self) -> str:
        """Those it may be of, in words."""
        return " or ".join(self.concept.categories)

    def weighted(self, standing: Standing) -> Weighted:
        """Returns fits with weights."""
        category = standing.category(self.concept.categories)
        called = standing.called(self.base, _NOT_SO_CALLED)
        if self.beside:
            return [(_BESIDE, np.maximum(category, called))]
        usual = [(_USUAL * abs(sign), standing.attribute(name, sign)) for name, sign in self._usual.items()]
        return [(_ROLE, category), *usual, (_NAME, called)]

    def ruled_out(self, standing: Standing) -> Weighted:
        """Returns how far presets are anything else."""
        category = standing.category(self.concept.categories)
        return [(_ROLE, np.log1p(-np.exp(np.minimum(category, _ALMOST))))]

    def excludes(self, standing: Standing) -> np.ndarray:
        """Returns which presets are no hits for certain: none, since names are not always right."""
        return np.zeros(len(standing), bool)

    def reason(self, standing: Standing, row: int) -> str:
        """Returns how a preset fits or does not, in words."""
        there = standing.named[row]
        if set(there) & set(self.concept.categories):
            return f"{self.said} (called {' and '.join(there)})"
        if there:
            return f"{self.said} (but called {' and '.join(there)})"
        likely = standing.likelihood(self.concept.categories)[row]
        return f"{self.said} ({'but hardly ' if likely < _UNLIKE else ''}sounds like one: {likely:.0%})"


@dataclass(frozen=True)
class Called:
    """A text that a name or label has to hold; or a word that nothing measures, which it had better hold."""

    said: str
    base: str
    needed: bool

    def text(self) -> str:
        """Returns what it means, in words."""
        return f'called "{self.said}"' if self.needed else f"{self.said}: not measured, so looked for in names"

    def weighted(self, standing: Standing) -> Weighted:
        """Returns fits with weights."""
        if self.needed:
            return [(_NEEDED, standing.called(self.base, _NOT_AT_ALL))]
        return [(_NAME, standing.called(self.base, _OTHER))]

    def excludes(self, standing: Standing) -> np.ndarray:
        """Returns which presets are no hits for certain: those that have not what is quoted, bool, shape `(N,)`."""
        return ~standing.holding(self.base) if self.needed else np.zeros(len(standing), bool)

    def reason(self, standing: Standing, row: int) -> str:
        """Returns how a preset fits or does not, in words."""
        return f'{"" if self.base in standing.texts[row] else "but not "}called "{self.said}"'


@dataclass(frozen=True)
class Everything:
    """All of some parts."""

    parts: tuple["Wish", ...]

    def text(self) -> str:
        """Returns what it means, in words."""
        return "; ".join(part.text() for part in self.parts)

    def weighted(self, standing: Standing) -> Weighted:
        """Returns fits with weights."""
        found = _alike_once([part for part in self.parts if isinstance(part, Quality)], standing)
        for part in self.parts:
            found += [] if isinstance(part, Quality) else part.weighted(standing)
        return found

    def excludes(self, standing: Standing) -> np.ndarray:
        """Returns which presets are no hits for certain, bool, shape `(N,)`."""
        return np.any([part.excludes(standing) for part in self.parts], axis=0)


@dataclass(frozen=True)
class OneOf:
    """One of some parts."""

    parts: tuple["Wish", ...]

    def text(self) -> str:
        """Returns what it means, in words."""
        return " or ".join(f"({part.text()})" for part in self.parts)

    def weighted(self, standing: Standing) -> Weighted:
        """Returns fits with weights."""
        weighted = [part.weighted(standing) for part in self.parts]
        weights = [sum(next(zip(*each, strict=True))) for each in weighted]
        return [(max(weights), np.max([mean_fit(each) for each in weighted], axis=0))]

    def excludes(self, standing: Standing) -> np.ndarray:
        """Returns which presets are no hits for certain, bool, shape `(N,)`."""
        return np.all([part.excludes(standing) for part in self.parts], axis=0)


@dataclass(frozen=True)
class Neither:
    """Not what a part asks for."""

    part: "Wish"

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

    def excludes(self, standing: Standing) -> np.ndarray:
        """Returns which presets are no hits for certain: those that are called what is denied, bool, shape `(N,)`."""
        match self.part:
            case Role():
                return standing.of_category(self.part.concept.categories)
            case Called():
                return standing.holding(self.part.base)
            case _:
                return np.zeros(len(standing), bool)


Wish = Quality | Middle | Role | Called | Everything | OneOf | Neither
"""A part of what is asked for."""


def leaves(node: Wish) -> Iterator[Quality | Middle | Role | Called]:
    """Yields all that is asked for below a part, but for what is ruled out."""
    if isinstance(node, Everything | OneOf):
        for part in node.parts:
            yield from leaves(part)
    elif not isinstance(node, Neither):
        yield node


def _amount_text(name: str, weight: float, factor: float = 1.0) -> str:
    """An amount of an attribute, such as "low brightness" or "slow attack"."""
    said = _SAID.get(name, (f"low {name}", f"high {name}"))[int(weight > 0)]
    if factor > 1:
        return f"very {said}"
    return f"rather {said}" if factor < 1 or abs(weight) < _MAIN else said
