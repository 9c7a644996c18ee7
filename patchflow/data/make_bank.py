"""Makes a bank of presets: plays each, leaves out what cannot be heard, finds families by ear and deals them."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..errors import PresetError
from ..features.mel import mel_spectrogram, power_to_db
from ..progress import Progress, ProgressCallback, ignore
from .bank import Bank
from .families import join_families, near_duplicates, split_families

__all__ = ["gather"]

_RATE = 22_050
_NOTE = Note()
_JOB = 8  # sounds that are analysed together

Split = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Returns the part of every preset, given points `(N, P)` and families `(N,)`."""


def gather(
    points: np.ndarray,
    names: Sequence[str] | np.ndarray,
    renderer: Renderer,
    *,
    family: np.ndarray | None = None,
    silence: float = INAUDIBLE,
    split: Split = lambda points, family: split_families(family),
    progress: ProgressCallback = ignore,
) -> Bank:
    """Makes a bank of presets that can be heard.

    Two presets whose sounds at middle C are within 1 dB of log-mel L1 are of one family, and so are those that
    `family` joins; no family is divided between training, validation and test.

    Args:
        points: Encoded presets, shape `(N, P)`.
        names: What each is called, N texts.
        renderer: Plays them.
        family: Numbers of families known so far, shape `(N,)`; each preset is its own if not given.
        silence: Peak below which a sound counts as silent.
        split: Deals the families; at random, but always alike, if not given.
        progress: Told the number of presets that were played and of all.

    Raises:
        PresetError: If none can be heard.
    """
    jobs = [points[i : i + _JOB] for i in range(0, len(points), _JOB)]
    mels = []
    for part in renderer.map(lambda engine, job: _hear(engine, job, silence), jobs):
        mels.append(part)
        progress(Progress("gather", min(len(points), _JOB * len(mels)), len(points), "presets"))
    levels = np.concatenate(mels) if mels else np.empty((0, 1, 1), np.float16)
    heard = np.nonzero(levels.max((1, 2)) > levels.min((1, 2)))[0]
    if not len(heard):
        raise PresetError(f"none of {len(points)} presets can be heard: give others to learn from")
    known = np.arange(len(points)) if family is None else family
    joined = join_families(known[heard], near_duplicates(levels[heard]))
    kept = points[heard]
    return Bank(kept, joined, np.asarray(names)[heard], split(kept, joined))


def _hear(engine: Engine, points: np.ndarray, silence: float) -> np.ndarray:
    """Log-mel spectrograms in dB, float16 `(N, F, N')`; all alike where nothing can be heard."""
    sounds = np.stack([render_or_silence(engine, point, _NOTE, _RATE) for point in points])
    sounds[np.abs(sounds).max(1) < silence] = 0
    return power_to_db(mel_spectrogram(torch.from_numpy(sounds), _RATE)).half().numpy()
