"""Plays a plug-in that is not known yet, and tells whether two of its sounds differ."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from ..engines import Note
from ..errors import EngineError, RenderError
from ..hosts import HostProcess
from ..metrics import metrics

__all__ = ["NOTE", "RATE", "Trial", "is_silent"]

RATE = 44_100
NOTE = Note(pitch=57, velocity=90, hold=0.35, length=0.7)
_PITCHES = (57, 36, 84)
_SILENT = 1e-5  # full scale
_SAME = 1e-4  # of the peak, -80 dB
_TIMED = 5  # renders


@dataclass
class Trial:
    """A plug-in on trial.

    Args:
        host: Where it runs.
        noise_floor_db: Distance of two renders of one preset, see `measure_noise`.
        faults: What went wrong on the way, by cause, and how often.
    """

    host: HostProcess
    noise_floor_db: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)

    def play(
        self, values: Mapping[int, float], note: Note | None = NOTE, pitch: int | None = None, rest: bytes = b""
    ) -> np.ndarray:
        """Returns the sound of some values, mono, shape `(T,)`.

        Args:
            values: By index.
            note: What to play; no key is pressed if None.
            pitch: Another key.
            rest: A preset in the plug-in's own format, to load first.

        Raises:
            RenderError: If the plug-in crashes or hangs on them.
        """
        key = note or NOTE
        asked = {
            "pitch": (pitch or key.pitch) if note else None,
            "velocity": key.velocity,
            "hold": key.hold,
            "samples": key.samples(RATE),
            "mono": True,
            "values": list(values.items()),
        }
        answer = self.host.ask("render", asked, rest, rate=RATE)
        if not answer.facts["channels"]:
            raise EngineError(f"{self.host.name}: has no audio output")
        return np.frombuffer(answer.data, np.float32)

    def tried(self, values: Mapping[int, float]) -> np.ndarray | None:
        """Returns the sound of some values, or None if the plug-in cannot play them, which is noted."""
        try:
            return self.play(values)
        except RenderError as error:
            cause = str(error).removeprefix(f"{self.host.name}: ")
            self.faults[cause] = self.faults.get(cause, 0) + 1
            return None

    def differ(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Returns whether two sounds differ by more than the plug-in's own chance."""
        if self.noise_floor_db:
            return _distance(a, b) > 3 * self.noise_floor_db + 0.1
        return bool(np.abs(a - b).max() > _SAME * max(np.abs(a).max(), np.abs(b).max(), _SILENT))

    def check_it_is_a_synth(self, inputs: int) -> None:
        """Makes sure that keys make a sound.

        Args:
            inputs: How many channels of sound it takes in.

        Raises:
            EngineError: If they do not.
        """
        sounds = [self.play({}, pitch=pitch) for pitch in _PITCHES]
        heard = [sound for sound in sounds if not is_silent(sound)]
        if not heard and inputs:
            raise EngineError(
                f"{self.host.name}: an effect, not a synth: it has {inputs} inputs and is silent when keys are pressed"
            )
        if not heard:
            raise EngineError(
                f"{self.host.name}: silent, whichever of the keys {', '.join(map(str, _PITCHES))} is pressed"
            )
        if not self.differ(sounds[0], self.play({}, None)):
            raise EngineError(f"{self.host.name}: not a synth: it sounds the same whether a key is pressed or not")

    def measure_noise(self, others: list[dict[int, float]], fresh: Mapping[int, float] | None = None) -> None:
        """Plays a preset again, after itself and after others, and notes the largest distance.

        Args:
            others: What is played in between.
            fresh: All values of the preset; what a plug-in has when it is loaded if None.
        """
        values = fresh or {}
        first, second = self.play(values), self.play(values)
        for other in others:
            self.tried(other)
        again = self.play(values)
        if not (np.array_equal(first, second) and np.array_equal(first, again)):
            self.noise_floor_db = max(_distance(first, second), _distance(first, again), 0.01)

    def measure_speed(self) -> float:
        """Returns how many notes of four seconds it plays in a second."""
        self.play({}, Note())
        start = time.perf_counter()
        for _ in range(_TIMED):
            self.play({}, Note())
        return _TIMED / (time.perf_counter() - start)


def is_silent(sound: np.ndarray) -> bool:
    """Returns whether nothing is to be heard."""
    return float(np.abs(sound).max()) < _SILENT


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Log-mel L1, to which level does not matter, and the difference of levels, in dB."""
    one, two = (torch.from_numpy(np.array(sound))[None] for sound in (a, b))
    levels = [20 * np.log10(max(float(np.sqrt(np.mean(sound**2))), _SILENT)) for sound in (a, b)]
    return float(metrics["log_mel_l1"](one, two, RATE)) + abs(levels[0] - levels[1])
