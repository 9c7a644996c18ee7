"""What words ask of presets, and how far each preset of a shelf fits: by rank within its synth, category and name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy.special import log_expit, ndtri, softmax
from scipy.stats import rankdata

from ..ear import MEASURES
from ..parsing import damage_named, json_value
from ..presets import Entry
from ..presets.preset_names import CATEGORIES, category_from_name
from ..storage import read_bytes
from .lexicon import Concept, fold, lexicon

if TYPE_CHECKING:
    from .shelf import Shelf

__all__ = ["COLUMNS", "Called", "Middle", "Quality", "Role", "Standing", "Weighted", "mean_fit", "ranks_within"]

COLUMNS = {attribute.name: column for column, attribute in enumerate(MEASURES)}
"""The column of each of `MEASURES` by its name."""

_FILE = Path(__file__).absolute().parent / "profiles.json"
_LARGEST = 2**20  # bytes
_EDGE = 0.9  # rank at which a preset has half of what is asked for
_WIDTH = 0.02  # of the passage, in ranks
_FURTHER = 0.06  # ranks to the edge of twice as much
_LESS_FAR = 0.4  # ranks to the edge of nothing of it
_MIDDLE = 0.15  # half the width of what is neither much nor little, in ranks
_HEARD = 0.3  # fit of a preset without a category that sounds just like one
_OTHER = 0.02  # fit of a preset that is called something else
_ONE_OF_SEVERAL = 0.9  # fit of a preset that is called something else as well
_ROLE = 5.0  # what a category weighs, where the main part of a quality is 1
_MAIN = 0.8  # of its largest part: what a quality mainly is, and what is denied of it
_BESIDE = 0.3  # the same of a role that says more about another: "bell pad"
_USUAL = 0.05  # the same of what is usual for a role
_NAME = 0.2  # the same of a word of the role in the name, and of one that nothing measures
_NOT_SO_CALLED = 0.5  # fit of a preset of the category whose name does not have the word
_NEEDED = 3.0  # what a quoted word weighs
_NOT_AT_ALL = 1e-6  # fit of a preset that does not have it
_LEAST = -14.0  # logarithm of a fit below which nothing differs
_ALMOST = -1e-6  # logarithm of a fit that leaves something to be lacked
_MOST_KEPT = 64  # of what was compared before
_SAID = {"attack": ("fast attack", "slow attack"), "length": ("short", "long")}


class _Profiles:
    """How presets of each category usually sound, as `benchmarks/words.py` wrote it: normal scores of ranks."""

    def __init__(self, content: dict[str, Any]) -> None:
        if content["attributes"] != list(COLUMNS):
            raise ValueError("its attributes are not those that are measured")
        self._mean = np.array([content["categories"][name]["mean"] for name in CATEGORIES], float)
        covariance = np.array([content["categories"][name]["covariance"] for name in CATEGORIES], float)
        if set(content["categories"]) != set(CATEGORIES) or not np.isfinite(covariance).all():
            raise ValueError("its categories are not those of names")
        self._precision = np.linalg.inv(covariance)
        self._volume = np.linalg.slogdet(covariance)[1]

    def likely(self, scores: np.ndarray) -> np.ndarray:
        """Returns how likely each category is, shape `(N, C)`, by normal scores, shape `(N, M)`."""
        near = np.empty((len(scores), len(CATEGORIES)))
        for column, (mean, precision) in enumerate(zip(self._mean, self._precision, strict=True)):
            away = scores - mean
            near[:, column] = ((away @ precision) * away).sum(1) + self._volume[column]
        return softmax(np.nan_to_num(-0.5 * near), axis=1)


@cache
def _profiles() -> _Profiles:
    with damage_named(_FILE, is_what="not profiles of categories"):
        return _Profiles(json_value(read_bytes(_FILE, _LARGEST)))


def ranks_within(measures: np.ndarray, synths: Sequence[str], ties: str = "average") -> np.ndarray:
    """Returns the share of presets of the same synth that have less of each attribute, 0 to 1, shape `(N, M)`.

    Args:
        measures: Shape `(N, M)`; a row with NaN is a silent preset, whose ranks are NaN.
        synths: Of each preset.
        ties: Whether presets that are alike are in the `"average"` of their places, or in the first (`"min"`) or last
            (`"max"`) of them: many have the shortest attack there is, and all of these have the fastest.

    Example:
        >>> ranks_within(np.array([[3.0], [1.0], [2.0], [np.nan], [9.0]]), ["a", "a", "a", "a", "b"])[:, 0].round(2)
        array([0.83, 0.17, 0.5 ,  nan, 0.5 ])
    """
    found = np.full(measures.shape, np.nan)
    names = np.asarray(synths)
    heard = np.isfinite(measures).all(1)
    for synth in dict.fromkeys(synths):
        rows = np.flatnonzero((names == synth) & heard)
        if len(rows):
            found[rows] = (rankdata(measures[rows], ties, axis=0) - 0.5) / len(rows)
    return found


class Standing:
    """What words are compared with, of every preset of a shelf.

    Args:
        shelf: The presets.

    Attributes:
        ranks: See `ranks_within`, shape `(N, M)`.
        named: The categories that names and labels say of each preset.
        texts: Names, tags, categories and authors of each, folded.
    """

    def __init__(self, shelf: "Shelf") -> None:
        entries: Sequence[Entry] = shelf.entries
        self._measures = np.asarray(shelf.measures, float)
        synths = [entry.synth for entry in entries]
        self.ranks = ranks_within(self._measures, synths)
        self._lowest = ranks_within(self._measures, synths, "min")
        self._highest = ranks_within(self._measures, synths, "max")
        self._likely = _profiles().likely(ndtri(self.ranks))
        self.named = [_categories(entry) for entry in entries]
        self._called = np.zeros((len(entries), len(CATEGORIES)), bool)
        for row, named in enumerate(self.named):
            self._called[row, [CATEGORIES.index(category) for category in named]] = True
        self.texts = [_text(entry) for entry in entries]
        self._silent = ~np.isfinite(self.ranks).all(1)
        self._made: dict[tuple[Any, ...], np.ndarray] = {}

    @classmethod
    def of(cls, shelf: "Shelf") -> "Standing":
        """Returns that of a shelf, made once."""
        if shelf not in _known:
            _known[shelf] = cls(shelf)
        return _known[shelf]

    def __len__(self) -> int:
        return len(self.texts)

    def attribute(self, name: str, sign: float, factor: float = 1.0) -> np.ndarray:
        """Returns how far presets have much of an attribute, or little, as a logarithm, shape `(N,)`.

        Args:
            name: One of `MEASURES`.
            sign: 1 for much, -1 for little.
            factor: 1.5 for very, 0.5 for slightly: how much further or less far than the edge of the last fifth.
        """
        along = (self._highest if sign > 0 else 1.0 - self._lowest)[:, COLUMNS[name]]
        edge = _EDGE + (factor - 1.0) * (_FURTHER if factor > 1 else _LESS_FAR)
        return self._kept(("attribute", name, sign > 0, factor), lambda: log_expit((along - edge) / _WIDTH))

    def middle(self, name: str) -> np.ndarray:
        """Returns how far presets have neither much nor little of an attribute, as a logarithm, shape `(N,)`."""
        away = np.abs(self.ranks[:, COLUMNS[name]] - 0.5)
        return self._kept(("middle", name), lambda: log_expit((_MIDDLE - away) / _WIDTH))

    def category(self, categories: Sequence[str]) -> np.ndarray:
        """Returns how far presets are of one of some categories, as a logarithm, shape `(N,)`.

        Names and labels decide. A preset without any is as near as it sounds.
        """

        def fits() -> np.ndarray:
            found = np.log(_OTHER + (_HEARD - _OTHER) * self.likelihood(categories))
            several = self._called.sum(1)
            of_these = self._called[:, [CATEGORIES.index(category) for category in categories]].any(1)
            found[several > 0] = np.log(_OTHER)
            found[of_these] = 0.0
            found[of_these & (several > 1)] = np.log(_ONE_OF_SEVERAL)
            return found

        return self._kept(("category", *categories), fits)

    def called(self, text: str, without: float) -> np.ndarray:
        """Returns whether names, tags, categories or authors hold a text, as a logarithm, shape `(N,)`.

        The text is folded; `without` is the fit of a preset that does not.
        """

        def fits() -> np.ndarray:
            holds = np.fromiter((text in held for held in self.texts), bool, len(self.texts))
            return np.where(holds, 0.0, np.log(without))

        return self._kept(("called", text, without), fits)

    def _kept(self, key: tuple[Any, ...], make: Callable[[], np.ndarray]) -> np.ndarray:
        """What was made before, or is made now; least where a preset is silent."""
        if key not in self._made:
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            made = make()
            self._made[key] = np.where(self._silent, _LEAST, np.maximum(made, _LEAST)).astype(np.float32)
        return self._made[key]

    def likelihood(self, categories: Sequence[str]) -> np.ndarray:
        """Returns how likely presets are of one of some categories by what is measured, shape `(N,)`."""
        columns = [CATEGORIES.index(category) for category in categories]
        return self._likely[:, columns].sum(1)

    def place_text(self, name: str, row: int) -> str:
        """Returns an attribute of a preset and where it stands, such as "brightness 310 Hz, below 93 %"."""
        above = self._highest[row, COLUMNS[name]]
        below = 1 - self._lowest[row, COLUMNS[name]]
        value = MEASURES[COLUMNS[name]].text(self._measures[row, COLUMNS[name]])
        return f"{name} {value}, " + (f"above {above:.0%}" if above >= below else f"below {below:.0%}")


_known: "WeakKeyDictionary[Shelf, Standing]" = WeakKeyDictionary()


def _categories(entry: Entry) -> tuple[str, ...]:
    """The categories of a preset: those of its labels first, then those that its names say."""
    found: dict[str, None] = {}
    for label in entry.labels:
        if label.category:
            found |= dict.fromkeys(_meant(label.category))
    for label in entry.labels:
        called = category_from_name(label.name)
        found |= dict.fromkeys((called,) if called else _meant(label.name))
    return tuple(found)


@cache
def _meant(text: str) -> tuple[str, ...]:
    return (text,) if text in CATEGORIES else lexicon().categories_in(text)


def _text(entry: Entry) -> str:
    words: list[str] = []
    for label in entry.labels:
        words += [label.name, label.category, label.author, *label.tags]
    return fold("\n".join(words))


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
    """

    said: str
    means: Mapping[str, float]
    factor: float = 1.0
    denied: bool = False

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
        if self.denied:
            # to lack one of what makes it up is enough
            fits = [standing.attribute(name, sign) for name, sign in self.main.items()]
            return [(1.0, np.max(fits, axis=0))]
        pairs = self.means.items()
        return [(abs(weight), standing.attribute(name, weight, self.factor)) for name, weight in pairs]

    def reason(self, standing: Standing, row: int) -> str:
        """Returns how a preset fits, in words."""
        said = f"not {self.said}" if self.denied else self.said
        return f"{said} ({'; '.join(standing.place_text(name, row) for name in self.main)})"


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

    def reason(self, standing: Standing, row: int) -> str:
        """Returns how a preset fits, in words."""
        return f"{self.said} ({standing.place_text(self.attribute, row)})"


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

    def reason(self, standing: Standing, row: int) -> str:
        """Returns how a preset fits, in words."""
        there = standing.named[row]
        if set(there) & set(self.concept.categories):
            return f"{self.said} (called {' and '.join(there)})"
        if there:
            return f"{self.said} (but called {' and '.join(there)})"
        return f"{self.said} (sounds like one: {standing.likelihood(self.concept.categories)[row]:.0%})"


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

    def reason(self, standing: Standing, row: int) -> str:
        """Returns how a preset fits, in words."""
        return f'{"" if self.base in standing.texts[row] else "not "}called "{self.said}"'


def _amount_text(name: str, weight: float, factor: float = 1.0) -> str:
    """An amount of an attribute, such as "low brightness" or "slow attack"."""
    said = _SAID.get(name, (f"low {name}", f"high {name}"))[int(weight > 0)]
    if factor > 1:
        return f"very {said}"
    return f"rather {said}" if factor < 1 or abs(weight) < _MAIN else said
