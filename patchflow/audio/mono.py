"""How several channels become one: their mean or, where they would cancel out, the loudest of them."""

import numpy as np

__all__ = ["mono"]

_SPECTRUM = 4096  # samples of one spectrum
_SPECTRA = 32  # spread evenly over the sound
_LOWEST_BAND = 50.0  # Hz; the bands above are thirds of an octave
_FAINTEST = 1e-5  # bands with a smaller share of the loudest are not heard
_LEAST_LEFT = 1e-4
_CANCELLED = 0.25  # share of unrelated channels' energy that is left
_MOST_CANCELLED = 0.5  # share of the energy that may lie in bands that are cancelled
_MOST_LOST_DB = 4.0  # mean over bands, in dB below unrelated channels


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
