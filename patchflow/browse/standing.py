"""Where each preset stands: among those of its synth, by rank, category and names; and likely, beside a sound."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy.special import log_expit, ndtri, softmax
from scipy.stats import rankdata

from ..features.measures import MEASURES
from ..parsing import damage_named, json_value
from ..presets import Entry
from ..presets.preset import CATEGORIES, category_from_name
from ..storage import read_bytes
from .index import INDEXED_FROM
from .lexicon import fold, lexicon

if TYPE_CHECKING:
    from ..match.target import Target
    from .shelf import Shelf

__all__ = ["COLUMNS", "Standing", "likely_near", "ranks_within"]

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
_SO_CALLED = 0.05  # fit of a preset whose name has the word of a quality and that does not sound so
_LEAST = -14.0  # logarithm of a fit below which nothing differs
_FAR = -13.9  # logarithm of a fit below which presets differ by a thousandth of that
_ONE_BY_EAR = 3  # presets by their fingerprints for one by the ear, chosen in `benchmarks/ear_recordings.py`
_HALF_FAR = 10.0  # dB by which a preset counts less, where words count as well
_MOST_KEPT = 64  # of what was compared before


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
            self._called[row, list(map(CATEGORIES.index, named))] = True
        self.texts = [_text(entry) for entry in entries]
        self._silent = ~np.isfinite(self.ranks).all(1)
        self._having: dict[str, np.ndarray] = {}
        self._made: dict[tuple[Any, ...], np.ndarray] = {}

    @classmethod
    def of(cls, shelf: "Shelf") -> "Standing":
        """Returns that of a shelf, made once."""
        if shelf not in _known:
            _known[shelf] = cls(shelf)
        return _known[shelf]

    def __len__(self) -> int:
        return len(self.texts)

    def attribute(self, name: str, sign: float, factor: float = 1.0, words: tuple[str, ...] = ()) -> np.ndarray:
        """Returns how far presets have much of an attribute, or little, as a logarithm, shape `(N,)`.

        Args:
            name: One of `MEASURES`.
            sign: 1 for much, -1 for little.
            factor: 1.5 for very, 0.5 for slightly: how much further or less far than the edge of the last fifth.
            words: That say so, folded: a preset with one of them in its name counts a little more.
        """
        along = (self._highest if sign > 0 else 1.0 - self._lowest)[:, COLUMNS[name]]
        edge = _EDGE + (factor - 1.0) * (_FURTHER if factor > 1 else _LESS_FAR)

        def fits() -> np.ndarray:
            measured = log_expit((along - edge) / _WIDTH)
            # what hardly fits does so nearly alike, but the order is kept: there may be three presets in all
            measured = np.exp(np.where(measured < _FAR, _FAR + 1e-3 * (measured - _FAR), measured))
            called = np.zeros(len(self), bool)
            for word in words:
                called |= self.has_word(word)
            return np.log(measured + _SO_CALLED * called * (1.0 - measured))

        return self._kept(("attribute", name, sign > 0, factor, *words), fits)

    def along(self, name: str, sign: float, row: int) -> float:
        """Returns the share of presets that have less of an attribute than one does; more, where `sign` is -1."""
        column = COLUMNS[name]
        return float(self._highest[row, column] if sign > 0 else 1.0 - self._lowest[row, column])

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
            of_these = self.of_category(categories)
            found[several > 0] = np.log(_OTHER)
            found[of_these] = 0.0
            found[of_these & (several > 1)] = np.log(_ONE_OF_SEVERAL)
            return found

        return self._kept(("category", *categories), fits)

    def called(self, text: str, without: float) -> np.ndarray:
        """Returns whether names, tags, categories or authors hold a text, as a logarithm, shape `(N,)`.

        The text is folded; `without` is the fit of a preset that does not.
        """
        return self._kept(("called", text, without), lambda: np.where(self.holding(text), 0.0, np.log(without)))

    def holding(self, text: str) -> np.ndarray:
        """Returns which presets have a text, folded, in a name, tag, category or author, bool, shape `(N,)`."""
        return np.fromiter((text in held for held in self.texts), bool, len(self.texts))

    def has_word(self, word: str) -> np.ndarray:
        """Returns which presets have a word, folded, as a whole word there, bool, shape `(N,)`."""
        if word not in self._having:
            if len(self._having) >= _MOST_KEPT:
                self._having.clear()
            whole = re.compile(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])")
            found = self.holding(word)
            for row in np.flatnonzero(found):
                found[row] = whole.search(self.texts[row]) is not None
            self._having[word] = found
        return self._having[word]

    def of_category(self, categories: Sequence[str]) -> np.ndarray:
        """Returns which presets names and labels say to be of one of some categories, bool, shape `(N,)`."""
        columns = [CATEGORIES.index(category) for category in categories]
        return np.any(self._called[:, columns], axis=1, keepdims=True)[:, 0]

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


def likely_near(shelf: "Shelf", target: "Target", like: np.ndarray) -> np.ndarray | None:
    """Returns how near presets will be when they are played beside a sound, by fingerprints and the ear, 0 to 1.

    Of the first ones three in four are the nearest by their fingerprints and one the nearest by the ear. Those without
    a fingerprint are taken to be as near in their order by the ear as the others are in theirs.

    Args:
        shelf: The presets.
        target: The sound.
        like: What the ear says of it, shape `(width,)`.

    Returns:
        Shape `(N,)`; None where there are no fingerprints, or too many presets: then the ear chooses.
    """
    from ..ear.ear import KEYS
    from ..match.fingerprints import print_distances

    packed = None if shelf.prints is None or len(shelf) > INDEXED_FROM else shelf.prints(np.arange(len(shelf)))
    known = np.zeros(0, bool) if packed is None else (packed != 255).any(1)
    if packed is None or not known.any():
        return None
    keys = [note.pitch for note in KEYS]
    far = print_distances(packed[known], keys, target.samples, target.hold, target.guesses[0].pitch)
    return _mixed(np.exp(-far / _HALF_FAR), known, shelf.vectors.any(1) & ~known, shelf.vectors @ like)


def _mixed(printed: np.ndarray, known: np.ndarray, others: np.ndarray, near: np.ndarray) -> np.ndarray:
    """How near presets will be; see `likely_near`. What is in no order is at 0."""
    curve = np.sort(printed)[::-1]
    by_ear = rankdata(-near[known], "ordinal") - 1
    found = np.zeros(len(known))
    found[known] = np.maximum(printed, curve[np.minimum(_ONE_BY_EAR * by_ear, len(curve) - 1)])
    places = (rankdata(-near[others], "ordinal") - 1) / max(1, others.sum())
    found[others] = curve[(places * len(curve)).astype(int)]
    return found
