"""Renders where a preset that a synth cannot play counts as one that cannot be heard."""

import numpy as np

from ..engines import Engine, Note
from ..errors import RenderError

__all__ = ["INAUDIBLE", "render_or_silence"]

INAUDIBLE = 1e-3
"""Peak below which a sound counts as silent: -60 dB."""


def render_or_silence(engine: Engine, point: np.ndarray, note: Note, rate: int) -> np.ndarray:
    """Plays one note, see `Engine.render`; silence if the synth refuses, crashes or hangs on the preset."""
    try:
        return engine.render(point, note, rate)
    except RenderError:
        return np.zeros(note.samples(rate), np.float32)
