"""Plays presets and keeps inputs of models, measured attributes and fingerprints, block by block."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from ...engines import Engine
from ...engines._renderer import INAUDIBLE, render_or_silence
from ...errors import StorageError
from ...features.character import character
from ...features.descriptors import describe
from ...features.fingerprint import fingerprint
from ...features.inputs import inputs
from ...storage import read_bytes, write_atomically
from ..attributes import MEASURED
from .examples_recipe import ExamplesRecipe

__all__ = ["Heard", "hear", "join_blocks", "measure_words", "save_block"]


@dataclass(frozen=True)
class Heard:
    """Some presets as played.

    Args:
        mels: What models hear, float16, shape `(N, F, n)`.
        measures: What the words of `opposites.MEASURED` are measured by, float32, shape `(N, M)`.
        prints: Fingerprints, uint8, shape `(N, F', n')`.
        audible: Whether there is a sound, shape `(N,)`.
    """

    mels: np.ndarray
    measures: np.ndarray
    prints: np.ndarray
    audible: np.ndarray


def hear(engine: Engine, points: np.ndarray, recipe: ExamplesRecipe) -> Heard:
    """Plays presets on the recipe's note.

    Args:
        engine: Plays them.
        points: Encoded presets, shape `(N, P)`.
        recipe: Says how they are played and heard.
    """
    kind = inputs[recipe.hears]
    sounds = [render_or_silence(engine, point, recipe.note, kind.rate) for point in points]
    heard = [torch.from_numpy(sound)[None] for sound in sounds]  # one by one: that fits a processor's cache
    return Heard(
        mels=np.concatenate([kind.of(x, kind.rate).numpy().astype(np.float16) for x in heard]),
        measures=np.stack([measure_words(sound, recipe.hold, kind.rate) for sound in sounds]),
        prints=np.stack([fingerprint(sound, kind.rate) for sound in sounds]),
        audible=np.array([np.abs(sound).max() >= INAUDIBLE for sound in sounds]),
    )


def measure_words(sound: np.ndarray, hold: float, rate: int) -> np.ndarray:
    """Returns what the words of `opposites.MEASURED` are measured by, float32, shape `(M,)`.

    Args:
        sound: One note, mono, shape `(T,)`.
        hold: Seconds that it is held.
        rate: Its sample rate, in Hz.
    """
    x = torch.from_numpy(sound)[None]
    found = describe(x, rate) | character(x[:, : round(hold * rate)], rate)
    return np.array([found[pair.measure].item() for pair in MEASURED], np.float32)


_NAMES = tuple(field.name for field in fields(Heard))


def save_block(path: Path, parts: Sequence[Heard]) -> None:
    """Writes what was heard of the presets of a block.

    Args:
        path: The file.
        parts: Their sounds, in order.

    Raises:
        StorageError: If it cannot be written.
    """
    buffer = io.BytesIO()
    joined = _joined(parts)
    np.savez(buffer, **{name: getattr(joined, name) for name in _NAMES})
    write_atomically(path, buffer.getvalue())


def join_blocks(paths: Sequence[Path]) -> Heard:
    """Returns what is in several blocks, in order.

    Raises:
        StorageError: If one is damaged.
    """
    return _joined([_load(path) for path in paths])


def _joined(parts: Sequence[Heard]) -> Heard:
    return Heard(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES})


def _load(path: Path) -> Heard:
    try:
        with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as data:
            return Heard(**{name: data[name] for name in _NAMES})
    except (AttributeError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise StorageError(f"{path}: damaged ({error}). Remove it; the same command makes it again.") from error
