"""What is done to the samples of a recording: another rate, one channel of several, no steady noise."""

import numpy as np
import soxr

__all__ = ["mono", "resample", "without_noise"]

_SPECTRUM = 4096  # samples of one spectrum
_SPECTRA = 32  # spread evenly over the sound
_LOWEST_BAND = 50.0  # Hz; the bands above are thirds of an octave
_FAINTEST = 1e-5  # bands with a smaller share of the loudest are not heard
_LEAST_LEFT = 1e-4
_CANCELLED = 0.25  # share of unrelated channels' energy that is left
_MOST_CANCELLED = 0.5  # share of the energy that may lie in bands that are cancelled
_MOST_LOST_DB = 4.0  # mean over bands, in dB below unrelated channels

_WINDOW_S = 0.046
_FRAMES = 3  # frames, and bins, over which the power is averaged: a lone peak of noise is no tone
_BINS = 5
_FEWEST = 4  # frames of noise, to know its spectrum
_MARGIN = 3.0  # power above that of the noise from which on something is the sound's
_WIDE = 2.0  # more of it passes as it is; less is softened


def mono(block: np.ndarray, rate: int) -> tuple[np.ndarray, str, tuple[str, ...]]:
    """Returns the mean of all channels or, where they cancel out, the loudest.

    Args:
        block: Shape `(T, C)`.
        rate: Sample rate, in Hz.

    Returns:
        Samples of shape `(T,)`, how they were made, see `Sound.mix`, and what a user should know about it.

    Example:
        >>> tone = np.sin(np.arange(8_000) * 0.3)
        >>> mono(np.stack([tone, -0.9 * tone], 1), 8_000)[1:]
        ('1', ('its channels cancel out: channel 1, the loudest, is taken',))
    """
    if block.shape[1] == 1:
        return np.ascontiguousarray(block[:, 0]), "mean", ()
    lost = _lost(block, rate)
    if not lost:
        return block.mean(1), "mean", ()
    energy = np.square(block, dtype=np.float64).sum(0)
    loudest = int(energy.argmax())
    return (
        np.ascontiguousarray(block[:, loudest]),
        str(loudest + 1),
        (f"its channels cancel {lost}: channel {loudest + 1}, the loudest, is taken",),
    )


def without_noise(samples: np.ndarray, noise: np.ndarray, rate: int) -> np.ndarray:
    """Returns a sound without the noise that a recorder, or the room, has put under it.

    What does not rise above the mean spectrum of the noise by 5 dB is taken out, what rises by 8 dB stays as it is. So
    no tone is bent, and soft parts below the noise are lost, as they were for ears.

    Args:
        samples: The sound, shape `(T,)`.
        noise: The noise alone, as it is before or after the sound, shape `(U,)`.
        rate: Sample rate of both, in Hz.

    Returns:
        Float32 of shape `(T,)`; the same sound if the noise is too short to be known.

    Example:
        >>> hiss = np.random.default_rng(0).normal(0, 0.001, 24_000)
        >>> tone = np.sin(np.arange(8_000) * 0.3)
        >>> clean = without_noise(tone + hiss[:8_000], hiss[8_000:], 8_000)
        >>> bool(np.abs(clean - tone)[400:-400].std() < 0.0004)
        True
    """
    # Imported here: they take long to load, and few sounds need them.
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    size = 2 ** round(np.log2(_WINDOW_S * rate))
    hop = size // 4
    if len(noise) < size + (_FEWEST - 1) * hop or len(samples) < size:
        return samples.astype(np.float32)
    transform = ShortTimeFFT(hann(size, sym=False), hop, rate)
    # Only frames that are wholly noise tell its spectrum: those at its ends are half silence.
    frames = transform.stft(noise, p0=transform.lower_border_end[1], p1=transform.upper_border_begin(len(noise))[1])
    # By the median, so that a click among the noise does not count; that of noise is ln 2 of its mean.
    floor = uniform_filter1d(np.median(np.square(np.abs(frames)), 1) / np.log(2), _BINS, mode="nearest")

    # The sound is continued as in a mirror, so that its first and last frame hold as much noise as the others.
    padded = np.pad(samples, size, mode="reflect")
    spectrum = transform.stft(padded)
    power = uniform_filter1d(np.square(np.abs(spectrum)), _BINS, axis=0, mode="nearest")
    power = uniform_filter1d(power, _FRAMES, axis=1, mode="nearest")
    above = power / np.maximum(floor, 1e-20)[:, None]
    gain = np.clip((above - _MARGIN) / (_MARGIN * (_WIDE - 1)), 0, 1)
    clean = transform.istft(spectrum * gain, k1=len(padded))
    return clean[size : size + len(samples)].astype(np.float32)


def resample(samples: np.ndarray, rate: int, to: int) -> np.ndarray:
    """Returns the sound at another sample rate, by soxr at its high quality.

    Peaks may rise a little above those of the source: nothing is clipped.

    References:
        The SoX resampler library, https://sourceforge.net/p/soxr

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate of `samples`, in Hz.
        to: Sample rate wanted, in Hz.

    Returns:
        Same kind of number, shape `(T * to / rate,)`, rounded, at least one sample. The very same array if the
        rates are equal.

    Raises:
        ValueError: If a rate is not positive.

    Example:
        >>> len(resample(np.zeros(44_100, np.float32), 44_100, 22_050))
        22050
    """
    if min(rate, to) <= 0:
        raise ValueError(f"rate={rate}, to={to}: not positive")
    if rate == to:
        return samples
    # soxr promises no exact length: of two samples it may leave none.
    samples_wanted = max(1, round(len(samples) * to / rate))
    changed = soxr.resample(samples, rate, to, quality="HQ")[:samples_wanted]
    return np.pad(changed, (0, samples_wanted - len(changed)))


def _lost(block: np.ndarray, rate: int) -> str:
    """Whether channels cancel in their sum: `"out"`, `"in part"` or not, `""`.

    The sum of unrelated channels has the sum of their energies, in each band; that of channels that cancel out has
    nearly none. Stereo by chorus, reverberation or panning loses up to 1.5 dB in the mean over its bands, a delay
    between channels up to 3 dB, a sound of which a part is inverted mostly 7 dB and more.
    """
    size = min(_SPECTRUM, len(block))
    starts = np.unique(np.linspace(0, len(block) - size, _SPECTRA).astype(int))
    frequency = np.fft.rfftfreq(size, 1 / rate)
    edges = _LOWEST_BAND * 2.0 ** (np.arange(1 + 3 * np.log2(max(rate, 200) / 2 / _LOWEST_BAND)) / 3)
    band = np.searchsorted(edges, frequency, side="right")
    window = np.hanning(size).astype(np.float32)
    power = np.zeros(len(frequency))
    power_of_sum = np.zeros(len(frequency))
    for start in starts:
        spectrum = np.fft.rfft(block[start : start + size].T * window)
        power += np.square(np.abs(spectrum)).sum(0)
        power_of_sum += np.square(np.abs(spectrum.sum(0)))
    energy = np.bincount(band, power)
    left = np.bincount(band, power_of_sum) / np.maximum(energy, 1e-30)
    heard = energy > _FAINTEST * energy.max()
    if not heard.any():
        return ""
    cancelled = energy[left < _CANCELLED].sum() / energy.sum()
    lost_db = -10 * np.log10(np.clip(left[heard], _LEAST_LEFT, 1.0)).mean()
    if left[heard].max() < _CANCELLED:
        return "out"
    return "in part" if cancelled > _MOST_CANCELLED or lost_db > _MOST_LOST_DB else ""
