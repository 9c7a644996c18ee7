"""Attributes of training presets: pairs of opposites, what is measured of each preset, and how it gets tags.

These are the semantic attributes of the paper, for macro-controls. An attribute has two ends, such as Dark and Bright,
and one measure on a continuous scale. A preset gets tag -1 or +1 if it is among the extremes of the *training presets*,
so the thresholds differ from data set to data set and from fold to fold. Models learn from the tags. Presets are played
and measured block by block, and with the measures model inputs and fingerprints are kept.

The words that people search a preset library by are another system: single words such as "bright", each with a fixed
range in Hz, s or dB, the same for every synth. See `data.label_library`.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from ...engines import Engine
from ...engines._renderer import INAUDIBLE, render_or_silence
from ...features.descriptors import character, describe
from ...features.inputs import inputs
from ...features.mel import fingerprint
from ...parsing import damage_named, npz_arrays
from ...presets.preset import category_from_name
from ...storage import read_bytes, write_atomically
from .examples_recipe import ExamplesRecipe

__all__ = [
    "MEASURED_ATTRIBUTES",
    "NAMED_ATTRIBUTE",
    "Attribute",
    "MeasuredPresets",
    "join_blocks",
    "kind_by_name",
    "measure_attributes",
    "measure_presets",
    "save_block",
    "tags_of",
]


@dataclass(frozen=True)
class Attribute:
    """A quality of sounds that has two opposite ends.

    Args:
        low: Name of the end of small values, tag -1.
        high: Name of the end of large values, tag +1.
        measure: What is measured: a name of `UNITS` or `CHARACTER` of `features.descriptors`, or `"name"`
            where the values are tags already, inferred from the names of presets.
    """

    low: str
    high: str
    measure: str


MEASURED_ATTRIBUTES = (
    Attribute("Dark", "Bright", "brightness"),
    Attribute("Clean", "Dirty", "noisiness"),
    Attribute("Thin", "Phat", "weight"),
    Attribute("Soft", "Aggressive", "roughness"),
    Attribute("Constant", "Moving", "movement"),
    Attribute("Inharmonic", "Harmonic", "harmonicity"),
    Attribute("Static", "Dynamic", "dynamics"),
)
"""The attributes that can be measured on one note. Two of the paper's ten are missing: Wide and Narrow need two
channels, and for Modern and Vintage there is no known measure."""

NAMED_ATTRIBUTE = Attribute("Natural", "Synthetic", "name")
"""Inferred from names of presets, so only for whole synths: with fewer parameters the named sound may be gone."""

_NATURAL = {"Drums", "Bells", "Mallets", "Keys", "Plucked", "Brass", "Woodwind", "Strings", "Voice"}
_SYNTHETIC = {"Lead", "Pad", "Sequence", "Effects"}


def kind_by_name(names: Sequence[str] | np.ndarray) -> np.ndarray:
    """Returns -1 for names of acoustic instruments, +1 for names of synth sounds, else 0, int8, shape `(N,)`.

    Example:
        >>> kind_by_name(["TUB BELLS", "SyncLead", "Blue"]).tolist()
        [-1, 1, 0]
    """
    kinds = (category_from_name(str(name)) for name in names)
    return np.array([(kind in _SYNTHETIC) - (kind in _NATURAL) for kind in kinds], np.int8)


def tags_of(values: np.ndarray, attributes: Sequence[Attribute], training: np.ndarray, tagged: float) -> np.ndarray:
    """Returns the tags of presets: the extremes of the training presets, and whatever lies beyond them.

    Args:
        values: The measure of each attribute, shape `(N, M)`.
        attributes: The attributes, M of them.
        training: Rows of the training presets; only these decide the thresholds.
        tagged: Share of the training presets that get a tag of each attribute, half of them each end.

    Returns:
        -1, +1 or 0, int8, shape `(N, M)`.

    Example:
        >>> values = np.array([[1.0], [2.0], [3.0], [9.0]])
        >>> tags_of(values, MEASURED_ATTRIBUTES[:1], np.array([0, 1, 2]), tagged=0.6).ravel().tolist()
        [-1, 0, 1, 1]
    """
    tags = np.zeros(values.shape, np.int8)
    for column, attribute in enumerate(attributes):
        measured = values[:, column]
        if attribute.measure == NAMED_ATTRIBUTE.measure:
            tags[:, column] = np.sign(measured)
        elif len(training) and tagged:
            low, high = np.quantile(measured[training], [tagged / 2, 1 - tagged / 2])
            # The difference is 0 where both hold: training presets that all measure the same have no extremes.
            tags[:, column] = (measured >= high).astype(np.int8) - (measured <= low).astype(np.int8)
    return tags


@dataclass(frozen=True)
class MeasuredPresets:
    """What the sounds of some presets measure.

    Args:
        mels: Model inputs, float16, shape `(N, F, n)`.
        measures: The measure of each of `MEASURED_ATTRIBUTES`, float32, shape `(N, M)`.
        prints: Fingerprints, uint8, shape `(N, F', n')`.
        audible: Whether the preset makes a sound, shape `(N,)`.
    """

    mels: np.ndarray
    measures: np.ndarray
    prints: np.ndarray
    audible: np.ndarray


def measure_presets(engine: Engine, points: np.ndarray, recipe: ExamplesRecipe) -> MeasuredPresets:
    """Plays presets on the recipe's note.

    Args:
        engine: Plays them.
        points: Encoded presets, shape `(N, P)`.
        recipe: Names the note and the model input.
    """
    kind = inputs[recipe.input]
    sounds = [render_or_silence(engine, point, recipe.note, kind.rate) for point in points]
    mels = []
    for sound in sounds:  # one by one, because one spectrogram at a time fits a processor's cache
        mel = kind.of(torch.from_numpy(sound)[None], kind.rate)
        mels.append(mel.numpy().astype(np.float16))
    return MeasuredPresets(
        mels=np.concatenate(mels),
        measures=np.stack([measure_attributes(sound, recipe.hold, kind.rate) for sound in sounds]),
        prints=np.stack([fingerprint(sound, kind.rate) for sound in sounds]),
        audible=np.array([np.abs(sound).max() >= INAUDIBLE for sound in sounds]),
    )


def measure_attributes(sound: np.ndarray, hold: float, rate: int) -> np.ndarray:
    """Returns the measure of each of `MEASURED_ATTRIBUTES`, float32, shape `(M,)`.

    Args:
        sound: One note, mono, shape `(T,)`.
        hold: Seconds that it is held.
        rate: Its sample rate, in Hz.
    """
    x = torch.from_numpy(sound)[None]
    # The character of a sound is that of its held part: after the release everything fades, whatever the preset.
    held = x[:, : round(hold * rate)]
    found = describe(x, rate) | character(held, rate)
    return np.array([found[attribute.measure].item() for attribute in MEASURED_ATTRIBUTES], np.float32)


_ARRAYS = tuple(field.name for field in fields(MeasuredPresets))


def save_block(path: Path, parts: Sequence[MeasuredPresets]) -> None:
    """Writes the file of a block.

    Args:
        path: The file.
        parts: Its presets, in order.

    Raises:
        StorageError: If it cannot be written.
    """
    joined = _joined(parts)
    buffer = io.BytesIO()
    np.savez(buffer, **{name: getattr(joined, name) for name in _ARRAYS})
    write_atomically(path, buffer.getvalue())


def join_blocks(paths: Sequence[Path]) -> MeasuredPresets:
    """Returns the presets of several blocks, in order.

    Raises:
        StorageError: If one is damaged.
    """
    return _joined([_load(path) for path in paths])


def _joined(parts: Sequence[MeasuredPresets]) -> MeasuredPresets:
    arrays = {}
    for name in _ARRAYS:
        arrays[name] = np.concatenate([getattr(part, name) for part in parts])
    return MeasuredPresets(**arrays)


def _load(path: Path) -> MeasuredPresets:
    with damage_named(path, hint="Remove it; the same command makes it again."):
        return MeasuredPresets(**npz_arrays(read_bytes(path), _ARRAYS))
