"""The pitch of a sound over time, in semitones, exact enough to read its harmonics along it."""

from dataclasses import dataclass, replace

import numpy as np

from ..audio.pitch.contour import FRAME
from ..audio.pitch.estimate import Pitch, PitchEvidence, gather, pitch_from
from ..audio.pitch.remarks import vibrato

__all__ = ["PitchTrack", "follow_pitch", "harmonic_powers"]

_BLOCK = 0.005  # seconds between two pitches of a track
_HARMONICS = 8  # that tell the pitch: higher ones are too soft, or their turns are too fast to count
_SMOOTH = 9  # blocks
_ROUNDS = 2
_VOICED = 0.5  # confidence of a frame that counts
_AROUND = 1.5  # semitones from a steady pitch that a frame may be, else it is an octave error
_STEADY = 0.35  # semitones: what a contour moves less by is its own noise
_HIGHEST_KEYS = 4_000.0  # Hz
_EMPTY = 1e-3  # share of power in harmonics that are as good as missing
_MISSING = 1e-3  # of the loudest: a harmonic that is missing
_LOWEST_MISSING = 4  # number of the lowest harmonic of what may be several notes
_MOST_STEP = 0.5  # semitones that one round may correct a block by


@dataclass(frozen=True)
class PitchTrack:
    """What the pitch does.

    Args:
        times: Seconds, rising, shape `(N,)`.
        pitch: In semitones, 69 at 440 Hz, shape `(N,)`.
        middle: The pitch that the key of the note plays, in semitones.
        remark: What is odd about the pitch, in one plain line; "" if nothing is.
    """

    times: np.ndarray
    pitch: np.ndarray
    middle: float
    remark: str = ""

    @property
    def hz(self) -> float:
        """The pitch that the key plays, in Hz."""
        return 440 * 2 ** ((self.middle - 69) / 12)

    @property
    def moves(self) -> float:
        """Semitones between its lowest and its highest pitch, without the outermost hundredths."""
        low, high = np.quantile(self.pitch, [0.01, 0.99])
        return float(high - low)

    def cycles(self, count: int, rate: int) -> np.ndarray:
        """Returns how many periods have passed at each sample, shape `(count,)`."""
        hz = 440 * 2 ** ((np.interp(np.arange(count) / rate, self.times, self.pitch) - 69) / 12)
        return np.concatenate([[0.0], np.cumsum(hz[:-1])]) / rate


def follow_pitch(samples: np.ndarray, rate: int, note: float | None = None) -> tuple[Pitch, PitchTrack | None]:
    """Returns what pitch a sound has, and its track; None for a sound without a pitch.

    The contour of `audio.pitch` says roughly where the pitch is. It is then corrected by how fast the phases of the
    first harmonics turn, measured along it, which is exact to about a cent.

    Args:
        samples: Mono, shape `(T,)`, without silence before it.
        rate: Sample rate, in Hz.
        note: The pitch in semitones where it is known; estimated if None.
    """
    found = gather(samples, rate)
    pitch = pitch_from(found)
    sounding = pitch.sounding if note is None else note
    remark = pitch.remark
    if note is None and sounding is not None:
        powers = harmonic_powers(samples, rate, 440 * 2 ** ((sounding - 69) / 12))
        factor = _every(powers)
        sounding += 12 * np.log2(factor)
        lowest = int(np.argmax(powers[factor - 1 :: factor] > _MISSING * powers.max())) + 1
        hz = 440 * 2 ** ((sounding - 69) / 12)
        if hz > _HIGHEST_KEYS and not remark:
            remark = f"the fundamental is {hz:,.0f} Hz: above 4 kHz no octave is sure, and higher keys are hardly heard"
        if lowest >= _LOWEST_MISSING and not remark:
            remark = f"its first {lowest - 1} harmonics are missing: it may be several notes, or its pitch higher"
    if sounding is None or 440 * 2 ** ((sounding - 69) / 12) > rate / 4:
        return pitch, None
    times = np.arange(0, len(samples) / rate + _BLOCK, _BLOCK)
    rough = _rough(found, sounding, times, known=note is not None)
    refined = _refined(samples, rate, times, rough)
    middle = sounding
    if np.ptp(rough) < 2 * _AROUND:
        # of a steady pitch or a vibrato: the mean where it is loud
        level = np.interp(times, *_levels(samples, rate))
        middle = float(np.average(refined, weights=level + 1e-9))
    return replace(pitch, remark=remark), PitchTrack(times, refined, middle, remark)


def harmonic_powers(samples: np.ndarray, rate: int, hz: float, most: int = 32) -> np.ndarray:
    """Returns the power of each harmonic above what is between them, in the whole sound, shape `(H,)`.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        hz: The pitch.
        most: Number of harmonics, at most.
    """
    size = 2 ** int(np.clip(np.ceil(np.log2(6 * rate / hz)), 11, 15))
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2][:32]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1))).mean(0)
    step = hz * size / rate  # bins from harmonic to harmonic
    count = max(1, min(most, int((len(power) - 1) / step - 0.5)))
    powers = np.zeros(count)
    for k in range(1, count + 1):
        reach = min(2 + 0.01 * k * step, 0.3 * step)
        here = power[int(k * step - reach) : int(np.ceil(k * step + reach)) + 1]
        beside = power[int((k - 0.5) * step) : int((k + 0.5) * step) + 2]
        powers[k - 1] = max(0.0, float(here.max() - 2 * np.median(beside)))
    return powers


def _every(powers: np.ndarray) -> int:
    """How many times too low a pitch is: 2 if only every second harmonic is there, and so on."""
    factor = 1
    for step in (2, 3, 2):
        kept = powers[factor - 1 :: factor]
        if len(kept) < step:
            continue
        there = float(kept[step - 1 :: step].sum())
        if float(kept.sum()) - there < _EMPTY * there:
            factor *= step
    return factor


def _rough(found: PitchEvidence, sounding: float, times: np.ndarray, *, known: bool) -> np.ndarray:
    """The contour without octave errors, at `times`; a steady pitch where it tells none."""
    contour = found.motion
    heard = np.flatnonzero(contour.confidence >= _VOICED)
    if len(heard) < 3:
        return np.full(len(times), sounding)
    pitch = contour.pitch[heard]
    usual = float(np.median(pitch))
    if known or abs(usual - sounding) > _AROUND:
        pitch = pitch + 12 * round((sounding - usual) / 12)
    line = contour.line
    travels = float(np.ptp(line)) if len(line) else 0.0
    near = np.abs(pitch - sounding) < max(_AROUND, travels + 0.5)
    if near.sum() < 3:
        return np.full(len(times), sounding)
    pitch = pitch[near]
    at = (heard[near] + 0.5) * FRAME
    if np.ptp(np.quantile(pitch, [0.1, 0.9])) < _STEADY and not vibrato(line):
        return np.full(len(times), sounding)
    padded = np.pad(pitch, 1, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)
    return np.interp(times, at, smooth)


def _refined(samples: np.ndarray, rate: int, times: np.ndarray, rough: np.ndarray) -> np.ndarray:
    pitch = rough
    for _ in range(_ROUNDS):
        pitch = pitch + _correction(samples, rate, times, pitch)
    return pitch


def _correction(samples: np.ndarray, rate: int, times: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Semitones by which the pitch is higher than `pitch` at `times`, by how the phases of harmonics turn."""
    track = PitchTrack(times, pitch, float(np.median(pitch)))
    block = round(_BLOCK * rate)
    count = len(samples) // block
    period = 1 / track.hz
    # The window has to be two periods long at least, or neighbouring harmonics turn into it.
    size = max(_SMOOTH, 2 * round(2 * period / _BLOCK) + 1)
    if count < max(size, 2 * _SMOOTH):
        return np.zeros(len(times))
    turn = np.exp(-2j * np.pi * track.cycles(count * block, rate)).astype(np.complex64)
    sound = samples[: count * block].astype(np.complex64)
    window = np.hanning(size + 2)[1:-1]
    highest = max(1, min(_HARMONICS, int(0.45 * rate / track.hz)))
    turned = np.zeros(count - 1)
    weight = np.zeros(count - 1)
    for k in range(1, highest + 1):
        sound = sound * turn
        smooth = np.convolve(sound.reshape(count, block).sum(1), window, "same")
        step = smooth[1:] * smooth[:-1].conj()
        turned += k * np.abs(step) * np.angle(step)
        weight += k**2 * np.abs(step)
    # averaged again by loudness, so that soft blocks follow their loud neighbours
    around = np.hanning(_SMOOTH + 2)[1:-1]
    hz = np.convolve(turned, around, "same") / (np.convolve(weight, around, "same") + 1e-12 * weight.max() + 1e-30)
    hz = np.interp(times, (np.arange(count - 1) + 1) * _BLOCK, hz / (2 * np.pi * _BLOCK))
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    # a turn is a move of f0 by `hz`, as each harmonic counted k times
    return np.clip(12 * np.log2(np.maximum(1 + hz / frequency, 0.5)), -_MOST_STEP, _MOST_STEP)


def _levels(samples: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    block = max(1, round(0.01 * rate))
    count = max(1, len(samples) // block)
    power = np.square(np.resize(samples, count * block)).reshape(count, block).mean(1)
    return (np.arange(count) + 0.5) * block / rate, np.sqrt(power)
