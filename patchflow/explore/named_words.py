"""Words of sounds that nothing measures, such as natural and synthetic, learned from the names of presets."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..ear.sound_attributes import ATTRIBUTES, MEASURES
from ..errors import ModelError, OptionError, StorageError
from ..models import users_weights
from ..parsing import damage_named, json_value
from ..storage import read_bytes

__all__ = ["NamedWord", "ReachedWord", "named_words", "refuse_missing"]

_OURS = Path(__file__).absolute().parent / "words"  # those that come with the package
_FORMAT = 1
_LARGEST = 2**20  # bytes of a file
_FROM_NAMES = ("naturalness", "natural", "synthetic")
_LEVEL = "every turn leaves the level as it is; the gain of the synth changes it"
_MISSING = {
    "loudness": _LEVEL,
    "loud": _LEVEL,
    "quiet": _LEVEL,
    "modern": "hardly any preset is called so, and nothing measures it",
    "vintage": "hardly any preset is called so, and nothing measures it",
    "wide": "synths are played in mono here",
    "narrow": "synths are played in mono here",
}


@dataclass(frozen=True)
class ReachedWord:
    """How far a word from names was turned.

    Args:
        word: As it was asked for.
        asked: The change of its score, in standard deviations over the presets of the synth.
        before: Its score of the original on the note; less of a low end is more.
        after: The same of the last preset.
        attributes: The changes of measured attributes that it stands for, in standard deviations.
        provenance: Where the word comes from and how far to trust it.
    """

    word: str
    asked: float
    before: float
    after: float
    attributes: dict[str, float]
    provenance: str

    @property
    def changed(self) -> float:
        """How far it came."""
        return self.after - self.before


@dataclass(frozen=True)
class NamedWord:
    """A word that names of presets carry, as a direction among the measured attributes.

    Its score is a linear discriminant: high where presets sound as those whose names hold words of the high end, low
    where they sound as those of the low end. 0 is the mean over the presets of the synth, 1 their standard deviation.

    Args:
        name: What it is called, such as `"naturalness"`.
        low: A sound with a low score, such as `"synthetic"`.
        high: A sound with a high one, such as `"natural"`.
        weights: By attribute, what one of its units adds to the score.
        centre: What the weighted attributes add up to at a score of 0.
        step: By attribute, the change in its unit that raises the score by 1: how presets of a higher score differ.
        names: By end, how many names it was learned from.
        words: By end, the words that were looked for in names.
        told_apart: Of the pairs of one held-out preset of either end, the share in which the higher score is that of
            the high end, and the ends of its 95 % interval; 0.5 is chance.
        held_out: By end, how many held-out presets these are.
        source: Whose names they are, such as `"DX7 voices"`.
    """

    name: str
    low: str
    high: str
    weights: Mapping[str, float]
    centre: float
    step: Mapping[str, float]
    names: Mapping[str, int]
    words: Mapping[str, tuple[str, ...]]
    told_apart: tuple[float, float, float]
    held_out: Mapping[str, int]
    source: str

    @property
    def provenance(self) -> str:
        """Where the word comes from and how far to trust it, in one line."""
        share, low, high = self.told_apart
        return (
            f"from {sum(self.names.values()):,} names of {self.source}; tells {share:.2f} of held-out pairs apart "
            f"({low:.2f} to {high:.2f}; 0.5 is chance)"
        )

    def sign(self, word: str) -> float:
        """Returns 1 for the name of the word and its high end, -1 for its low end."""
        return -1.0 if word.lower() == self.low else 1.0

    def score(self, measures: np.ndarray) -> np.ndarray:
        """Returns the scores of sounds, shape `(...)`.

        Args:
            measures: In the units of `MEASURES`, shape `(..., M)`.
        """
        return measures @ _columns(self.weights) - self.centre

    def change(self, amount: float) -> np.ndarray:
        """Returns the change of each of `MEASURES`, in its unit, that changes the score by an amount, shape `(M,)`."""
        return amount * _columns(self.step)

    def reached(self, word: str, amount: float, measures: np.ndarray, changes: np.ndarray) -> ReachedWord:
        """Returns how far the word came.

        Args:
            word: The end that was asked for.
            amount: The change of the score that was asked for.
            measures: Of the first preset and of the last, in the units of `MEASURES`, shape `(2, M)`.
            changes: What `change` is in standard deviations, shape `(M,)`.
        """
        sign = self.sign(word)
        before, after = sign * self.score(measures)
        pairs = zip(MEASURES, changes, strict=True)
        return ReachedWord(
            word=word,
            asked=round(sign * amount, 4),
            before=round(float(before), 4),
            after=round(float(after), 4),
            attributes={one.name: round(float(change), 4) for one, change in pairs if change},
            provenance=self.provenance,
        )


def named_words(synth: str) -> dict[str, NamedWord]:
    """Returns the words from names that a synth has, by their names and by both of their ends.

    Looks for the user's own file, `SYNTH-words.json` beside their weights, and else takes the one that is shipped.
    `benchmarks/name_words.py` makes such files.

    Args:
        synth: Name of the engine.

    Raises:
        ModelError: If the file is damaged or of another synth.
    """
    path = _OURS / f"{synth}.json"
    with suppress(StorageError):  # who has no folder has no words of their own
        own = users_weights(synth, "words").with_suffix(".json")
        path = own if own.exists() else path
    if not path.exists():
        return {}
    with damage_named(path, ModelError, is_what="not words from names"):
        content = json_value(read_bytes(path, _LARGEST))
        if (content["format"], content["synth"]) != (_FORMAT, synth):
            raise ValueError(f"of synth {content['synth']!r} in format {content['format']!r}")
        words = [_read(one) for one in content["words"]]
    return {key: word for word in words for key in (word.name, word.high, word.low)}


def refuse_missing(word: str, synth: str) -> None:
    """Says of a word that a synth does not have why that is, where there is more to say than that it is unknown.

    Raises:
        OptionError: If it is such a word.
    """
    word = word.lower()
    if word in _FROM_NAMES:
        have = ", ".join(sorted(path.stem for path in _OURS.glob("*.json")))
        raise OptionError(
            f"{word}: nothing measures it. It is learned from names of presets, and of {synth} none were. "
            f"Known of: {have}"
        )
    if word in _MISSING:
        raise OptionError(f"{word}: cannot be turned: {_MISSING[word]}")


def _read(content: Mapping[str, Any]) -> NamedWord:
    low = str(content["low"])
    high = str(content["high"])
    weights = {str(name): float(value) for name, value in content["weights"].items()}
    step = {str(name): float(value) for name, value in content["step"].items()}
    told_apart = tuple(float(value) for value in content["told_apart"])
    if not step or {*weights, *step} - {attribute.name for attribute in ATTRIBUTES}:
        raise ValueError("its attributes are not those that are measured")
    if not all(map(math.isfinite, (*weights.values(), *step.values(), float(content["centre"]), *told_apart))):
        raise ValueError("not all numbers are finite")
    return NamedWord(
        name=str(content["name"]),
        low=low,
        high=high,
        weights=weights,
        centre=float(content["centre"]),
        step=step,
        names={end: int(content["names"][end]) for end in (high, low)},
        words={end: tuple(map(str, content["words"][end])) for end in (high, low)},
        told_apart=(told_apart[0], told_apart[1], told_apart[2]),
        held_out={end: int(content["held_out"][end]) for end in (high, low)},
        source=str(content["source"]),
    )


def _columns(by_attribute: Mapping[str, float]) -> np.ndarray:
    return np.array([by_attribute.get(attribute.name, 0.0) for attribute in MEASURES])
