"""Plays a plug-in that is not known yet, and decides whether two of its sounds differ."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..engines import Note
from ..errors import EngineError, RenderError
from ..hosts import HostProcess
from ..metrics import metrics

__all__ = ["NOTE", "TRIAL_RATE", "Trial", "distance_db", "is_silent"]

TRIAL_RATE = 44_100
NOTE = Note(pitch=57, velocity=90, hold=0.35, length=0.7)
_PITCHES = (57, 36, 84)  # some plug-ins play a part of the keyboard only
_SILENT = 1e-5  # full scale, -100 dB
_SAME = 1e-4  # of the peak, -80 dB
_TIMED = 5  # renders
_LEAST = 0.01  # dB between two sounds that are not the same to the last bit


@dataclass
class Trial:
    """A plug-in on trial.

    Args:
        host: Where it runs.
        noise_floor_db: Distance of two renders of one preset, see `measure_noise` and `measure_memory`.
        faults: How often renders failed, by cause.
    """

    host: HostProcess
    noise_floor_db: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)

    def play(
        self, values: Mapping[int, float], note: Note | None = NOTE, pitch: int | None = None, state: bytes = b""
    ) -> np.ndarray:
        """Returns the sound of some values, mono, shape `(T,)`.

        Args:
            values: By index.
            note: What to play; no key is pressed if None.
            pitch: Another key.
            state: A preset in the plug-in's own format, to load first.

        Raises:
            RenderError: If the plug-in crashes or hangs on them.
        """
        key = note or NOTE
        asked = {
            "pitch": (pitch or key.pitch) if note else None,  # None presses no key
            "velocity": key.velocity,
            "hold": key.hold,
            "samples": key.samples(TRIAL_RATE),
            "mono": True,
            "values": list(values.items()),
        }
        answer = self.host.ask("render", asked, state, rate=TRIAL_RATE)
        if not answer.facts["channels"]:
            raise EngineError(f"{self.host.name}: has no audio output")
        return np.frombuffer(answer.data, np.float32)

    def tried(self, values: Mapping[int, float], note: Note = NOTE) -> np.ndarray | None:
        """Returns the sound of some values, or None if the plug-in cannot play them, which is counted."""
        try:
            return self.play(values, note)
        except RenderError as error:
            cause = str(error).removeprefix(f"{self.host.name}: ")
            self.faults[cause] = self.faults.get(cause, 0) + 1
            return None

    def differ(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Returns whether two sounds differ by more than two renders of one preset do."""
        # An exact plug-in may be compared sample by sample; one with random phases by spectra only.
        if self.noise_floor_db:
            return distance_db(a, b) > 3 * self.noise_floor_db + 0.1
        loudest = max(np.abs(a).max(), np.abs(b).max(), _SILENT)
        return bool(np.abs(a - b).max() > _SAME * loudest)

    def check_it_is_a_synth(self, inputs: int, *, instrument: bool = False) -> None:
        """Checks that keys make a sound.

        Args:
            inputs: How many channels of sound it takes in.
            instrument: Whether it says that it is an instrument; some take in sound beside keys.

        Raises:
            EngineError: If they do not.
        """
        sounds = [self.play({}, pitch=pitch) for pitch in _PITCHES]
        silent = all(is_silent(sound) for sound in sounds)
        if silent and inputs and not instrument:
            raise EngineError(
                f"{self.host.name}: an effect, not a synth: it has {inputs} inputs and is silent when keys are pressed"
            )
        if silent:
            raise EngineError(
                f"{self.host.name}: silent, whichever of the keys {', '.join(map(str, _PITCHES))} is pressed: "
                "its fresh preset has no sound, as that of a sampler without samples"
            )
        if not self.differ(sounds[0], self.play({}, None)):
            raise EngineError(f"{self.host.name}: not a synth: it sounds the same whether a key is pressed or not")

    def measure_noise(self, others: Sequence[dict[int, float]]) -> None:
        """Plays the fresh preset again, after itself and after others, and notes the largest distance.

        Args:
            others: What is played in between.
        """
        first = self.play({})
        second = self.play({})
        for other in others:
            self.tried(other)
        again = self.play({})
        self.noise_floor_db = max(distance_db(first, second), distance_db(first, again))

    def measure_memory(self, presets: Sequence[Mapping[int, float]], fresh: Sequence[np.ndarray | None]) -> None:
        """Plays presets in a shuffled order, twice each, and notes the largest distance from a fresh plug-in's sounds.

        Args:
            presets: All values of each: a plug-in that is reused keeps those of the preset before.
            fresh: Their sounds, each of a plug-in that has played nothing before; None for those it cannot play.
        """
        order = np.random.default_rng(3).permutation(2 * len(presets)) % len(presets)
        for place in order.tolist():
            wanted = fresh[place]
            sound = self.tried(presets[place])
            if sound is not None and wanted is not None:
                self.noise_floor_db = max(self.noise_floor_db, distance_db(sound, wanted))

    def measure_speed(self) -> float:
        """Returns how many notes of four seconds it plays in a second."""
        self.play({}, Note())  # the first is slower
        start = time.perf_counter()
        for _ in range(_TIMED):
            self.play({}, Note())
        return _TIMED / (time.perf_counter() - start)


def is_silent(sound: np.ndarray) -> bool:
    """Returns whether the peak is below -100 dB."""
    return float(np.abs(sound).max()) < _SILENT


def distance_db(a: np.ndarray, b: np.ndarray) -> float:
    """Returns log-mel L1, which ignores level, plus the difference of levels; 0 only if all samples are the same."""
    if np.array_equal(a, b):
        return 0.0
    spectral = float(metrics["log_mel_l1"](_as_batch(a), _as_batch(b), TRIAL_RATE))
    return max(spectral + abs(_level_db(a) - _level_db(b)), _LEAST)


def _as_batch(sound: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(sound))[None]  # a copy, because the host's memory is read-only


def _level_db(sound: np.ndarray) -> float:
    rms = float(np.sqrt(np.mean(sound**2)))
    return 20 * np.log10(max(rms, _SILENT))
