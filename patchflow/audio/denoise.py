"""Takes steady noise out of a sound, given a piece of the noise alone: spectral gating."""

import numpy as np

__all__ = ["without_noise"]

_WINDOW_S = 0.046
_FRAMES = 3  # frames, and bins, over which the power is averaged: a lone peak of noise is no tone
_BINS = 5
_FEWEST = 4  # frames of noise, to know its spectrum
_MARGIN = 3.0  # power above that of the noise from which on something is the sound's
_WIDE = 2.0  # more of it passes as it is; less is softened


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
