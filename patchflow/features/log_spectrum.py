"""Spectra on a scale of logarithmic frequency: bands as wide as a quarter tone, and fine spectra that tell cents."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .mel import Block, blocks_of, squared_parts, weighed

__all__ = [
    "AUDIBLE_GAIN",
    "PARTIALS",
    "Shift",
    "best_shift",
    "compressed",
    "fine_spectrum",
    "halved",
    "heard_cents",
    "log_bands",
]

CENTS = 10
"""Distance of two places of a fine spectrum, in cents."""

PARTIALS = 0.5
"""Agreement below which two fine spectra have no partials in common."""

AUDIBLE_GAIN = 0.03
"""Gain by a shift below which nobody hears that a sound is out of tune: 10 cents gain about 0.1."""

_LOW = 25.0  # Hz of the first place of a fine spectrum, between G0 and G#0
_HIGH = 5_000.0  # Hz of the last: above, partials of low notes are too many and those of high ones too few
_FLOOR_DB = 50.0  # what lies deeper below the peak is not compared
_RELUCTANCE = 0.03 / 130  # agreement that a shift must have beyond one that is 10 cents smaller
_ENVELOPE = 61  # places over which the envelope is averaged: 600 cents
_TAPS = 24  # of the low-pass filter, on every other sample
_ROW = 32  # samples that it makes at once


def log_bands(
    x: Float[Tensor, "B T"], rate: int, *, n_fft: int, hop: int, low: float, high: float, cents: float
) -> Float[Tensor, "B F N"]:
    """Returns powers in triangular bands of equal width on a scale of logarithmic frequency.

    Frames are centred, ends are padded with zeros so that a frame is centred on or after the last sample: the end
    counts as the beginning does. A band that is narrower than two bins of the transform is read between the two bins
    around its centre.

    Args:
        x: Sounds, shape `(B, T)`.
        rate: Sample rate, in Hz.
        n_fft: Window and transform length, in samples.
        hop: Samples from one frame to the next.
        low: Lower edge of the first band, in Hz.
        high: Upper end of the bands, in Hz, at most half the rate; the last centre lies below.
        cents: From one centre to the next, in cents.

    Returns:
        Non-negative, shape `(B, F, N)` with `N = 1 + ceil((T - 1) / hop)`.

    Example:
        >>> x = torch.sin(torch.arange(22_050) * 2 * torch.pi * 440 / 22_050)[None]
        >>> bands = log_bands(x, 22_050, n_fft=4096, hop=1024, low=55.0, high=10_000.0, cents=100.0)
        >>> bands.mean(2).argmax().item()
        35
    """
    return weighed(squared_parts(_to_the_end(x, n_fft, hop), n_fft, hop), _blocks(rate, n_fft, low, high, cents))


def compressed(power: Float[Tensor, "B F N"]) -> Float[Tensor, "B F N"]:
    """Returns the cube roots of magnitudes, near to how loud they are, relative to the largest of each sound."""
    peak = power.amax((1, 2), keepdim=True)
    return (power / peak.clamp_min(1e-30)) ** (1 / 6) * (peak > 0)


def fine_spectrum(x: Float[Tensor, "B T"], rate: int) -> Float[Tensor, "B F"]:
    """Returns how far the mean spectrum rises above its own envelope, from 25 to 5,000 Hz in steps of 10 cents.

    What is left are the partials and their places: a tone at another pitch has the same, moved along the scale.
    Windows are about 0.75 s long, so that partials of 25 Hz come apart, and lie over the next one by a quarter.

    Args:
        x: Sounds, shape `(B, T)`.
        rate: Sample rate, in Hz, at least 10,000.

    Returns:
        Levels above the envelope, in dB, 0 where there is none; shape `(B, F)`.
    """
    n_fft = 2 ** round(np.log2(0.75 * rate))
    hop = 3 * n_fft // 4
    below, share = _places(rate, n_fft)
    squares = squared_parts(_to_the_end(x, n_fft, hop), n_fft, hop, int(below[-1]) + 2)
    magnitude = squares.mean(1).unflatten(1, (-1, 2)).sum(2).sqrt()
    # Between two bins the magnitude is read on a straight line.
    first = torch.from_numpy(below).to(x.device)
    levels = torch.lerp(magnitude[:, first], magnitude[:, first + 1], torch.from_numpy(share).to(x))
    peak = levels.amax(1, keepdim=True).clamp_min(1e-15)
    db = 20 * torch.log10((levels / peak).clamp_min(10 ** (-_FLOOR_DB / 20))) + _FLOOR_DB
    envelope = torch.nn.functional.avg_pool1d(db[:, None], _ENVELOPE, 1, _ENVELOPE // 2, count_include_pad=False)
    return (db - envelope[:, 0]).clamp_min(0)


@dataclass(frozen=True)
class Shift:
    """By how much fine spectra have to be shifted to agree best with others.

    Args:
        cents: How far the first sound is above the second, shape `(B,)`.
        gain: How much better the two agree when that is undone, from 0 to 1, shape `(B,)`.
        agreement: How well they agree then, from 0 to 1, shape `(B,)`. Below `PARTIALS` they have no partials in
            common, and `cents` says nothing: noises, most drums, silence.
    """

    cents: Float[Tensor, "B"]
    gain: Float[Tensor, "B"]
    agreement: Float[Tensor, "B"]


def best_shift(estimate: Float[Tensor, "B F"], target: Float[Tensor, "#B F"], most: int = 1_300) -> Shift:
    """Returns the shift at which two fine spectra agree best.

    Agreement is the cosine of the two. For a sound in tune no shift helps; for the same sound out of tune the gain
    grows with every cent, alike at all pitches: about 0.1 for 10 cents, 0.3 for 30, 0.5 for 50 and 0.8 for a
    semitone. Sounds without partials gain little from any shift. Of two shifts at which they agree almost equally
    well, an octave apart perhaps, the smaller one counts.

    Args:
        estimate: Fine spectra of sounds, shape `(B, F)`.
        target: Fine spectra of what they are compared with, shape `(B, F)`, or `(1, F)` for one target.
        most: The largest shift that is tried either way, in cents.
    """
    count = most // CENTS
    size = 2 * estimate.shape[1]
    product = torch.fft.rfft(estimate, size) * torch.fft.rfft(target, size).conj()
    agreement = torch.fft.irfft(product, size)
    # Negative shifts are at the end of what the transform returns. One more either way, for the parabola.
    agreement = torch.cat([agreement[:, -count - 1 :], agreement[:, : count + 2]], 1)
    agreement = agreement / (estimate.norm(dim=1) * target.norm(dim=1)).clamp_min(1e-9)[:, None]
    shifts = torch.arange(-count, count + 1).to(agreement)
    best = (agreement[:, 1:-1] - _RELUCTANCE * shifts.abs()).argmax(1)
    before, peak, after = agreement[torch.arange(len(best))[:, None], best[:, None] + torch.arange(3)].unbind(1)
    # The top of the parabola through the three places lies between them, if it is one.
    curve = (2 * peak - before - after).clamp_min(1e-9)
    between = ((after - before) / (2 * curve)).clamp(-0.5, 0.5)
    top = peak + (after - before) * between / 4
    gain = (top - agreement[:, count + 1]).clamp_min(0)
    return Shift(cents=(shifts[best] + between) * CENTS, gain=gain, agreement=top.clamp(0, 1))


def heard_cents(cents: float, gain: float, agreement: float) -> float | None:
    """Returns how many cents a sound is above another as people hear it; see `Shift` for the arguments.

    Returns:
        0 where no shift helps, None where the two have no partials in common: then nobody can tell.

    Example:
        >>> heard_cents(-35.0, 0.3, 0.9), heard_cents(-35.0, 0.01, 0.9), heard_cents(-35.0, 0.3, 0.2)
        (-35.0, 0.0, None)
    """
    if agreement < PARTIALS:
        return None
    return cents if gain >= AUDIBLE_GAIN else 0.0


def halved(x: Float[Tensor, "B T"]) -> Float[Tensor, "B T2"]:
    """Returns sounds at half their sample rate, as they are up to 0.9 of the new Nyquist frequency.

    Beyond that they fade; what would fold is 24 dB softer from 1.1 of it on, and 60 dB from 1.2 on.

    Args:
        x: Sounds, shape `(B, T)`.

    Returns:
        Shape `(B, T2)` with `T2 = ceil(T / 2)`.

    Example:
        >>> halved(torch.ones(1, 200))[0, 50].item()
        1.0
    """
    # A low-pass filter whose edge is half the Nyquist frequency is 0 at every even place but the middle, which is 1/2.
    # So only the odd samples have to be filtered: a row of them gives a row of the result by one matrix product.
    even = x[:, ::2]
    odd = x[:, 1::2]
    samples = even.shape[1]
    rows = -(-samples // _ROW)
    after = rows * _ROW + _TAPS - 1 - _TAPS // 2 - odd.shape[1]
    padded = torch.nn.functional.pad(odd, (_TAPS // 2, after))
    filters = torch.from_numpy(_low_pass()).to(x)
    filtered = (padded.unfold(1, len(filters), _ROW) @ filters).flatten(1)[:, :samples]
    return filtered.add_(even, alpha=0.5)


@functools.cache
def _low_pass() -> np.ndarray:
    """The odd places of a half-band filter, shifted by a sample from column to column, float32."""
    places = np.arange(_TAPS) - _TAPS / 2 + 0.5  # in samples of the result, from the middle
    taps = np.sinc(places) * np.kaiser(2 * _TAPS - 1, 5.0)[::2]
    taps = taps / (2 * taps.sum())
    filters = np.zeros((_ROW - 1 + _TAPS, _ROW), np.float32)
    for column in range(_ROW):
        filters[column : column + _TAPS, column] = taps
    return filters


def _to_the_end(x: Float[Tensor, "B T"], n_fft: int, hop: int) -> Float[Tensor, "B T2"]:
    """Sounds with zeros around them, so that a frame is centred on the first sample, and one on or after the last."""
    return torch.nn.functional.pad(x, (n_fft // 2, n_fft // 2 + (1 - x.shape[1]) % hop))


@functools.lru_cache(maxsize=8)
def _places(rate: int, n_fft: int) -> tuple[np.ndarray, np.ndarray]:
    """For each place of a fine spectrum the bin below, and how far it is from there to the next one."""
    bins = _LOW * 2 ** (np.arange(0, 1200 * np.log2(_HIGH / _LOW), CENTS) / 1200) * n_fft / rate
    return bins.astype(int), bins - bins.astype(int)


@functools.lru_cache(maxsize=8)
def _blocks(rate: int, n_fft: int, low: float, high: float, cents: float) -> list[Block]:
    return blocks_of(_filters(rate, n_fft, low, high, cents), 2)


def _filters(rate: int, n_fft: int, low: float, high: float, cents: float) -> np.ndarray:
    """Triangular filters with unit peak, shape `(F, n_fft // 2 + 1)`, float32."""
    frequencies = np.fft.rfftfreq(n_fft, 1 / rate)
    edges = low * 2 ** (np.arange(0, 1200 * np.log2(high / low), cents) / 1200)
    filters = np.zeros((len(edges) - 2, len(frequencies)), np.float32)
    for row, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        rising = (frequencies - left) / (centre - left)
        falling = (right - frequencies) / (right - centre)
        filters[row] = np.maximum(np.minimum(rising, falling), 0)
        if filters[row].sum() < 1:  # no bin is near enough to the centre
            place = centre / frequencies[1]
            below = int(place)
            filters[row] = 0
            filters[row, below : below + 2] = (1 - (place - below), place - below)
    return filters
