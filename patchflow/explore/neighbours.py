"""Neighbourhoods: presets around a preset at heard distances, and two neighbourhoods with the line between."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from ..engines import Note
from ..errors import OptionError, PresetError
from ..metrics.log_mel_l1 import log_mel
from ..metrics.perceptual import Reference
from ..presets import Preset, check
from ..progress import ProgressCallback, ignore
from .children import Variations
from .good_presets import GoodPresets
from .player import NOTE, Audition, Heard, built
from .vary import vary

__all__ = ["PLACES", "Neighbour", "TwoNeighbourhoods", "neighbourhood", "two_neighbourhoods"]

PLACES = ("around the first", "line", "around the second")
"""Where a neighbour lies."""

_RADII = (0.1, 0.2, 0.3)


@dataclass(frozen=True)
class Neighbour:
    """A preset of a figure.

    Args:
        place: One of `PLACES`.
        share: How far on the line between the two ends, 0 to 1; of a neighbour of an end that of the end.
        latent: Shape `(Z,)`.
        preset: The preset.
        point: The same, encoded, shape `(P,)`.
        sound: Mono samples at `RATE`, shape `(T,)`.
        mel: The same as `metrics.log_mel_l1.log_mel` sees it, shape `(F, N)`.
        distances: From the sounds of both ends, in dB of `metrics.perceptual`.
        seen: Where it lies in a picture: on the two directions in which the latents of the figure differ most.
    """

    place: str
    share: float
    latent: np.ndarray
    preset: Preset
    point: np.ndarray
    sound: np.ndarray
    mel: np.ndarray
    distances: tuple[float, float]
    seen: tuple[float, float]


@dataclass(frozen=True)
class TwoNeighbourhoods:
    """Two presets, their neighbours, and the line between in the latent space of a model.

    Args:
        neighbours: In the order of `PLACES`; the line begins and ends with the two presets.
        model: Name of the model.
        deviation: Of the normal noise that was added to the latents of the ends.
        note: What was played.
        variance: Share of the variance of all latents that each direction of the picture has.
    """

    neighbours: tuple[Neighbour, ...]
    model: str
    deviation: float
    note: Note
    variance: tuple[float, float]

    def of(self, place: str) -> tuple[Neighbour, ...]:
        """Returns the neighbours of one of `PLACES`."""
        return tuple(each for each in self.neighbours if each.place == place)


def neighbourhood(
    good: GoodPresets,
    preset: Preset,
    radii: Sequence[float] = _RADII,
    *,
    count: int = 6,
    note: Note = NOTE,
    seed: int = 0,
    progress: ProgressCallback = ignore,
) -> tuple[Variations, ...]:
    """Returns presets around a preset, at heard distances, in directions that are as far from each other as was found.

    That is what `vary` does once for each radius: the presets at a distance are chosen so that the nearest two sound as
    different as possible.

    Args:
        good: What is known of good presets of the synth.
        preset: In the middle.
        radii: How far from it, as amounts of `vary`.
        count: How many at each.
        note: What is played.
        seed: Of the random generator.
        progress: Called after every round.

    Raises:
        OptionError: See `vary`.
        PresetError: See `vary`.
        RenderError: See `vary`.
    """
    return tuple(
        vary(good, preset, radius, count=count, note=note, seed=seed + number, progress=progress)
        for number, radius in enumerate(radii)
    )


def two_neighbourhoods(
    good: GoodPresets,
    first: Preset,
    second: Preset,
    *,
    deviation: float = 0.1,
    count: int = 4,
    steps: int = 9,
    note: Note = NOTE,
    seed: int = 0,
) -> TwoNeighbourhoods:
    """Returns two presets, presets near each, and presets on the straight line between, in the space of `flow_joint`.

    The neighbours are z + N(0, deviation^2) in each coordinate, whatever that sounds like: this shows how the space is
    organised. For neighbours at a heard distance, see `neighbourhood`.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019), section on audio space
        interpolation, https://arxiv.org/abs/1907.00971

    Args:
        good: What is known of the synth; it needs weights of `flow_joint`.
        first: A preset of the synth.
        second: Another.
        deviation: Of the noise, above 0.
        count: How many neighbours of each.
        steps: How many presets on the line, the two ends among them, at least 2.
        note: What is played.
        seed: Of the random generator.

    Raises:
        OptionError: If the synth has no such weights, or a number is out of its range.
        PresetError: If a preset does not fit the synth, or the two have different states.
    """
    _check(good, deviation, count, steps)
    if first.state != second.state:
        raise PresetError(
            f"{second.name or 'second preset'}: holds other things beyond its parameters, such as wavetables, than "
            f"{first.name or 'the first'}, and the line between is through parameters alone"
        )
    ends = np.stack([_encoded(good, preset) for preset in (first, second)])
    latents = good.space.encode(ends)
    shares = np.concatenate([np.zeros(count), np.linspace(0, 1, steps), np.ones(count)])
    places = [PLACES[0]] * count + [PLACES[1]] * steps + [PLACES[2]] * count
    z = latents[0] + shares[:, None] * (latents[1] - latents[0])
    near = np.array([place != PLACES[1] for place in places])
    z[near] += np.random.default_rng(seed).normal(0, deviation, z[near].shape)
    points = good.space.presets(z)
    points[[count, count + steps - 1]] = ends  # what is continuous comes back but for rounding
    with Audition(partial(built, good.engine, first.state), note) as audition:
        references = [Reference(torch.from_numpy(audition.sound(end))) for end in ends]
        heard = audition.hear(points, references)
    if not heard.audible[[count, count + steps - 1]].all():
        raise PresetError("one of the two presets is silent on this note")
    neighbours, variance = _neighbours(good, first, places, shares, z, heard=heard)
    return TwoNeighbourhoods(neighbours, "flow_joint", deviation, note, variance)


def _check(good: GoodPresets, deviation: float, count: int, steps: int) -> None:
    if good.space.model is None:
        raise OptionError("no weights of flow_joint for this synth, and no other model has a space of presets")
    if deviation <= 0:
        raise OptionError(f"deviation={deviation:g}: not above 0")
    if count < 1 or steps < 2:
        raise OptionError(f"count={count}, steps={steps}: not at least 1 and 2")


def _encoded(good: GoodPresets, preset: Preset) -> np.ndarray:
    space = good.engine.space
    check(preset, space)
    return space.snap(space.encode(preset.values))


def _neighbours(
    good: GoodPresets, like: Preset, places: Sequence[str], shares: np.ndarray, z: np.ndarray, *, heard: Heard
) -> tuple[tuple[Neighbour, ...], tuple[float, float]]:
    mels = log_mel(torch.from_numpy(heard.sounds)).numpy()
    seen, variance = _seen(z)
    found = []
    for row, place in enumerate(places):
        values = good.engine.space.decode(heard.points[row])
        to_first, to_second = heard.distance[row].round(3).tolist()
        x, y = seen[row].tolist()
        found.append(
            Neighbour(
                place, round(float(shares[row]), 6), z[row], replace(like, values=values, name=str(row + 1)),
                heard.points[row], heard.sounds[row], mels[row], (to_first, to_second), (x, y),
            )
        )  # fmt: skip
    return tuple(found), variance


def _seen(z: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Latents on their two main directions, shape `(N, 2)`, and the share of the variance that each has."""
    centred = z - z.mean(0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    share = np.square(size) / max(float(np.square(size).sum()), 1e-30)
    return left[:, :2] * size[:2], (float(share[0]), float(share[1]))
