"""Unsupervised macro-controls: the latent dimensions of a model, named by what they do, and moves along them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..ear.sound_attributes import ATTRIBUTES, MEASURES, within_range
from ..engines import engines, one_torch_thread
from ..errors import ModelError, OptionError
from ..metrics.perceptual import Reference
from ..models import find_weights, models, read_header
from ..progress import Progress, ProgressCallback, TellCallback, ignore, tell_nobody
from .attribute_map import load_map
from .audio_space import AudioSpace
from .player import Player

__all__ = ["LATENT", "LatentMacro", "latent_moves", "latent_space", "measure_latents", "moved_along"]

LATENT = "latent:"
"""What a word begins with that means a latent dimension, such as `latent:12`."""

_PRESETS = 6  # drawn from the prior, that every dimension is moved of
_MOVE = 1.5  # either way, in standard deviations of the prior
_CLEAR = 0.25  # mean change of an attribute, in its standard deviations, that gives a dimension a name
_AGREED = 0.7  # share of the presets of which it changes the same way


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
