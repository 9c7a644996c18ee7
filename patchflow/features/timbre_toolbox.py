"""The 46 features of the Timbre Toolbox by which published work evaluates morphs of sounds."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import butter, hilbert, sosfilt

from ..audio.conditioning import resample
from ..audio.pitch.contour import RATE as PITCH_RATE
from ..audio.pitch.contour import period_track

__all__ = ["TOOLBOX", "on_log_scale", "toolbox_features"]

_SPECTRAL = (
    "FrameErg",
    "SpecCent",
    "SpecSpread",
    "SpecSkew",
    "SpecKurt",
    "SpecCrest",
    "SpecDecr",
    "SpecFlat",
    "SpecRollOff",
    "SpecSlope",
    "SpecVar",
)
_HARMONIC = ("F0", "HarmErg", "NoiseErg", "HarmDev", "InHarm", "OddEvenRatio")
_OVER_TIME = (*_SPECTRAL, *_HARMONIC, "RMSEnv")
_GLOBAL = ("Att", "LAT", "AttSlope", "Dec", "DecSlope", "Rel", "TempCent", "EffDur", "AmpMod", "FreqMod")

TOOLBOX = tuple(f"{name}_{part}" for name in _OVER_TIME for part in ("med", "IQR")) + _GLOBAL
"""Names of the features: median and interquartile range of what varies over time, then what a sound has one of."""

_IN_HZ = ("F0", "SpecCent", "SpecSpread", "SpecRollOff")
_LOGARITHMIC = (
    *_IN_HZ,
    *("OddEvenRatio", "FrameErg", "RMSEnv", "AmpMod", "HarmErg", "NoiseErg"),
    *("HarmDev", "SpecFlat", "SpecKurt", "SpecVar", "InHarm"),
)
_EPS = float(np.finfo(float).eps)
_WINDOW_S = 0.0232
_HOP_S = 0.0058
_ENVELOPE_HOP_S = 0.0029
_N_FFT = 1_024
_PARTIALS = 20
_PARTIAL_WINDOW_S = 0.1
_PARTIAL_HOP_S = 0.025
_PITCH_HZ = (50.0, 500.0)
_HARMONIC_CHANCE = 0.3  # of a period, below which a sound counts as one without a pitch
_ROLL_OFF = 0.95
_LOW_PASS_HZ = 5.0


def on_log_scale(features: np.ndarray, floors: np.ndarray) -> np.ndarray:
    """Returns features with those on a logarithmic scale that people perceive so: frequencies, energies, ratios.

    Args:
        features: What `toolbox_features` returns, shape `(..., 46)`.
        floors: What is added before a logarithm is taken, one a feature, shape `(46,)`: small numbers for energies; for
            frequencies and ratios 1 is taken.
    """
    scaled = features.copy()
    for place, name in enumerate(TOOLBOX):
        plain = name.partition("_")[0]
        if plain in _LOGARITHMIC:
            floor = 1.0 if plain in (*_IN_HZ, "OddEvenRatio") else floors[place]
            scaled[..., place] = np.log(np.maximum(features[..., place], 0) + floor)
    return scaled


def toolbox_features(sound: np.ndarray, rate: int) -> np.ndarray:
    """Measures a sound as the Timbre Toolbox does.

    These are its short-time spectra (power, Hamming windows of 23 ms), its harmonic model (20 partials, which may be
    stretched) and its temporal envelope (below 5 Hz), with its usual settings; what it calls amplitudes of partials are
    powers there, too. Its pitch is that of SWIPE, ours of YIN in the same range, 50 to 500 Hz.

    References:
        Peeters et al., The Timbre Toolbox (2011), https://doi.org/10.1121/1.3642604
        Kazazis, Depalle & McAdams, The Timbre Toolbox user's manual (2021)
        Le Vaillant & Dutoit, Synthesizer preset interpolation using transformer auto-encoders (2023)
        https://arxiv.org/abs/2210.16984

    Args:
        sound: Mono, at least 0.1 s, shape `(T,)`.
        rate: Sample rate, in Hz.

    Returns:
        In the order of `TOOLBOX`, in Hz, seconds or without a unit, shape `(46,)`; NaN for silence.

    Example:
        >>> tone = np.sin(np.arange(22_050) * 2 * np.pi * 440 / 22_050)
        >>> features = dict(zip(TOOLBOX, toolbox_features(tone, 22_050)))
        >>> round(features["F0_med"]), round(features["SpecCent_med"])
        (440, 440)
    """
    if not np.abs(sound).max() > 0:
        return np.full(len(TOOLBOX), np.nan)
    envelope = _envelope(sound.astype(float), rate)
    series = {**_spectral(sound, rate), **_harmonic(sound, rate), "RMSEnv": _root_mean_square(envelope, rate)}
    single = _times(envelope, rate)
    values = []
    for name in _OVER_TIME:
        low, middle, high = np.percentile(series[name], (25, 50, 75), method="hazen")  # as Matlab counts
        values += [middle, high - low]
    return np.array([*values, *(single[name] for name in _GLOBAL)])


def _power(sound: np.ndarray, window: np.ndarray, hop: int, n_fft: int) -> np.ndarray:
    """Powers of short-time spectra, shape `(F, N)`: 1 for a sine of amplitude 1 at its bin."""
    before = (len(window) - 1) // 2
    padded = np.pad(sound.astype(float), (before, len(window) - 1 - before))
    frames = sliding_window_view(padded, len(window))[::hop]
    spectrum = np.fft.rfft(frames * window, n_fft)[:, : n_fft // 2]
    # The toolbox transforms the analytic signal, which has all power at the positive frequencies: twice the amplitude.
    return 4 * (np.abs(spectrum) ** 2).T / window.sum() ** 2


def _spectral(sound: np.ndarray, rate: int) -> dict[str, np.ndarray]:
    power = _power(sound, np.hamming(round(_WINDOW_S * rate)), round(_HOP_S * rate), _N_FFT)
    count = len(power)
    hz = np.arange(count)[:, None] * rate / _N_FFT
    energy = power.sum(0)
    share = power / (energy + _EPS)
    centre = (hz * share).sum(0)
    away = hz - centre
    spread = np.sqrt((away**2 * share).sum(0))
    mean = energy / count
    fall = (power[1:] - power[0]) / np.arange(1, count)[:, None]
    slope = count * (hz * share).sum(0) - hz.sum() * share.sum(0)
    reached = np.cumsum(power, 0) >= _ROLL_OFF * energy
    product = (power[:, 1:] * power[:, :-1]).sum(0)
    squares = (power**2).sum(0)
    return {
        "FrameErg": energy,
        "SpecCent": centre,
        "SpecSpread": spread,
        "SpecSkew": (away**3 * share).sum(0) / (spread**3 + _EPS),
        "SpecKurt": (away**4 * share).sum(0) / (spread**4 + _EPS),
        "SpecCrest": power.max(0) / (mean + _EPS),
        "SpecDecr": fall.sum(0) / (power[1:] + _EPS).sum(0),
        "SpecFlat": np.exp(np.log(power + _EPS).mean(0)) / (mean + _EPS),
        "SpecRollOff": hz[reached.argmax(0), 0],
        "SpecSlope": slope / (count * (hz**2).sum() - hz.sum() ** 2),
        "SpecVar": 1 - product / (np.sqrt(squares[1:] * squares[:-1]) + _EPS),
    }


def _harmonic(sound: np.ndarray, rate: int) -> dict[str, np.ndarray]:
    size = round(_PARTIAL_WINDOW_S * rate)
    n_fft = 4 * 2 ** int(np.ceil(np.log2(size)))
    hop = round(_PARTIAL_HOP_S * rate)
    power = _power(sound, np.blackman(size), hop, n_fft)
    frames = power.shape[1]
    f0 = _pitch(sound, rate, frames)
    if f0 is None:
        zero = np.zeros(frames)
        return dict.fromkeys(_HARMONIC, zero)
    hz, powers = _partials(power, f0, rate / n_fft)
    squares = powers**2
    harmonic = squares.sum(0)
    smooth = np.empty_like(powers)
    smooth[0] = powers[0]
    smooth[1:-1] = (powers[:-2] + powers[1:-1] + powers[2:]) / 3
    smooth[-1] = (powers[-2] + powers[-1]) / 2
    orders = np.arange(1, _PARTIALS + 1)[:, None]
    return {
        "F0": hz[0],
        "HarmErg": harmonic,
        "NoiseErg": power.sum(0) - harmonic,
        "HarmDev": np.abs(powers - smooth).sum(0) / _PARTIALS,
        "InHarm": 2 * (np.abs(hz - orders * hz[0]) * squares).sum(0) / (harmonic * hz[0] + _EPS),
        "OddEvenRatio": squares[::2].sum(0) / (squares[1::2].sum(0) + _EPS),
    }


def _pitch(sound: np.ndarray, rate: int, frames: int) -> np.ndarray | None:
    """Fundamental frequency of each frame, in Hz; None if the sound has none."""
    samples = resample(sound.astype(np.float32), rate, PITCH_RATE)
    semitones, chance, _ = period_track(samples, _PARTIAL_HOP_S)
    hz = 440 * 2 ** ((semitones - 69) / 12)
    low, high = _PITCH_HZ
    sure = (chance > 0) & (hz >= low) & (hz <= high)
    if not sure.any() or chance[sure].max() <= _HARMONIC_CHANCE:
        return None
    hz = np.where(sure, hz, np.median(hz[sure]))
    middle = 2048 / 2 / PITCH_RATE  # of the first frame of the track
    places = middle + np.arange(len(hz)) * _PARTIAL_HOP_S
    return np.interp(np.arange(frames) * _PARTIAL_HOP_S, places, hz)


def _partials(power: np.ndarray, f0: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and powers of the partials of each frame, both of shape `(partials, N)`.

    Of all fundamentals within 5 Hz, and of all strings' stiffnesses, those count whose partials have most power.
    """
    shifts = np.arange(-50, 51) / 10
    stiffness = np.arange(21) * 0.00005
    orders = np.arange(1, _PARTIALS + 1)
    stretched = orders[:, None] * np.sqrt(1 + orders[:, None] ** 2 * stiffness)  # (partials, stiffness)
    last = len(power) - 1
    hz = np.empty((_PARTIALS, len(f0)))
    powers = np.empty_like(hz)
    for frame, fundamental in enumerate(f0):
        bins = np.rint((fundamental + shifts)[:, None, None] * stretched / step).astype(int)
        bins = np.clip(bins, 0, last)
        column = power[:, frame]
        total = column[bins].sum(1)  # (shifts, stiffness)
        score = total.max(0)
        best = int(score.argmax())
        if score[best] - score[0] <= 0.01 * score[0]:
            best = 0  # not stiff, if that is about as good
        chosen = bins[int(total[:, best].argmax()), :, best]
        hz[:, frame] = chosen * step
        powers[:, frame] = column[chosen]
    return hz, powers


def _envelope(sound: np.ndarray, rate: int) -> np.ndarray:
    sections = butter(3, _LOW_PASS_HZ / (rate / 2), output="sos")
    return np.asarray(sosfilt(sections, np.abs(np.asarray(hilbert(sound)))))


def _root_mean_square(envelope: np.ndarray, rate: int) -> np.ndarray:
    frames = sliding_window_view(envelope, round(_WINDOW_S * rate))[:: round(_ENVELOPE_HOP_S * rate)]
    return np.sqrt((frames**2).mean(1))


def _times(envelope: np.ndarray, rate: int) -> dict[str, float]:
    """What a temporal envelope has one of: times in seconds, slopes a second."""
    level = envelope / envelope.max()
    start, end = _attack(level)
    peak = round((int(level.argmax()) + end) / 2)
    release = int(np.flatnonzero(level > 0.4)[-1])
    modulation = _modulation(envelope[peak : release + 1], rate)
    return {
        "Att": start / rate,
        "LAT": float(np.log10(max(end - start, 1) / rate)),
        "AttSlope": _attack_slope(level[min(start, end - 1) : end + 1], rate),
        "Dec": peak / rate,
        "DecSlope": _decay_slope(level, peak, release, rate),
        "Rel": release / rate,
        "TempCent": _centroid(level) / rate,
        "EffDur": (release - _first_above(level, 0.4) + 1) / rate,
        "AmpMod": modulation[0],
        "FreqMod": modulation[1],
    }


def _first_above(level: np.ndarray, threshold: float) -> int:
    first = int(np.flatnonzero(level > threshold)[0])
    return first - int(first == int(level.argmax()))


def _attack(level: np.ndarray) -> tuple[int, int]:
    """First and last sample of the attack, by the method of weakest effort.

    The effort is how long the level takes from one tenth of its maximum to the next; steps that take three times as
    long as those in the middle belong to what comes before or after the attack.
    """
    starts = np.array([int(np.argmax(level >= tenth / 10 - 1e-9)) for tenth in range(1, 11)])
    effort = np.diff(starts)
    most = 3 * effort[2:6].mean()
    early = np.flatnonzero(effort[:3] > most)
    first = int(early[-1]) + 1 if len(early) else 0
    late = np.flatnonzero(effort[4:9] > most)
    last = int(late[0]) + 4 if len(late) else 9
    start = _near(level, int(starts[first]), round(0.25 * effort[first]), np.argmin)
    end = _near(level, int(starts[last]), round(0.25 * effort[last - 1]), np.argmax)
    return min(start, max(end - 1, 0)), max(end, 1)


def _near(level: np.ndarray, place: int, reach: int, pick: Callable[..., Any]) -> int:
    first = max(place - reach, 0)
    return first + int(pick(level[first : place + reach + 1]))


def _attack_slope(rise: np.ndarray, rate: int) -> float:
    """How fast the level rises, a second: its slopes, those in the middle of the attack with the most weight."""
    levels = np.arange(rise[0], rise[-1], 0.1)
    times = np.array([int(np.argmax(rise >= level)) for level in levels]) / rate
    steps = np.diff(times)
    if not len(steps) or (steps <= 0).any():
        return float((rise[-1] - rise[0]) * rate / max(len(rise) - 1, 1))
    slopes = np.diff(levels) / steps
    weights = np.exp(-(((levels[1:] + levels[:-1]) / 2 - 0.5) ** 2) / 0.5**2)
    return float((slopes * weights).sum() / weights.sum())


def _decay_slope(level: np.ndarray, peak: int, release: int, rate: int) -> float:
    places = np.arange(peak, max(release, peak + 1) + 1)
    places = places[places < len(level)]
    if len(places) < 2:
        return 0.0
    return float(np.polyfit(places / rate, np.log(np.maximum(level[places], _EPS)), 1)[0])


def _centroid(level: np.ndarray) -> float:
    above = np.flatnonzero(level > 0.15)
    first = _first_above(level, 0.15)
    part = level[max(first, 0) : above[-1] + 1]
    return first + float((np.arange(len(part)) * part).sum() / part.sum())


def _modulation(held: np.ndarray, rate: int) -> tuple[float, float]:
    """How deep the level of the held part is modulated, against its mean, and how fast, from 1 to 10 Hz."""
    if len(held) <= 0.02 * rate:
        return 0.0, 0.0
    times = np.arange(len(held)) / rate
    fit = np.polyfit(times, np.log(np.maximum(held, _EPS)), 1)
    error = held - np.exp(np.polyval(fit, times))
    window = np.hamming(len(held))
    size = max(rate, 2 ** int(np.ceil(np.log2(len(held)))))
    magnitude = np.abs(np.fft.rfft(error * window * 2 / window.sum(), size))
    hz = np.arange(len(magnitude)) * rate / size
    slow = np.flatnonzero((hz > 1) & (hz < 10))
    inside = magnitude[slow]
    padded = np.pad(inside, 2, constant_values=-1)
    highest = sliding_window_view(padded, 5).max(1) == inside  # within two bins either way
    peaks = np.flatnonzero(highest[1:-1]) + 1
    best = int(peaks[inside[peaks].argmax()]) if len(peaks) else int(inside.argmax())
    return float(inside[best] / held.mean()), float(hz[slow[best]])
