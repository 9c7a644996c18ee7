"""Measures the attributes of sounds: what each is of a sound, on a scale of equal steps."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..audio.loudness import loudness
from ..engines import Note
from ..engines._renderer import INAUDIBLE
from ..features.descriptors import attack_time, roughness
from ..features.measures import MEASURES
from ..features.mel import mel_filters

__all__ = ["measure"]

_N_FFT = 2560  # more than a frame and the longest lag, so that autocorrelation does not wrap around; a fast size
_FRAME = 2048
_HOP = 1024
_FLOOR = 1e-8  # power against the largest of the sound below which a bin counts as this: 80 dB
_BANDS = 8  # wide enough that noise hardly moves in them
_LAGS_HZ = (60.0, 2_000.0)  # fundamentals that are looked for
_HNR_DB = (-20.0, 40.0)
_DEEPEST_DB = 60.0
_FIFTH = 1.53  # between a fundamental and its octave
_PIECE = 0.02  # seconds
_SHORTEST = 0.002  # seconds of an attack that is measured
_STILL = 1.0  # dB/s of movement below which nothing moves
_SILENT = -100.0  # LUFS


def measure(sounds: Float[Tensor, "B T"], notes: Sequence[Note], rate: int) -> np.ndarray:
    """Measures sounds by every one of `MEASURES`.

    None but loudness depends on the gain of a sound. Character and movement are those of the held part: after the
    release everything fades, whatever the preset.

    References:
        Peeters et al., The Timbre Toolbox (2011), https://doi.org/10.1121/1.3642604
        Boersma, Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
        sampled sound (1993), https://www.fon.hum.uva.nl/paul/papers/Proceedings_1993.pdf

    Args:
        sounds: Notes of one synth, all as long, shape `(B, T)`.
        notes: What was played, one a sound.
        rate: Sample rate, in Hz.

    Returns:
        In the units of `MEASURES`, float64, shape `(B, len(MEASURES))`; NaN where a sound is silent, see `INAUDIBLE`.

    Example:
        >>> tone = torch.sin(torch.arange(44_100) * 2 * torch.pi * 1024 / 22_050)[None]
        >>> values = measure(tone, [Note(hold=2.0, length=2.0)], 22_050)[0]
        >>> round(float(values[0]), 1)  # 2^10 Hz
        10.0
    """
    rows = [_measured(sound, note, rate) for sound, note in zip(sounds, notes, strict=True)]
    return np.stack(rows) if rows else np.zeros((0, len(MEASURES)))


def _measured(sound: Tensor, note: Note, rate: int) -> np.ndarray:
    peak = float(sound.abs().max())
    if peak < INAUDIBLE or not math.isfinite(peak):
        return np.full(len(MEASURES), np.nan)
    level = loudness(sound.numpy(), rate)
    x = sound[None] / peak  # floors and thresholds then mean the same for every sound
    held = x[:, : max(_FRAME, round(note.hold * rate))]
    power = _powers(x)
    frames = max(1, held.shape[1] // _HOP)  # of the held part
    found = {
        "brightness": math.log2(_centroid(power, rate)),
        "attack": math.log2(max(attack_time(x, rate).item(), _SHORTEST)),
        "length": math.log2(_length(x[0], rate)),
        "noisiness": _noisiness(power),
        "movement": math.log2(max(_movement(power[:frames], rate), _STILL)),
        "roughness": roughness(held, rate).item(),
        "harmonicity": _harmonicity(power[:frames], rate),
        "weight": _weight(power[:frames], note.pitch, rate),
        "dynamics": _dynamics(power[:frames]),
        "loudness": max(level, _SILENT),
    }
    return np.array([found[attribute.name] for attribute in MEASURES])


def _powers(x: Tensor) -> Tensor:
    """Power spectra of the frames of one sound, (N, F)."""
    padded = torch.nn.functional.pad(x, (_FRAME // 2, _FRAME // 2))
    frames = padded[0].unfold(0, _FRAME, _HOP) * _window(x.dtype)
    return torch.view_as_real(torch.fft.rfft(frames, _N_FFT)).square().sum(2)


@functools.cache
def _window(dtype: torch.dtype) -> Tensor:
    return torch.hann_window(_FRAME, dtype=dtype)


def _centroid(power: Tensor, rate: int) -> float:
    """Mean of the frames' centroids, weighted by their energies, in Hz."""
    magnitude = power.sqrt()
    hz = torch.arange(power.shape[1], dtype=power.dtype) * (rate / _N_FFT)
    energy = power.sum(1)
    centroid = (magnitude @ hz) / magnitude.sum(1).clamp_min(1e-12)
    return max(float((centroid * energy).sum() / energy.sum()), 1.0)


def _noisiness(power: Tensor) -> float:
    floored = power.clamp_min(_FLOOR * float(power.max()))
    energy = power.sum(1)
    flatness = floored.log().mean(1) - floored.mean(1).log()
    mean = float((flatness.exp() * energy).sum() / energy.sum())
    return 10 * math.log10(mean)


def _movement(power: Tensor, rate: int) -> float:
    """Mean change of the levels of broad bands against their common change, weighted by energy, in dB/s."""
    bands = power @ _filters(rate)
    if len(bands) < 2:
        return 0.0
    floored = bands.clamp_min(_FLOOR * float(bands.max()))
    change = 10 * torch.log10(floored[1:] / floored[:-1])
    # A change counts as much as the softer of its two frames: a band that begins or ends has no shape on one side.
    softer = torch.minimum(bands[1:], bands[:-1])
    total = softer.sum(1, keepdim=True).clamp_min(1e-20)
    share = softer / total
    common = (share * change).sum(1, keepdim=True)
    weight = total[:, 0] / total.sum()
    return float(((share * (change - common).abs()).sum(1) * weight).sum()) * rate / _HOP


@functools.cache
def _filters(rate: int) -> Tensor:
    return torch.from_numpy(mel_filters(rate, _N_FFT, _BANDS, 30.0, min(11_000.0, rate / 2))).T.contiguous()


def _harmonicity(power: Tensor, rate: int) -> float:
    first = round(rate / _LAGS_HZ[1])
    last = round(rate / _LAGS_HZ[0])
    lags = torch.fft.irfft(power)[:, : last + 1]
    # A window makes the autocorrelation fall with the lag, even of a perfect tone. Divided by that of the window alone,
    # which is Boersma's remedy, a tone has 1 at every multiple of its period.
    likeness = lags / lags[:, :1].clamp_min(1e-12) / _window_lags(power.dtype)[: last + 1]
    best = likeness[:, first:].amax(1).clamp(0, 1)
    energy = power.sum(1)
    ratio = float((best * energy).sum() / energy.sum())
    low, high = _HNR_DB
    return min(max(10 * math.log10(max(ratio, 1e-9) / max(1 - ratio, 1e-9)), low), high)


@functools.cache
def _window_lags(dtype: torch.dtype) -> Tensor:
    lags = torch.fft.irfft(torch.fft.rfft(_window(dtype), _N_FFT).abs().square())
    return lags / lags[0]


def _weight(power: Tensor, pitch: int, rate: int) -> float:
    fundamental = 440.0 * 2 ** ((pitch - 69) / 12)
    last = math.ceil(_FIFTH * fundamental * _N_FFT / rate)
    whole = power.sum()
    share = float(power[:, : last + 1].sum() / whole.clamp_min(1e-20))
    return 10 * math.log10(max(share, 10 ** (-_DEEPEST_DB / 10)))


def _dynamics(power: Tensor) -> float:
    energy = power.sum(1)
    floor = float(energy.max()) * 10 ** (-_DEEPEST_DB / 10)
    return float((10 * torch.log10(energy.clamp_min(max(floor, 1e-20)))).std(correction=0))


def _length(x: Tensor, rate: int) -> float:
    """Seconds that a steady sound of the same peak and as much amplitude in all would last."""
    size = max(1, round(_PIECE * rate))
    whole = torch.nn.functional.pad(x, (0, -len(x) % size))
    amplitude = whole.view(-1, size).square().mean(1).sqrt()
    return max(float(amplitude.sum() / amplitude.max()) * size / rate, _PIECE)
