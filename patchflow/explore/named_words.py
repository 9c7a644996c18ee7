"""Words that nothing measures: learned from names of presets, or dimensions of a model, named by what they do."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..engines import engines, one_torch_thread
from ..errors import ModelError, OptionError, StorageError
from ..features.measures import ATTRIBUTES, MEASURES, within_range
from ..metrics.perceptual import Reference
from ..models import find_weights, models, read_header, users_weights
from ..parsing import damage_named, json_value
from ..progress import Progress, ProgressCallback, TellCallback, ignore, tell_nobody
from ..storage import read_bytes
from .attribute_map import load_map
from .audio_space import AudioSpace
from .player import Player

__all__ = [
    "LATENT",
    "LatentMacro",
    "NamedWord",
    "ReachedWord",
    "latent_moves",
    "latent_space",
    "measure_latents",
    "moved_along",
    "named_words",
    "refuse_missing",
]

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

LATENT = "latent:"
"""What a word begins with that means a latent dimension, such as `latent:12`."""

_PRESETS = 6  # drawn from the prior, that every dimension is moved of
_MOVE = 1.5  # either way, in standard deviations of the prior
_CLEAR = 0.25  # mean change of an attribute, in its standard deviations, that gives a dimension a name
_AGREED = 0.7  # share of the presets of which it changes the same way


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


@dataclass(frozen=True)
class LatentMacro:
    """What one latent dimension does to the sound.

    Args:
        dimension: Its number, from 0.
        heard_db: How far the sounds at its two ends are apart, in dB, see `metrics.perceptual`; median over presets.
        changes: By attribute, the mean change from the low end to the high one, in standard deviations.
        agreed: By attribute, the share of presets of which it changes that way.
    """

    dimension: int
    heard_db: float
    changes: dict[str, float]
    agreed: dict[str, float]

    @property
    def name(self) -> str:
        """The attributes that it changes clearly, the most changed first; `"mixed"` if there are none."""
        clear = []
        for attribute in ATTRIBUTES:
            change = self.changes[attribute.name]
            if abs(change) >= _CLEAR and self.agreed[attribute.name] >= _AGREED:
                clear.append((abs(change), attribute.high if change > 0 else attribute.low))
        clear.sort(reverse=True)
        return ", ".join(word for _, word in clear[:3]) or "mixed"

    def content(self) -> dict[str, Any]:
        """Returns what JSON says of it."""
        return {**vars(self), "name": self.name}


def measure_latents(
    synth: str, model: str | Path | None = None, *, seed: int = 0, progress: ProgressCallback = ignore
) -> list[LatentMacro]:
    """Moves every latent dimension of some presets and measures what changes, the most audible dimension first.

    Args:
        synth: Name of the engine.
        model: Weights, see `AudioSpace.load`.
        seed: Of the presets, which are drawn from the prior.
        progress: Called while presets are played.

    Raises:
        UnknownName: If there is no such synth.
        ModelError: If there are no weights, or they are damaged or of another synth.
    """
    make = engines[synth]
    space = latent_space(synth, model)
    learned = load_map(synth, make.space)
    std = np.array([one.spread for one in MEASURES]) if learned is None else learned.std.double().numpy()
    rng = np.random.default_rng(seed)
    starts = rng.normal(size=(_PRESETS, space.size))
    found = []
    with one_torch_thread(), Player(make) as player:
        for dimension in range(space.size):
            moved = np.repeat(starts, 2, 0)
            moved[0::2, dimension] -= _MOVE
            moved[1::2, dimension] += _MOVE
            played = player.play(make.space.snap(space.presets(moved)))
            found.append(_macro(dimension, played.sounds[:, 0], played.measures[:, 0] / std))
            progress(Progress("measure", dimension + 1, space.size, "dimensions"))
    return sorted(found, key=lambda one: -one.heard_db)


def latent_space(synth: str, model: str | Path | None = None) -> AudioSpace:
    """Returns the space of a synth that has latent dimensions.

    Args:
        synth: Name of the engine.
        model: Weights, see `AudioSpace.load`.

    Raises:
        UnknownName: If there is no such synth.
        ModelError: If there are no weights, or they are damaged or of another synth.
    """
    if model is not None:
        of = read_header(find_weights(synth, engines[synth].space, model, models))["synth"]
        if of != synth:
            raise ModelError(f"{model}: is a model of {of}, not of {synth}")
    space = AudioSpace.load(synth, model)
    if space.model is None:
        raise ModelError(f"{synth}: has no model with a latent. Train one: patchflow train with model = 'flow_joint'")
    return space


def latent_moves(words: Mapping[str, float], size: int, tell: TellCallback = tell_nobody) -> np.ndarray:
    """Returns the move along every latent dimension that words ask for, shape `(Z,)`.

    Args:
        words: Moves by words such as `{"latent:12": 1.0}`, in standard deviations of the prior. What is beyond
            the range of `within_range` is moved to its end.
        size: How many dimensions there are, Z.
        tell: Called with a line for each that is.

    Raises:
        OptionError: If there is no such dimension, it is asked for twice, or a move is not a number.

    Example:
        >>> latent_moves({"latent:1": 0.5}, 3)
        array([0. , 0.5, 0. ])
    """
    moves = np.zeros(size)
    for word, amount in words.items():
        number = word.removeprefix(LATENT)
        if not number.isdecimal() or int(number) >= size:
            raise OptionError(f"{word!r}: no latent dimension. They are {LATENT}0 to {LATENT}{size - 1}")
        move = within_range(word, amount, tell)
        if moves[int(number)]:
            raise OptionError(f"{word}: is asked for twice")
        moves[int(number)] = move
    return moves


def moved_along(
    space: AudioSpace, point: np.ndarray, moves: np.ndarray, *, shares: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """Returns presets on the line from one along latent dimensions, snapped, shape `(S, P)`.

    Args:
        space: With a model.
        point: Encoded preset, shape `(P,)`.
        moves: At a share of 1, shape `(Z,)`.
        shares: Places of the line; at 0 is the preset itself, shape `(S,)`.
        free: Which parameters may move; the others stay as they are, shape `(P,)`.
    """
    line = space.encode(point[None]) + shares[:, None] * moves
    points = np.where(free, space.presets(line), space.parameters.snap(point))
    points[shares == 0] = space.parameters.snap(point)
    return points


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


def _macro(dimension: int, sounds: np.ndarray, measures: np.ndarray) -> LatentMacro:
    """What a dimension does, of the sounds (2 N, T) and measures (2 N, M) at its two ends."""
    changes = measures[1::2] - measures[0::2]
    changes = changes[np.isfinite(changes).all(1)]
    distances = []
    for low, high in zip(sounds[0::2], sounds[1::2], strict=True):
        distances.append(float(Reference(torch.from_numpy(low)).distance(torch.from_numpy(high)[None])[0]))
    names = [attribute.name for attribute in MEASURES]
    if not len(changes):
        nothing = dict.fromkeys(names, 0.0)
        return LatentMacro(dimension, float(np.median(distances)), nothing, nothing)
    mean = changes.mean(0)
    agreed = (np.sign(changes) == np.sign(mean)).mean(0)
    return LatentMacro(
        dimension=dimension,
        heard_db=round(float(np.median(distances)), 2),
        changes={name: round(float(value), 3) for name, value in zip(names, mean, strict=True)},
        agreed={name: round(float(value), 3) for name, value in zip(names, agreed, strict=True)},
    )
