"""Measures of attributes such as harmonic, dynamic, phat and aggressive."""

import torch
from jaxtyping import Float
from torch import Tensor

from .mel import mel_spectrogram

__all__ = ["CHARACTER", "character", "roughness"]

CHARACTER = {"harmonicity": "", "dynamics": "dB", "weight": "dB", "roughness": "dB"}
"""Names of the measures, and their units; "" for a ratio."""

_LEAST = 1e-10  # power of what is silence
_FRAME = 2048
_HOP = 1024
_LAGS_HZ = (60.0, 2_000.0)  # fundamentals that are looked for
_DEEPEST_DB = 60.0  # levels below the peak that still count
_LOW_HZ = 400.0  # between a fundamental at middle C and its octave
# Envelopes: fine enough in time for 150 Hz, so coarse that 260 Hz is smoothed away.
_BANDS = 8
_SHORT = 256  # window, in samples
_STEP = 64  # hop, in samples
_SEGMENT = 128  # steps
_ROUGH_HZ = (20.0, 150.0)


def character(x: Float[Tensor, "B T"], rate: int) -> dict[str, Float[Tensor, "B"]]:
    """Measures the held part of notes.

    - `harmonicity`: how well the sound repeats itself: the largest autocorrelation of a frame at lags of 1/2000 to
      1/60 s, after Boersma, averaged with the energies of the frames as weights. 1 for a tone, about 0.2 for noise.
    - `dynamics`: standard deviation of the level over the frames, in dB; what is more than 60 dB below the peak counts
      as 60 dB below.
    - `weight`: level of what lies below 400 Hz against the whole, in dB, at least -60.
    - `roughness`: level of the fluctuations of eight bands between 20 and 150 Hz against all of their envelopes, in
      dB, at least -60: the beating that is perceived as roughness.

    References:
        Boersma, Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
        sampled sound (1993), https://www.fon.hum.uva.nl/paul/papers/Proceedings_1993.pdf
        Fastl & Zwicker, Psychoacoustics: Facts and Models (2007), chapter 11, https://doi.org/10.1007/978-3-540-68888-4

    Args:
        x: Sounds, without what follows the release of the key, shape `(B, T)`.
        rate: Sample rate, in Hz.

    Returns:
        By name, one value a sound, shape `(B,)`.

    Example:
        >>> tone = torch.sin(torch.arange(22_050) * 2 * torch.pi * 440 / 22_050)[None]
        >>> character(tone, 22_050)["harmonicity"].item() > 0.99
        True
    """
    window = torch.hann_window(_FRAME, dtype=x.dtype, device=x.device)
    padded = torch.nn.functional.pad(x, (0, max(0, _FRAME - x.shape[1])))
    frames = padded.unfold(1, _FRAME, _HOP)  # (B, N, frame)
    energy = frames.square().mean(2)
    found = {
        "harmonicity": _harmonicity(frames * window, window, energy, rate),
        "dynamics": _dynamics(energy),
        "weight": _weight(frames * window, rate),
        "roughness": roughness(x, rate),
    }
    return {name: found[name] for name in CHARACTER}


def _harmonicity(frames: Tensor, window: Tensor, energy: Tensor, rate: int) -> Tensor:
    def repeated(y: Tensor) -> Tensor:
        power = torch.fft.rfft(y, 2 * _FRAME).abs().square()
        lags = torch.fft.irfft(power)[..., :_FRAME]
        return lags / lags[..., :1].clamp_min(_LEAST)

    # A window makes the autocorrelation fall with the lag, even of a perfect tone. Divided by that of the window alone,
    # which is Boersma's remedy, a tone has 1 at every multiple of its period.
    lowest, highest = _LAGS_HZ
    first = round(rate / highest)
    last = round(rate / lowest)
    likeness = repeated(frames) / repeated(window)
    best = likeness[..., first : last + 1].amax(2).clamp(0, 1)
    return (best * energy).sum(1) / energy.sum(1).clamp_min(_LEAST)


def _dynamics(energy: Tensor) -> Tensor:
    peak = energy.amax(1, keepdim=True).clamp_min(_LEAST)
    levels = 10 * torch.log10((energy / peak).clamp_min(10 ** (-_DEEPEST_DB / 10)))
    return levels.std(1, correction=0)


def _weight(frames: Tensor, rate: int) -> Tensor:
    power = torch.fft.rfft(frames).abs().square().sum(1)
    low = round(_LOW_HZ * _FRAME / rate)
    return _share_db(power[:, : low + 1].sum(1), power.sum(1))


def roughness(x: Float[Tensor, "B T"], rate: int) -> Float[Tensor, "B"]:
    """Returns the roughness of sounds in dB, see `character`.

    Args:
        x: Sounds, without what follows the release of the key, shape `(B, T)`.
        rate: Sample rate, in Hz.
    """
    # Two spectra, one of the other: the first gives the envelopes of some bands, the second how fast these fluctuate.
    envelopes = mel_spectrogram(x, rate, n_fft=_SHORT, hop=_STEP, bands=_BANDS, low=200.0, power=1.0).flatten(0, 1)
    window = torch.hann_window(_SEGMENT, dtype=x.dtype, device=x.device)
    short = max(0, _SEGMENT - envelopes.shape[1])
    padded = torch.nn.functional.pad(envelopes, (0, short))
    fluctuation = torch.stft(padded, _SEGMENT, _SEGMENT // 2, window=window, center=False, return_complex=True)
    power = fluctuation.abs().square().sum(2).reshape(len(x), _BANDS, -1).sum(1)
    slowest, fastest = _ROUGH_HZ
    first = round(slowest * _STEP * _SEGMENT / rate)
    last = round(fastest * _STEP * _SEGMENT / rate)
    return _share_db(power[:, first : last + 1].sum(1), power.sum(1))


def _share_db(part: Tensor, whole: Tensor) -> Tensor:
    share = part / whole.clamp_min(_LEAST)
    return 10 * torch.log10(share.clamp_min(10 ** (-_DEEPEST_DB / 10)))
