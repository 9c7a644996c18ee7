"""Makes a bank: plays presets, leaves out silent ones, finds sound families and deals them."""

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

__all__ = ["make_bank"]

_RATE = 22_050
_NOTE = Note()
_JOB = 8  # presets that a thread gets at once

Split = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Returns the part of every preset, given points `(N, P)` and families `(N,)`."""


def _split_at_random(_: np.ndarray, family: np.ndarray) -> np.ndarray:
    return split_families(family)


def make_bank(
    points: np.ndarray,
    names: Sequence[str] | np.ndarray,
    renderer: Renderer,
    *,
    family: np.ndarray | None = None,
    silence: float = INAUDIBLE,
    split: Split = _split_at_random,
    progress: ProgressCallback = ignore,
) -> Bank:
    """Makes a bank of presets that can be heard.

    Two presets whose sounds at middle C are within 1 dB of log-mel L1 are of one family, and so are those that
    `family` joins; no family is divided between training, validation and test.

    Args:
        points: Encoded presets, shape `(N, P)`.
        names: Name of each, N texts.
        renderer: Plays them.
        family: Numbers of families known so far, shape `(N,)`; each preset is its own if not given.
        silence: Peak below which a sound counts as silent.
        split: Deals the families; at random, but always alike, if not given.
        progress: Called with the number of presets that were played, and of all.

    Raises:
        PresetError: If none can be heard.
    """

    def measure(engine: Engine, job: np.ndarray) -> np.ndarray:
        return _levels(engine, job, silence)

    jobs = [points[i : i + _JOB] for i in range(0, len(points), _JOB)]
    mels = []
    for part in renderer.map(measure, jobs):
        mels.append(part)
        progress(Progress("gather", min(len(points), _JOB * len(mels)), len(points), "presets"))
    levels = np.concatenate(mels) if mels else np.empty((0, 1, 1), np.float16)
    audible = np.nonzero(levels.max((1, 2)) > levels.min((1, 2)))[0]  # silence has one level everywhere
    if not len(audible):
        raise PresetError(f"none of {len(points)} presets can be heard: give others to learn from")
    known = np.arange(len(points)) if family is None else family
    joined = join_families(known[audible], near_duplicates(levels[audible]))
    kept = points[audible]
    return Bank(kept, joined, np.asarray(names)[audible], split(kept, joined))


def _levels(engine: Engine, points: np.ndarray, silence: float) -> np.ndarray:
    """Log-mel spectrograms in dB, float16 `(N, F, N')`; all alike where nothing can be heard."""
    sounds = np.stack([render_or_silence(engine, point, _NOTE, _RATE) for point in points])
    sounds[np.abs(sounds).max(1) < silence] = 0
    return power_to_db(mel_spectrogram(torch.from_numpy(sounds), _RATE)).half().numpy()
