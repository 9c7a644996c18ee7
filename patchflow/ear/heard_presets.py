"""Vectors of presets: the ear hears each on a few keys, and the mean direction counts."""

from collections.abc import Callable

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..progress import Progress, ProgressCallback, ignore
from ..threads import one_torch_thread
from .ear import Ear
from .network import RATE
from .sound_attributes import MEASURES, measure

__all__ = ["KEYS", "preset_vectors"]

KEYS = (Note(60, 100, 2.0, 2.75), Note(48, 100, 1.0, 1.5), Note(72, 70, 0.6, 1.1))
"""What each preset is played on; attributes are those of the first."""

_JOB = 16  # presets that a thread gets at once


def preset_vectors(
    make: Callable[[], Engine], points: np.ndarray, *, progress: ProgressCallback = ignore
) -> tuple[np.ndarray, np.ndarray]:
    """Plays presets of one synth and returns what they are to the ear.

    Args:
        make: Makes an engine, e.g. `engines["dexed"]`.
        points: Encoded presets, shape `(N, P)`.
        progress: Called with the number of presets that were played.

    Returns:
        Vectors of the current ear, rows of length 1, or of zeros where no key gives a sound, float32, shape
        `(N, width)`; and attributes on C4 in the units of `MEASURES`, NaN where that is silent, float64, shape
        `(N, len(MEASURES))`.

    Example:
        >>> from patchflow.engines import engines
        >>> Tone = engines["tone"]
        >>> vectors, measures = preset_vectors(Tone, Tone.space.default()[None])
        >>> vectors.shape[1] == Ear.load().width, measures.shape == (1, len(MEASURES))
        (True, True)
    """
    ear = Ear.load()
    jobs = [points[place : place + _JOB] for place in range(0, len(points), _JOB)]
    vectors = [np.zeros((0, ear.width), np.float32)]
    measures = [np.zeros((0, len(MEASURES)))]
    with one_torch_thread(), Renderer(make) as renderer:
        for heard, measured in renderer.map(_played, jobs):
            vectors.append(heard)
            measures.append(measured)
            done = min(len(points), _JOB * (len(vectors) - 1))
            progress(Progress("listen", done, len(points), "presets"))
    return np.concatenate(vectors), np.concatenate(measures)


def _played(engine: Engine, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and attributes of a few presets."""
    ear = Ear.load()
    total = np.zeros((len(points), ear.width), np.float32)
    measures = np.zeros((0, len(MEASURES)))
    for note in KEYS:
        sounds = np.stack([render_or_silence(engine, point, note, RATE) for point in points])
        sounds[np.abs(sounds).max(1) < INAUDIBLE] = 0
        total += ear.embed(list(sounds), RATE)
        if note is KEYS[0]:
            measures = measure(torch.from_numpy(sounds), [note] * len(sounds), RATE)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.divide(total, length, out=np.zeros_like(total), where=length > 0), measures
