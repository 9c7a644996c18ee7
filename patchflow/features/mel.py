"""Mel filters, batched mel spectrograms and cepstra, equal to librosa's; and fingerprints, which are small ones."""

import functools
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

__all__ = [
    "BANDS",
    "STEPS_PER_DB",
    "Block",
    "blocks_of",
    "fingerprint",
    "mel_filters",
    "mel_spectrogram",
    "mfcc",
    "power_to_db",
    "squared_parts",
    "weighed",
]

Block = tuple[int, np.ndarray]
"""Filters for a few bands, shape `(bins, bands)`, behind the number of the first bin that they hear."""

_BLOCK = 16  # bands that are computed together
_SLICES = 24
_FLOOR_DB = 80.0
_FRAME_S = 0.046  # from one frame to the next

BANDS = 20
"""Bands of a fingerprint."""

STEPS_PER_DB = 255 / _FLOOR_DB
"""Steps of a fingerprint's bytes per decibel."""

_LEAST_POWER = 1e-10  # of a cepstrum
_DEPTH_DB = 80.0


def mel_spectrogram(
    x: Float[Tensor, "B T"],
    rate: int,
    *,
    n_fft: int = 1024,
    hop: int = 512,
    bands: int = 80,
    low: float = 30.0,
    high: float = 11_000.0,
    power: float = 2.0,
) -> Float[Tensor, "B F N"]:
    """Returns the mel spectrogram, equal to `librosa.feature.melspectrogram`.

    Frames are centred, ends are padded with zeros, the window is a periodic Hann window and the
    filters have Slaney's scale and area normalisation.

    Args:
        x: Sounds, shape `(B, T)`.
        rate: Sample rate, in Hz.
        n_fft: Window and transform length, in samples.
        hop: Samples from one frame to the next.
        bands: Number of mel bands.
        low: Lower edge of the first band, in Hz.
        high: Upper edge of the last band, in Hz; the Nyquist frequency if that is lower.
        power: 1 for magnitudes, 2 for powers.

    Returns:
        Non-negative, shape `(B, F, N)` with `F = bands` and `N = 1 + T // hop`; one less where
        `n_fft` is odd and `hop` divides `T`.
    """
    padded = torch.nn.functional.pad(x, (n_fft // 2, n_fft // 2))
    if power == 2:
        parts = 2
        bins = squared_parts(padded, n_fft, hop)
    else:
        parts = 1
        bins = _spectrum(padded, n_fft, hop).abs() ** power
    return weighed(bins, _blocks(rate, n_fft, bands, low, min(high, rate / 2), parts=parts))


def squared_parts(x: Float[Tensor, "B T"], n_fft: int, hop: int, bins: int | None = None) -> Float[Tensor, "B N F2"]:
    """Returns the squares of the real and imaginary parts of short-time spectra, by a periodic Hann window.

    The two stay beside each other and each counts as a bin of its own: powers need not be added before they are
    weighed, which costs less.

    Args:
        x: Sounds, as long as all frames together, shape `(B, T)`.
        n_fft: Window and transform length, in samples.
        hop: Samples from one frame to the next.
        bins: How many of the lowest are wanted; all if none is named.

    Returns:
        Non-negative, two numbers for each bin, shape `(B, N, F2)`.
    """
    # Nothing is kept by a name that need not be: memory that is used again at once costs no time.
    return torch.view_as_real(_spectrum(x, n_fft, hop)[..., :bins]).square_().flatten(2)


def weighed(bins: Float[Tensor, "B N F"], blocks: Sequence[Block]) -> Float[Tensor, "B F2 N"]:
    """Returns bands of spectra: sums of bins, by the filters in `blocks`, see `blocks_of`."""
    bands = []
    for first, filters in blocks:
        bands.append(bins[..., first : first + len(filters)] @ torch.from_numpy(filters).to(bins))
    return torch.cat(bands, -1).transpose(1, 2)


def blocks_of(filters: np.ndarray, parts: int) -> list[Block]:
    """Returns filters for `weighed`, some bands at a time, without the bins that none of these hears.

    Args:
        filters: Shape `(bands, bins)`.
        parts: How many numbers there are for each bin, which weigh the same: 2 for those of `squared_parts`.

    Returns:
        For each block the number of its first bin, counted in parts, and filters, shape `(bins, bands)`.
    """
    numbers = np.repeat(filters, parts, 1).T
    blocks = []
    for band in range(0, len(filters), _BLOCK):
        block = numbers[:, band : band + _BLOCK]
        heard = np.flatnonzero(block.any(1))
        first = int(heard[0]) if len(heard) else 0
        last = int(heard[-1]) + 1 if len(heard) else 1
        blocks.append((first, np.ascontiguousarray(block[first:last])))
    return blocks


def power_to_db(
    power: Float[Tensor, "B ..."], floor_db: float = 80.0, *, least: float = 1e-10
) -> Float[Tensor, "B ..."]:
    """Returns levels below each item's own maximum, in dB, from `-floor_db` to 0.

    Equal to `librosa.power_to_db(S, ref=numpy.max, top_db=floor_db)` for items whose maximum is well
    above `least`. Unlike there, gain never matters above `least`, and silence is all `-floor_db`.

    Args:
        power: Powers, shape `(B, ...)`.
        floor_db: Depth of the floor, in dB.
        least: The smallest maximum that is a sound; below it the levels fade to the floor.
    """
    peak = power.amax(tuple(range(1, power.ndim)), keepdim=True).clamp_min(least)
    return (power / peak).clamp_min_(10 ** (-floor_db / 10)).log10_().mul_(10)


@functools.lru_cache(maxsize=32)
def mel_filters(rate: int, n_fft: int, bands: int, low: float, high: float) -> np.ndarray:
    """Returns Slaney's triangular mel filters with unit area, shape `(bands, n_fft // 2 + 1)`, float32.

    References:
        Slaney, Auditory Toolbox, Interval Research TR 1998-010

    Args:
        rate: Sample rate, in Hz.
        n_fft: Transform length, in samples.
        bands: Number of filters.
        low: Lower edge of the first, in Hz.
        high: Upper edge of the last, in Hz.
    """
    edges = _hz(np.linspace(_mel(low), _mel(high), bands + 2))
    bins = np.fft.rfftfreq(n_fft, 1 / rate)
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles = np.maximum(0, np.minimum(rise, fall))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def fingerprint(sound: np.ndarray, rate: int) -> np.ndarray:
    """Returns a log-mel spectrogram of 20 bands and at most 24 slices of time, as bytes.

    Levels are means over four mel bands and some frames. The mean distance of two fingerprints is about
    that of the spectrograms or less, so sounds that are near each other stay near.

    Args:
        sound: Mono samples, shape `(T,)`.
        rate: Sample rate, in Hz.

    Returns:
        0 for 80 dB below the sound's own maximum, 255 for the maximum, uint8, shape `(F, N)`.

    Example:
        >>> fingerprint(np.sin(np.arange(16_000) / 3), 8_000).shape
        (20, 24)
    """
    hop = max(1, round(_FRAME_S * rate))
    x = torch.from_numpy(np.asarray(sound, np.float64))[None]  # so exact that no thread count changes a byte
    power = mel_spectrogram(x, rate, n_fft=2 * hop, hop=hop, bands=4 * BANDS)
    levels = power_to_db(power, _FLOOR_DB)
    means = torch.nn.functional.adaptive_avg_pool2d(levels, (BANDS, min(_SLICES, levels.shape[2])))
    return ((means[0] + _FLOOR_DB) * STEPS_PER_DB).round().to(torch.uint8).numpy()


def _spectrum(x: Tensor, n_fft: int, hop: int) -> Tensor:
    return torch.fft.rfft(x.unfold(1, n_fft, hop) * _window(n_fft, x.dtype, x.device))


@functools.lru_cache(maxsize=32)
def _window(n_fft: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.hann_window(n_fft, dtype=dtype, device=device)


@functools.lru_cache(maxsize=32)
def _blocks(rate: int, n_fft: int, bands: int, low: float, high: float, *, parts: int) -> list[Block]:
    return blocks_of(mel_filters(rate, n_fft, bands, low, high), parts)


_KNEE_HZ, _KNEE_MEL, _LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27  # linear to 1 kHz, logarithmic above


def _mel(hz: float) -> float:
    if hz < _KNEE_HZ:
        return hz * _KNEE_MEL / _KNEE_HZ
    return _KNEE_MEL + float(np.log(hz / _KNEE_HZ)) / _LOG_STEP


def _hz(mel: np.ndarray) -> np.ndarray:
    linear = mel * _KNEE_HZ / _KNEE_MEL
    return np.where(mel < _KNEE_MEL, linear, _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL)))


def mfcc(
    x: Float[Tensor, "B T"], rate: int, *, count: int = 20, n_fft: int = 2048, hop: int = 512, bands: int = 128
) -> Float[Tensor, "B F N"]:
    """Returns the cepstrum of the log-mel spectrogram, equal to `librosa.feature.mfcc`.

    Levels are absolute, so the first coefficient holds the loudness, and end 80 dB below each item's
    own maximum. The transform is the orthonormal DCT-II.

    References:
        Davis & Mermelstein, Comparison of parametric representations for monosyllabic word recognition (1980)
        https://doi.org/10.1109/TASSP.1980.1163420

    Args:
        x: Sounds, shape `(B, T)`.
        rate: Sample rate, in Hz.
        count: Number of coefficients, at most `bands`.
        n_fft: Window and transform length, in samples.
        hop: Samples from one frame to the next.
        bands: Number of mel bands, from 0 Hz to half the rate.

    Returns:
        Coefficients, in dB, shape `(B, F, N)` with `F = count` and `N` as in `mel_spectrogram`.

    Example:
        >>> tuple(mfcc(torch.zeros(1, 22_050), 22_050, count=13).shape)
        (1, 13, 44)
    """
    power = mel_spectrogram(x, rate, n_fft=n_fft, hop=hop, bands=bands, low=0.0, high=rate / 2)
    levels = 10 * torch.log10(power.clamp_min(_LEAST_POWER))
    levels = torch.maximum(levels, levels.amax((1, 2), keepdim=True) - _DEPTH_DB)
    return torch.from_numpy(_cosines(count, bands)).to(levels) @ levels


@functools.lru_cache(maxsize=8)
def _cosines(count: int, bands: int) -> np.ndarray:
    """Rows of the orthonormal DCT-II, shape `(count, bands)`."""
    rows = np.arange(count)[:, None]
    cosines = np.sqrt(2 / bands) * np.cos(np.pi / bands * rows * (np.arange(bands) + 0.5))
    cosines[0] /= np.sqrt(2)
    return cosines.astype(np.float32)
