"""Takes a sound apart: harmonics of its pitch, the rest as close lines, and steady tones among these."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from .pitch_track import PitchTrack

__all__ = [
    "SPACING",
    "Parts",
    "Tones",
    "band_levels",
    "bands_of",
    "buzz",
    "divisor",
    "find_tones",
    "gathered",
    "line_amplitudes",
    "line_phases",
    "steady_tones",
    "take_apart",
]

_REACH_S = 0.03  # seconds either way over which periods are averaged
_LEAST_PERIODS = 2  # periods either way, at least
_MOST_PERIODS = 16
_HIGHEST = 0.47  # share of the sample rate up to which there are harmonics
_SPLINE_ORDER = 3  # of the splines that samples between samples are read by

SPACING = 21.533
"""Hz from line to line, about: 1,024 of them reach 22 kHz."""

# Low lines are told apart by long windows, high ones followed in time by short ones: seconds, and the frequency up to
# which they are used.
_WINDOWS = ((0.093, 500.0), (0.046, 1_800.0), (0.023, 5_000.0), (0.0116, np.inf))
_PERIODS = 2  # of the distance between lines that a window for their phases has
_BANDS_OCTAVE = 6
_LOWEST = 60.0  # Hz, below which all is one band

_TONE_SIZE = 16_384  # samples of a window: 0.37 s at 44.1 kHz
_LEAST_TONE_SIZE = 2_048
_PEAK = 10 ** (14 / 20)  # of a tone above the median of its neighbourhood, in magnitude
_NEIGHBOURS = 12
_SOFTEST = 1e-5  # of the largest power
_MOST_TONES = 60
_TONE_SPREAD = 1.6  # lines either way that the window smears a tone over
_BUZZ_RATES = (14.0, 40.0)  # turns a second of a level that are rough or buzz
_BUZZ_FRAME_S = 0.004
_SPACINGS = (0.62, 1.45)  # spacings of lines that are tried, relative to the usual one


@dataclass(frozen=True)
class Parts:
    """A sound as a sum of two.

    Args:
        harmonic: What repeats with the period of the pitch, shape `(T,)`.
        residual: What does not, shape `(T,)`.
        times: Seconds at which `amplitudes` are known, rising, shape `(N,)`.
        amplitudes: Of each harmonic, the fundamental first, shape `(N, H)`.
        phases: Of each as a cosine of the periods that have passed since the beginning, shape `(N, H)`.
    """

    harmonic: np.ndarray
    residual: np.ndarray
    times: np.ndarray
    amplitudes: np.ndarray
    phases: np.ndarray

    @property
    def share(self) -> float:
        """How much of the power of the sound is harmonic, 0 to 1."""
        harmonic = float(np.square(self.harmonic).sum())
        return harmonic / max(harmonic + float(np.square(self.residual).sum()), 1e-20)


def take_apart(samples: np.ndarray, rate: int, track: PitchTrack, times: np.ndarray) -> Parts:
    """Returns the harmonic and the other part of a sound.

    Time is bent so that the pitch is constant and a period a whole number of samples. There, the harmonic part is
    the mean of neighbouring periods, weighed by a Hann window: a comb filter whose teeth are the harmonics. One period
    of it is all that a frame of a wavetable needs.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        track: Its pitch.
        times: Seconds at which harmonics are read, rising, shape `(N,)`.
    """
    cycles = track.cycles(len(samples), rate)
    highest = float(440 * 2 ** ((track.pitch.min() - 69) / 12))
    # As many samples a period as the longest period has, so that nothing is lost.
    period = max(8, int(np.ceil(rate / highest)))
    count = int(cycles[-1] * period) + 1
    places = np.interp(np.arange(count) / period, cycles, np.arange(len(samples)))
    bent = _read(samples, places)
    reach = int(np.clip(round(_REACH_S * track.hz), _LEAST_PERIODS, _MOST_PERIODS))
    combed = _combed(bent, period, reach)
    harmonic = _read(combed, cycles * period)

    centres = np.interp(times * rate, np.arange(len(samples)), cycles) * period
    most = max(1, int(_HIGHEST * rate / track.hz))
    spectra = _spectra(combed, centres, period)[:, :most]
    return Parts(harmonic, samples - harmonic, times, np.abs(spectra), np.angle(spectra))


def _combed(bent: np.ndarray, period: int, reach: int) -> np.ndarray:
    window = np.hanning(2 * reach + 3)[1:-1]
    total = np.zeros(len(bent))
    weight = np.zeros(len(bent))
    for shift, share in zip(range(-reach, reach + 1), window, strict=True):
        move = shift * period
        first = max(0, -move)
        last = min(len(bent), len(bent) - move)
        if first >= last:
            continue
        total[first:last] += share * bent[first + move : last + move]
        weight[first:last] += share
    return total / np.maximum(weight, 1e-9)


def _spectra(combed: np.ndarray, centres: np.ndarray, period: int) -> np.ndarray:
    """Complex amplitudes of harmonics of the period around each place, shape `(N, period // 2)`."""
    padded = np.pad(combed, (0, max(0, period - len(combed))))
    starts = np.clip(np.round(centres - period / 2).astype(int), 0, len(padded) - period)
    frames = np.lib.stride_tricks.sliding_window_view(padded, period)[starts]
    spectra = 2 / period * np.fft.rfft(frames, axis=1)[:, 1 : (period + 1) // 2]
    passed = starts[:, None] / period * np.arange(1, spectra.shape[1] + 1)
    return spectra * np.exp(-2j * np.pi * passed)


def _read(samples: np.ndarray, places: np.ndarray) -> np.ndarray:
    return map_coordinates(samples.astype(np.float64), [places], order=_SPLINE_ORDER, mode="constant")


def line_amplitudes(samples: np.ndarray, rate: int, hz: float, times: np.ndarray, most: int = 1_023) -> np.ndarray:
    """Returns the amplitudes of sines at multiples of `hz` that have the power of a sound around each of them.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        hz: From line to line.
        times: Seconds at which they are wanted, shape `(N,)`.
        most: Number of lines at most; they end below half the sample rate.

    Returns:
        Shape `(N, K)`, the line at `hz` first.
    """
    count = max(1, min(most, int(0.49 * rate / hz)))
    frequencies = hz * np.arange(1, count + 1)
    found = np.zeros((len(times), count), np.float32)
    lowest = 0.0
    for seconds, highest in _WINDOWS:
        wanted = (frequencies >= lowest) & (frequencies < highest)
        lowest = highest
        if not wanted.any():
            continue
        density, step = _density(samples, rate, times, seconds)
        edges = np.append(frequencies[wanted] - hz / 2, frequencies[wanted][-1] + hz / 2)
        power = np.diff(_power_below(density, edges / step, step), axis=1)
        found[:, wanted] = np.sqrt(2 * np.maximum(power, 0))
    return found


def line_phases(samples: np.ndarray, rate: int, hz: float, times: np.ndarray, count: int) -> np.ndarray:
    """Returns the phases of a sound at multiples of `hz`, as cosines that began at its first sample.

    Where the phase of a line moves from one time to the next, what sounds there is not quite at the line.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        hz: From line to line.
        times: Seconds at which they are wanted, shape `(N,)`.
        count: Number of lines.

    Returns:
        In radians, shape `(N, count)`, the line at `hz` first.
    """
    size = 2 * round(_PERIODS * rate / hz / 2)
    padded = np.pad(samples, size // 2).astype(np.float32)
    centres = np.clip(np.round(times * rate).astype(int), 0, len(samples))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[centres] * np.hanning(size + 1)[:-1]
    fine = 4 * size
    # Each window is turned so that its middle is the first sample: then phases hardly change from bin to bin.
    middle = np.concatenate([frames[:, size // 2 :], np.zeros((len(frames), fine - size)), frames[:, : size // 2]], 1)
    spectra = np.fft.rfft(middle.astype(np.float32), axis=1)
    k = np.arange(1, count + 1)
    at = k * hz * fine / rate
    low = np.minimum(at.astype(int), spectra.shape[1] - 2)
    here = spectra[:, low] + (at - low) * (spectra[:, low + 1] - spectra[:, low])
    return np.angle(here) - 2 * np.pi * k * hz * (centres[:, None] / rate)


def bands_of(frequencies: np.ndarray, rate: int) -> np.ndarray:
    """Returns the number of the band, of a sixth of an octave, of each frequency, shape `(K,)`."""
    top = _band_count(rate) - 1
    band = 1 + np.floor(_BANDS_OCTAVE * np.log2(np.maximum(frequencies, 1e-3) / _LOWEST))
    return np.clip(band, 0, top).astype(int)


def band_levels(samples: np.ndarray, rate: int, times: np.ndarray) -> np.ndarray:
    """Returns the power in each band around each time, by windows as for `line_amplitudes`; shape `(N, bands)`."""
    edges = np.concatenate([[0.0], _LOWEST * 2 ** (np.arange(_band_count(rate)) / _BANDS_OCTAVE)])
    edges = np.minimum(edges, rate / 2)
    levels = np.zeros((len(times), len(edges) - 1))
    lowest = 0.0
    for seconds, highest in _WINDOWS:
        wanted = np.flatnonzero((edges[:-1] >= lowest) & (edges[:-1] < highest))
        lowest = highest
        if not len(wanted):
            continue
        density, step = _density(samples, rate, times, seconds)
        below = _power_below(density, edges[wanted[0] : wanted[-1] + 2] / step, step)
        levels[:, wanted] = np.maximum(np.diff(below, axis=1), 0)
    return levels


def _band_count(rate: int) -> int:
    return int(np.ceil(_BANDS_OCTAVE * np.log2(min(rate / 2, 20_000) / _LOWEST))) + 1


def _density(samples: np.ndarray, rate: int, times: np.ndarray, seconds: float) -> tuple[np.ndarray, float]:
    """Power per Hz around each time, shape `(N, F)`, and the Hz from one to the next."""
    size = 2 ** round(np.log2(seconds * rate))
    padded = np.pad(samples, size // 2).astype(np.float32)
    starts = np.clip(np.round(times * rate).astype(int), 0, len(padded) - size)
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, size)[starts] * window, axis=1)
    power = np.square(spectra.real) + np.square(spectra.imag)
    return 2 * power / (rate * float(np.square(window).sum())), rate / size


def _power_below(density: np.ndarray, places: np.ndarray, step: float) -> np.ndarray:
    """The power below each place, counted in bins, shape `(N, P)`."""
    running = np.concatenate([np.zeros((len(density), 1)), np.cumsum(density, axis=1, dtype=np.float64)], axis=1) * step
    places = np.clip(places + 0.5, 0, running.shape[1] - 1)  # a bin reaches half a step either way
    first = np.minimum(places.astype(int), running.shape[1] - 2)
    part = places - first
    return running[:, first] * (1 - part) + running[:, first + 1] * part


@dataclass(frozen=True)
class Tones:
    """Partials that last.

    Args:
        hz: Frequencies, shape `(P,)`.
        power: Of each, shape `(P,)`.
        share: The share of the power of the residual that they have, 0 to 1.
    """

    hz: np.ndarray
    power: np.ndarray
    share: float


def find_tones(residual: np.ndarray, rate: int) -> Tones:
    """Returns the steady tones of a residual, the loudest first.

    Args:
        residual: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
    """
    size = _TONE_SIZE
    while size > len(residual) and size > _LEAST_TONE_SIZE:
        size //= 2
    padded = np.pad(residual, (0, max(0, size - len(residual))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2][:24]
    magnitude = np.sqrt(np.square(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1))).mean(0))
    around = np.pad(magnitude, _NEIGHBOURS, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(around, 2 * _NEIGHBOURS + 1), axis=1)
    left, here, right = magnitude[:-2], magnitude[1:-1], magnitude[2:]
    peak = (here > left) & (here >= right) & (here > _PEAK * usual[1:-1])
    peak &= here > np.sqrt(_SOFTEST) * magnitude.max()
    place = np.flatnonzero(peak) + 1
    place = place[np.argsort(-magnitude[place])][:_MOST_TONES]
    power = np.zeros(len(place))
    for number, middle in enumerate(place.tolist()):
        power[number] = np.square(magnitude[max(0, middle - 2) : middle + 3]).sum()
    # a parabola through the logarithms of three points has its top where the tone is
    logs = np.log(np.maximum(magnitude, 1e-12))
    curve = logs[place - 1] - 2 * logs[place] + logs[place + 1]
    shift = (logs[place - 1] - logs[place + 1]) / (2 * np.minimum(curve, -1e-9))
    total = max(float(np.square(magnitude).sum()), 1e-20)
    return Tones((place + np.clip(shift, -0.5, 0.5)) * rate / size, power, min(1.0, float(power.sum()) / total))


def divisor(f0: float, tones: Tones) -> int:
    """Returns by which whole number to divide a pitch so that its multiples are near to tones.

    Args:
        f0: The pitch, in Hz.
        tones: What the lines are to be near to; if there is none, the usual spacing decides.
    """
    least = max(1, int(np.ceil(f0 / (SPACING * _SPACINGS[1]))))
    most = max(least, int(f0 / (SPACING * _SPACINGS[0])))
    if not len(tones.hz):
        return int(np.clip(round(f0 / SPACING), least, most))
    weight = np.sqrt(tones.power)

    def off(parts: int) -> float:
        ratio = tones.hz * parts / f0
        return float((weight * np.abs(ratio - np.round(ratio))).sum() * f0 / parts)

    return min(range(least, most + 1), key=off)


def gathered(amplitudes: np.ndarray, hz: float, tones: Tones) -> np.ndarray:
    """Returns amplitudes of lines with the power around each tone in one line, shape `(N, K)`.

    Args:
        amplitudes: Of lines at multiples of `hz`, in which windows smear tones, shape `(N, K)`.
        hz: From line to line.
        tones: The steady tones.
    """
    power = np.square(amplitudes)
    taken = np.zeros(power.shape[1], bool)
    for tone in tones.hz.tolist():
        middle = round(tone / hz) - 1
        if not 0 <= middle < power.shape[1] or taken[middle]:
            continue
        near = np.abs(np.arange(1, power.shape[1] + 1) * hz - tone) < _TONE_SPREAD * hz
        near &= ~taken
        total = power[:, near].sum(1)
        power[:, near] = 0.0
        power[:, middle] = total
        taken |= near
    return np.sqrt(power)


def steady_tones(phases: np.ndarray, moments: np.ndarray, hz: float, tones: Tones) -> np.ndarray:
    """Returns phases that turn as fast as tones are off their lines; the other lines keep theirs, shape `(K, H)`."""
    phases = phases.copy()
    seen: set[int] = set()
    for tone in tones.hz.tolist():
        line = round(tone / hz) - 1
        if line in seen or not 0 <= line < phases.shape[1]:
            continue
        seen.add(line)
        phases[:, line] = phases[0, line] + 2 * np.pi * (tone - (line + 1) * hz) * moments
    return phases


def buzz(samples: np.ndarray, rate: int) -> float:
    """Returns how much the level of a sound beats regularly, 14 to 40 times a second, 0 to 1.

    A residual of few lines repeats so often, and buzzes; noise beats at all rates alike. It is the largest share of the
    level's power between these rates that a single rate has with its multiples.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
    """
    hop = round(_BUZZ_FRAME_S * rate)
    count = len(samples) // hop
    if count * _BUZZ_FRAME_S < 0.25:
        return 0.0
    # of the upper part, where an ear does not hear the lines one by one
    high = np.diff(samples[: count * hop], prepend=0.0)
    level = np.sqrt(np.square(high).reshape(count, hop).mean(1))
    around = np.ones(25) / 25
    usual = np.convolve(level, around, "same") / np.convolve(np.ones(count), around, "same")
    level = level / np.maximum(usual, 1e-9) - 1
    spectrum = np.square(np.abs(np.fft.rfft(level, 4 * count)))
    same = np.fft.irfft(spectrum)[:count]
    lags = np.arange(count) * _BUZZ_FRAME_S
    wanted = (lags >= 1 / _BUZZ_RATES[1]) & (lags <= 1 / _BUZZ_RATES[0])
    longer = np.interp(2 * lags[wanted], lags, same)  # what repeats, repeats twice
    return float(max(0.0, np.minimum(same[wanted], longer).max()) / max(float(same[0]), 1e-20))
