"""Plays presets and keeps what models hear of them, what words are measured by, and what tells who is related."""

from dataclasses import dataclass

import numpy as np
import torch

from ...engines import Engine
from ...features.character import character
from ...features.descriptors import describe
from ...features.inputs import inputs
from ..making.fingerprint import fingerprint
from ..silence import INAUDIBLE, render_or_silence
from .opposites import MEASURED
from .recipe import ExamplesRecipe

__all__ = ["Heard", "hear", "measure_words"]


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
