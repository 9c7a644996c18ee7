"""A sine or saw with a decay: the smallest engine, for tests and tutorials."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ..presets import Choice, Knob, ParamSpace
from ._engine import Engine, Note

__all__ = ["Tone"]


class Tone(Engine):
    """A sine or saw with an exponential decay and a short release."""

    space: ClassVar[ParamSpace] = ParamSpace(
        (
            Choice("wave", ("sine", "saw"), group="osc"),
            Knob("decay", 0.01, 4.0, unit="s", log=True, group="amp", default=1.0),
            Knob("gain", -60.0, 0.0, unit="dB", group="amp", default=-6.0),
        )
    )
    native: ClassVar[str] = "json"
    lacks: ClassVar[Mapping[str, str]] = {"noise": "it plays a sine or a saw"}

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note; see `Engine.render`."""
        preset = self.space.decode(point)
        t = np.arange(note.samples(rate)) / rate
        turns = 440 * 2 ** ((note.pitch - 69) / 12) * t
        sound = np.sin(2 * np.pi * turns) if preset["wave"] == "sine" else 2 * (turns % 1) - 1
        release = np.exp(-np.maximum(t - note.hold, 0) / 0.02)
        level = 10 ** (float(preset["gain"]) / 20) * note.velocity / 127
        return (level * sound * np.exp(-t / float(preset["decay"])) * release).astype(np.float32)
