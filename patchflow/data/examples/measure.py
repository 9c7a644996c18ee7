"""Plays presets; keeps model inputs, measures of attributes and fingerprints, block by block."""

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
from ...storage import read_bytes, write_atomically
from ..attributes import MEASURED_ATTRIBUTES
from .examples_recipe import ExamplesRecipe

__all__ = ["MeasuredPresets", "join_blocks", "measure_attributes", "measure_presets", "save_block"]


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
