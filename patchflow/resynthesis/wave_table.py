"""What plays: wavetables as Vital interpolates them, with frames where the sound changes, and loops of noise."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .course import FRAMES
from .spectra import band_levels, bands_of, line_amplitudes

__all__ = [
    "FADE_SAMPLES",
    "SIZE",
    "NoiseLoop",
    "Voice",
    "WaveTable",
    "band_gap",
    "choose_frames",
    "fitted",
    "mixed",
    "noise_loop",
    "pitch_points",
]

SIZE = 2_048
"""Samples of a frame."""

FADE_SAMPLES = 308
"""Samples in which Vital fades from one frame to the next, at 44.1 kHz."""

_TRIED = 9  # places of a stretch that are tried as the next moment
_FLOOR = 1e-8  # of the largest power: what lies below is not fitted
_MOST_GAIN = 4.0  # by which a round may change an amplitude

_HEARD = 1e-6  # the same where two sounds are compared
_LOOP_SAMPLES = 2**15  # 0.74 s at 44.1 kHz: long enough that nobody notices the repetition, 87 KB in a file
_LOOP_PEAK = 0.5
_LOOP_SPACING = 10.0  # Hz from one point of the spectrum to the next
_LOUD = 0.05  # of the largest power, from which on a moment counts for the spectrum


def choose_frames(
    count: int, most: int, error: Callable[[int, int], np.ndarray], *, least: float, fixed: tuple[int, ...] = ()
) -> np.ndarray:
    """Returns the places of a curve between which straight lines miss it least, found from coarse to fine.

    The stretch with the largest error is split where that leaves the least of it, again and again.

    Args:
        count: Number of places.
        most: How many are chosen at most.
        error: For a stretch from one place to another the errors of all places between, at least 0.
        least: Mean error of a place at which it is enough.
        fixed: Places that have to be among them, beside the first and the last.

    Returns:
        Places, rising, shape `(K,)`.
    """
    chosen = sorted({0, count - 1, *fixed})
    errors = {}
    for first, last in itertools.pairwise(chosen):
        errors[first, last] = error(first, last)
    while len(chosen) < most and sum(float(part.sum()) for part in errors.values()) > least * count:
        first, last = max(errors, key=lambda stretch: float(errors[stretch].sum()))
        if last - first < 2 or not errors[first, last].sum():
            break
        tried = np.unique(np.linspace(first + 1, last - 1, _TRIED).astype(int)).tolist()
        tried.append(first + 1 + int(errors[first, last].argmax()))
        halves = {place: (error(first, place), error(place, last)) for place in tried}
        best = min(halves, key=lambda place: float(halves[place][0].sum() + halves[place][1].sum()))
        del errors[first, last]
        errors[first, best], errors[best, last] = halves[best]
        chosen = sorted([*chosen, best])
    return np.array(chosen)


def pitch_points(times: np.ndarray, pitch: np.ndarray, weight: np.ndarray, *, most: int, least: float) -> np.ndarray:
    """Returns the places of a pitch track between which straight lines miss it least.

    Args:
        times: Seconds, rising, shape `(N,)`.
        pitch: In semitones, shape `(N,)`.
        weight: How much each place counts, shape `(N,)`.
        most: How many are chosen at most.
        least: Mean miss in weighted semitones at which it is enough.
    """

    def error(first: int, last: int) -> np.ndarray:
        between = slice(first + 1, last)
        line = np.interp(times[between], times[[first, last]], pitch[[first, last]])
        return np.abs(line - pitch[between]) * weight[between]

    return choose_frames(len(times), most, error, least=least)


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
        kind: What it has: `"harmonics"` of the pitch, or close `"lines"`.
    """

    table: WaveTable
    hz: float
    cycles: np.ndarray
    kind: Literal["harmonics", "lines"]

    def play(self, places: np.ndarray) -> np.ndarray:
        """Returns the sound of a way through the table, one place a sample, shape `(T,)`.

        As Vital does it: every 7 ms, it takes the nearest frame and fades to its wave.
        """
        waves = self.table.all_waves()
        waves = np.concatenate([waves, waves[:, :1]], axis=1)
        at = np.arange(len(places))
        turns = at // FADE_SAMPLES
        ends = np.minimum(np.arange(1, len(places) // FADE_SAMPLES + 2) * FADE_SAMPLES, len(places) - 1)
        frames = np.round(places[ends]).astype(np.int32)
        frames[0] = round(float(places[0]))
        after = frames[turns]
        before = frames[np.maximum(turns - 1, 0)]
        across = ((at % FADE_SAMPLES + 1) / FADE_SAMPLES).astype(np.float32)
        phase = np.mod(self.cycles[: len(places)], 1.0) * SIZE
        sample = np.minimum(phase.astype(np.int32), SIZE - 1)
        along = (phase - sample).astype(np.float32)
        flat = waves.ravel()
        first = before * (SIZE + 1) + sample
        second = after * (SIZE + 1) + sample
        low = flat[first] * (1 - along) + flat[first + 1] * along
        high = flat[second] * (1 - along) + flat[second + 1] * along
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


def band_gap(sound: np.ndarray, target: np.ndarray, rate: int) -> float:
    """Returns how far the bands of two sounds are apart, in dB, until the shorter one ends.

    Args:
        sound: Shape `(T,)`.
        target: The sound that it should be like, shape `(T,)`.
        rate: Sample rate of both, in Hz.
    """
    size = min(len(sound), len(target))
    times = np.arange(0, size / rate, max(0.02, size / rate / 150))
    wanted = band_levels(target[:size], rate, times)
    floor = _HEARD * max(float(wanted.max()), 1e-20)
    heard = band_levels(sound[:size], rate, times)
    return float(np.abs(10 * np.log10((heard + floor) / (wanted + floor))).mean())


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


@dataclass(frozen=True)
class NoiseLoop:
    """Noise that is made, not recorded.

    Args:
        samples: One turn, which begins where it ends; shape `(S,)`.
        levels: What it is multiplied with at each moment of a note, shape `(K,)`.
    """

    samples: np.ndarray
    levels: np.ndarray

    def play(self, times: np.ndarray, moments: np.ndarray, rate: int) -> np.ndarray:
        """Returns the noise at each of evenly spaced times.

        Args:
            times: Seconds, from 0 on, shape `(T,)`.
            moments: Seconds of `levels`.
            rate: Sample rate, in Hz.
        """
        # Vital's levels are quadratic: lines between their roots.
        level = np.square(np.interp(times, moments, np.sqrt(self.levels)))
        at = np.round(times * rate).astype(int) % len(self.samples)
        return (self.samples[at] * level).astype(np.float32)


def noise_loop(residual: np.ndarray, rate: int, times: np.ndarray, moments: np.ndarray, seed: int = 0) -> NoiseLoop:
    """Returns a loop that sounds as a residual does on the whole.

    Its spectrum is the mean of the residual's where that is loud, its phases are random.

    Args:
        residual: What is not harmonic of a sound, shape `(T,)`.
        rate: Sample rate, in Hz.
        times: Seconds at which it is measured, shape `(N,)`.
        moments: Seconds at which levels are wanted, shape `(K,)`.
        seed: Of the random numbers.
    """
    lines = line_amplitudes(residual, rate, _LOOP_SPACING, times, most=int(0.49 * rate / _LOOP_SPACING))
    power = np.square(lines).sum(1)
    loud = power > _LOUD * max(float(power.max()), 1e-20)
    mean = np.sqrt((np.square(lines[loud]) / np.maximum(power[loud, None], 1e-20)).mean(0))
    frequencies = np.fft.rfftfreq(_LOOP_SAMPLES, 1 / rate)
    shape = np.interp(frequencies, _LOOP_SPACING * np.arange(1, len(mean) + 1), mean, left=0.0, right=0.0)
    phases = np.random.default_rng(seed).uniform(-np.pi, np.pi, len(shape))
    samples = np.fft.irfft(shape * np.exp(1j * phases), _LOOP_SAMPLES)
    samples *= _LOOP_PEAK / max(float(np.abs(samples).max()), 1e-12)
    own = float(np.square(samples).mean())
    # sines of amplitude A have a power of A^2 / 2
    levels = np.sqrt(np.maximum(np.interp(moments, times, power / 2), 0) / max(own, 1e-20))
    return NoiseLoop(samples.astype(np.float32), levels)
