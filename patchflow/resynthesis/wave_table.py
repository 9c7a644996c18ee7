"""A wavetable as Vital plays it, and how it is fitted until it sounds like a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .keyframes import FRAMES
from .lines import band_levels, bands_of

__all__ = ["SIZE", "Voice", "WaveTable", "fitted", "mixed", "steady_phases", "wandering_phases"]

SIZE = 2_048
"""Samples of a frame."""

_FLOOR = 1e-8  # of the largest power: what lies below is not fitted
_MOST_GAIN = 4.0  # by which a round may change an amplitude
_MOST_WANDER = 0.7  # share of the distance to the next line that a line may be off


@dataclass(frozen=True)
class WaveTable:
    """Frames, each a sum of harmonics.

    Args:
        places: Of the frames, 0 to 256, rising, shape `(K,)`.
        amplitudes: Shape `(K, H)`, that of the fundamental first.
        phases: In radians, shape `(K, H)`.
    """

    places: np.ndarray
    amplitudes: np.ndarray
    phases: np.ndarray

    def waves(self) -> np.ndarray:
        """Returns one period of each frame, float32 of shape `(K, SIZE)`."""
        return _waves(self.amplitudes, self.phases)

    def all_waves(self) -> np.ndarray:
        """Returns what Vital has at each place, float32 of shape `(257, SIZE)`.

        Between two frames it takes square roots of amplitudes and the shorter ways from phase to phase. So frames of
        unlike phases do not cancel each other: a phase that goes on from frame to frame is another frequency.
        """
        places = np.arange(FRAMES)
        after = np.clip(np.searchsorted(self.places, places, side="right"), 1, max(len(self.places) - 1, 1))
        if len(self.places) == 1:
            return np.repeat(self.waves(), FRAMES, axis=0)
        before = after - 1
        apart = self.places[after] - self.places[before]
        share = np.clip((places - self.places[before]) / apart, 0, 1)[:, None]
        root = np.sqrt(self.amplitudes)
        amplitudes = np.square(root[before] + share * (root[after] - root[before]))
        turn = np.mod(self.phases[after] - self.phases[before] + np.pi, 2 * np.pi) - np.pi
        return _waves(amplitudes, self.phases[before] + share * turn)

    def scaled(self, gains: np.ndarray) -> "WaveTable":
        """Returns the table with amplitudes multiplied by gains, shape `(K, H)`."""
        return replace(self, amplitudes=(self.amplitudes * gains).astype(np.float32))


@dataclass(frozen=True)
class Voice:
    """An oscillator that plays a wavetable.

    Args:
        table: The wavetable.
        hz: Frequency of its fundamental at the note of the recording, in Hz.
        cycles: Periods that have passed at each sample, shape `(T,)`.
    """

    table: WaveTable
    hz: float
    cycles: np.ndarray

    def play(self, places: np.ndarray) -> np.ndarray:
        """Returns the sound of a way through the table, one place a sample, shape `(T,)`."""
        waves = self.table.all_waves()
        waves = np.concatenate([waves, waves[:, :1]], axis=1)
        frame = np.minimum(places.astype(np.int32), FRAMES - 2)
        across = (places - frame).astype(np.float32)
        phase = np.mod(self.cycles[: len(places)], 1.0) * SIZE
        sample = np.minimum(phase.astype(np.int32), SIZE - 1)
        along = (phase - sample).astype(np.float32)
        flat = waves.ravel()
        at = frame * (SIZE + 1) + sample
        low = flat[at] * (1 - along) + flat[at + 1] * along
        at += SIZE + 1
        high = flat[at] * (1 - along) + flat[at + 1] * along
        return low * (1 - across) + high * across


def mixed(voices: Sequence[Voice], places: np.ndarray) -> np.ndarray:
    """Returns what voices sound like together, shape `(T,)`."""
    total = np.zeros(len(places), np.float32)
    for voice in voices:
        total += voice.play(places)
    return total


def fitted(
    voices: Sequence[Voice],
    target: np.ndarray,
    rate: int,
    places: np.ndarray,
    *,
    rounds: int,
    beside: np.ndarray | None = None,
) -> tuple[Voice, ...]:
    """Returns voices whose bands are as loud as those of a target, frame by frame.

    What is analysed by windows is smeared by them. So the voices are played, compared, and their frames corrected, band
    by band.

    Args:
        voices: Oscillators that go through their tables together.
        target: The recording, shape `(T,)`.
        rate: Sample rate, in Hz.
        places: Where in the tables they are, at each sample, rising, shape `(T,)`.
        rounds: How often.
        beside: What sounds beside them, shape `(T,)`.
    """
    times = np.arange(0, len(target) / rate, max(0.005, len(target) / rate / 700))
    rounds = rounds if voices else 0
    wanted = band_levels(target, rate, times)
    at = np.interp(times, np.arange(len(places)) / rate, places)
    floor = _FLOOR * max(float(wanted.max()), 1e-20)
    voices = tuple(voices)
    for _ in range(rounds):
        sound = mixed(voices, places)
        heard = band_levels(sound if beside is None else sound + beside, rate, times)
        missing = np.log((wanted + floor) / (heard + floor)) / 2
        fresh = []
        for voice in voices:
            nearness = _nearness(voice.table.places, at)
            gains = np.exp(np.clip(nearness @ missing, -np.log(_MOST_GAIN), np.log(_MOST_GAIN)))
            bands = bands_of(voice.hz * np.arange(1, voice.table.amplitudes.shape[1] + 1), rate)
            fresh.append(replace(voice, table=voice.table.scaled(gains[:, bands])))
        voices = tuple(fresh)
    return voices


def steady_phases(count: int, harmonics: int) -> np.ndarray:
    """Returns phases of a wave that is never loud for long, the same in all frames, shape `(count, harmonics)`.

    References:
        Schroeder, Synthesis of low-peak-factor signals (1970), https://doi.org/10.1109/TIT.1970.1054411
    """
    k = np.arange(1, harmonics + 1)
    return np.tile(np.pi * k * k / max(harmonics, 1), (count, 1))


def wandering_phases(moments: np.ndarray, harmonics: int, hz: float, seed: int = 0) -> np.ndarray:
    """Returns phases that wander from frame to frame, so that lines become noise, shape `(K, harmonics)`.

    A phase that moves is a frequency that is off: each line is off by as much as its neighbours are far, at most, and
    by something else in each stretch.

    Args:
        moments: Seconds of the frames, shape `(K,)`.
        harmonics: Number of lines.
        hz: From line to line.
        seed: Of the random numbers.
    """
    random = np.random.default_rng(seed)
    first = random.uniform(-np.pi, np.pi, (1, harmonics))
    furthest = np.minimum(np.pi, np.pi * _MOST_WANDER * hz * np.diff(moments))[:, None]
    steps = random.uniform(-1, 1, (len(moments) - 1, harmonics)) * furthest
    return np.concatenate([first, first + np.cumsum(steps, axis=0)])


def _nearness(places: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How much each moment counts for each frame, all together 1 for a frame, shape `(K, N)`."""
    spread = np.empty((len(places), len(at)))
    for frame in range(len(places)):
        corner = np.zeros(len(places))
        corner[frame] = 1.0
        spread[frame] = np.interp(at, places, corner)
    nearest = np.abs(places[:, None] - at[None]).argmin(1)
    spread[np.arange(len(places)), nearest] += 1e-6  # a frame that is passed between two moments
    return spread / spread.sum(1, keepdims=True)


def _waves(amplitudes: np.ndarray, phases: np.ndarray) -> np.ndarray:
    spectra = np.zeros((len(amplitudes), SIZE // 2 + 1), np.complex64)
    spectra[:, 1 : amplitudes.shape[1] + 1] = amplitudes * (SIZE / 2) * np.exp(1j * phases.astype(np.float32))
    return np.fft.irfft(spectra, SIZE, axis=1).astype(np.float32)
