"""Makes the examples of dimensions of the latent space: macro-controls, maps, traversals, and which moves what.

Usage: python site/make_latents.py [--out site/examples] [--seed N]
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from example_files import write_about
from maker import LONG, SYNTH, Maker, emptied, make_with
from sections import LatentMap, Macro, MacroControls, Matrix, Point, Scatter, Semantics, Step, Traversal

from patchflow.data.examples.attributes import MEASURED_ATTRIBUTES, NAMED_ATTRIBUTE
from patchflow.explore.player import Player
from patchflow.features.measures import ATTRIBUTES

STEPS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # standard deviations of a latent dimension
STARTS = 24  # presets that the matrix is measured on
PROBES = 4  # presets that each dimension is tried on
DIMENSIONS = 4  # of those without an attribute, shown
NAMED = tuple((one.low, one.high) for one in (*MEASURED_ATTRIBUTES, NAMED_ATTRIBUTE))


def make(maker: Maker) -> None:
    """Makes both sections."""
    _macros(maker)
    _semantics(maker)


def _macros(maker: Maker) -> None:
    """Attributes that the model learned, and the dimensions without one that change most."""
    folder = emptied(maker.out / f"macros-{SYNTH}-latent")
    start = maker.diverse(3)[2]
    made = []
    for dimension, (low, high) in enumerate(NAMED[:7]):
        unit = "standard deviations"
        steps = _walk(maker, folder, f"attribute-{dimension}", maker.draws.z[start], dimension)
        name = f"{low} to {high}"
        made.append(Macro(name, low, high, unit, "learned dimension", maker.words(start), steps))
    for dimension, attribute, sign in _strongest(maker):
        low, high = (ATTRIBUTES[attribute].low, ATTRIBUTES[attribute].high)[:: 1 if sign > 0 else -1]
        steps = _walk(maker, folder, f"latent-{dimension}", maker.draws.z[start], dimension)
        name = f"Latent dimension {dimension}"
        made.append(Macro(name, low, high, "standard deviations", "latent dimension", maker.words(start), steps))
    text = (
        "One dimension of the latent of `flow_joint` is set to each value, all others stay, and the synth plays the "
        f"preset. Nothing is corrected by listening. The last {DIMENSIONS} are dimensions that no attribute was given "
        "to: those that change the measured attributes most, called after what they change most."
    )
    write_about(folder, MacroControls(SYNTH, tuple(made), text=text, title="dimensions of the latent"))


def _walk(maker: Maker, folder: Path, stem: str, z: np.ndarray, dimension: int) -> tuple[Step, ...]:
    """The steps along one dimension that can be heard."""
    places = np.repeat(z[None], len(STEPS), 0)
    places[:, dimension] = STEPS
    return maker.steps(folder, stem, STEPS, maker.presets(places))


def _strongest(maker: Maker) -> list[tuple[int, int, float]]:
    """Dimensions without an attribute, the attribute each changes most, and in which direction."""
    size = maker.model.latent_size
    known = len(NAMED)
    effects = _effects(maker, range(known, size), maker.diverse(PROBES))
    mean = np.nanmean(effects, 1)
    strength = np.abs(mean).max(1)
    found = []
    for row in np.argsort(-strength)[:DIMENSIONS]:
        attribute = int(np.abs(mean[row]).argmax())
        found.append((known + int(row), attribute, float(mean[row, attribute])))
    return found


def _effects(maker: Maker, dimensions: Sequence[int], starts: Sequence[int]) -> np.ndarray:
    """How far each attribute moves from -1 to +1 of a dimension, in deviations of the draws, `(D, N, M)`."""
    places = []
    for dimension in dimensions:
        for end in (-1.0, 1.0):
            moved = maker.draws.z[list(starts)].copy()
            moved[:, dimension] = end
            places.append(moved)
    measures = maker.player.play(maker.presets(np.concatenate(places))).measures[:, 0, : len(ATTRIBUTES)]
    ends = measures.reshape(len(dimensions), 2, len(starts), -1)
    return (ends[:, 1] - ends[:, 0]) / maker.draws.renders.measures[:, 0, : len(ATTRIBUTES)].std(0)


def _semantics(maker: Maker) -> None:
    """Maps, traversals and the matrix of the attributes that the model learned."""
    folder = emptied(maker.out / f"semantics-{SYNTH}")
    measured = [one for one in range(len(NAMED)) if NAMED[one][0] != NAMED_ATTRIBUTE.low]
    starts = maker.diverse(STARTS)
    effects = np.nan_to_num(_effects(maker, range(len(NAMED)), starts))
    least = 0.03  # standard deviations
    agreement = np.where(np.abs(effects) > least, np.sign(effects), 0.0).mean(1)
    matrix = Matrix(
        f"Share of {STARTS} presets in which an attribute rises from -1 to +1, less that in which it falls",
        tuple(f"{low} to {high}" for low, high in NAMED),
        tuple(one.name for one in ATTRIBUTES),
        tuple(tuple(row) for row in agreement.tolist()),
    )
    names = {one.name: column for column, one in enumerate(ATTRIBUTES)}
    latents, spectra = _encoded(maker)
    maps = []
    for dimension in measured:
        column = names.get(MEASURED_ATTRIBUTES[dimension].measure)
        if column is not None:
            maps.append(_map(maker, dimension, column, latents, spectra))
    origin = np.zeros(maker.model.latent_size, np.float32)
    traversals = []
    for dimension, (low, high) in enumerate(NAMED):
        steps = _walk(maker, folder, f"{low.lower()}-{high.lower()}", origin, dimension)
        traversals.append(Traversal(f"{low} to {high}", low, high, "the origin of the space", steps))
    text = (
        f"The scatters are sounds of {len(maker.draws)} draws from `flow_joint`, coloured by the attribute that was "
        "measured on them. Before: the two directions in which their spectrograms differ most. After: where the model "
        "puts the same spectrograms, on the dimensions that it was given for attributes."
    )
    write_about(folder, Semantics(SYNTH, tuple(maps), tuple(traversals), (matrix,), text=text))


def _encoded(maker: Maker) -> tuple[np.ndarray, np.ndarray]:
    """Where the model puts sounds of the draws, `(N, Z)`, and principal components of their spectrograms, `(N, 2)`."""
    with Player(maker.engine, (LONG,)) as player:
        sounds = player.play(maker.draws.points).sounds[:, 0]
    mel = maker.spectrograms(sounds).flatten(1).numpy()
    centred = mel - mel.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return maker.latents(sounds), centred @ axes[:2].T


def _map(maker: Maker, dimension: int, column: int, latents: np.ndarray, spectra: np.ndarray) -> LatentMap:
    low, high = NAMED[dimension]
    other = (dimension + 1) % len(NAMED)
    learned = latents[:, [dimension, other]]
    # Colours by rank: a few extremes would leave all others one colour.
    ranks = maker.draws.renders.measures[:, 0, column].argsort().argsort() / (len(maker.draws) - 1)
    names = (f"{low} to {high}", f"{NAMED[other][0]} to {NAMED[other][1]}")
    before = Scatter("Before: principal components of the spectrograms", "first", "second", _points(spectra, ranks))
    after = Scatter("After: dimensions of the latent space", *names, _points(learned, ranks))
    return LatentMap(f"{ATTRIBUTES[column].name}, rank", low, high, before, after)


def _points(places: np.ndarray, values: np.ndarray) -> tuple[Point, ...]:
    rows = zip(places.tolist(), values.tolist(), strict=True)
    return tuple(Point(x, y, value) for (x, y), value in rows)


if __name__ == "__main__":
    make_with(make, __doc__ or "")
