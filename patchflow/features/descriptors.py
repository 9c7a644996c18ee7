"""Descriptors of a sound: brightness, attack, noisiness, movement; of the held part of a note also its character."""

import torch
from jaxtyping import Float
from torch import Tensor

from .mel import mel_spectrogram, power_to_db

__all__ = ["CHARACTER", "UNITS", "attack_time", "character", "describe", "roughness"]

UNITS = {
    "loudness": "dB",
    "brightness": "Hz",
    "bandwidth": "Hz",
    "rolloff": "Hz",
    "noisiness": "",
    "attack": "s",
    "movement": "dB/s",
}
"""Names of the descriptors, and their units; "" for a ratio."""

_N_FFT = 2048
_HOP = 512
_ROLLOFF = 0.85
_LEAST = 1e-10  # power of what is silence
_PIECE = 0.002  # seconds a piece of the envelope
_ATTACK = (0.1, 0.9)  # of the largest amplitude
_BROAD = 8  # mel bands wide enough that noise hardly moves in them

CHARACTER = {"harmonicity": "", "dynamics": "dB", "weight": "dB", "roughness": "dB"}
"""Names of the measures of the held part, and their units; "" for a ratio."""

_FRAME = 2048
_FRAME_HOP = 1024
_LAGS_HZ = (60.0, 2_000.0)  # fundamentals that are looked for
_DEEPEST_DB = 60.0  # levels below the peak that still count
_LOW_HZ = 400.0  # between a fundamental at middle C and its octave
# Envelopes: fine enough in time for 150 Hz, so coarse that 260 Hz is smoothed away.
_BANDS = 8
_SHORT = 256  # window, in samples
_STEP = 64  # hop, in samples
_SEGMENT = 128  # steps
_ROUGH_HZ = (20.0, 150.0)


def describe(x: Float[Tensor, "B T"], rate: int) -> dict[str, Float[Tensor, "B"]]:
    """Measures sounds.

    - `loudness`: root mean square over the sound, in dB below full scale.
    - `brightness`, `bandwidth`, `rolloff`, `noisiness`: spectral centroid, the spread around it, the frequency
      below which 85 % of the magnitude lies, and the spectral flatness (0 for a tone, 1 for white noise). Each is
      librosa's value in every frame, averaged with the energies of the frames as weights.
    - `attack`: time in which the amplitude first rises from 10 to 90 % of its maximum.
    - `movement`: how fast the shape of the spectrum changes, whatever its level does: the mean change of the levels
      of eight broad bands against their common change, with the energies of bands and frames as weights.

    References:
        Peeters et al., The Timbre Toolbox (2011), https://doi.org/10.1121/1.3642604

    Args:
        x: Sounds, shape `(B, T)`; silence before and after counts little.
        rate: Sample rate, in Hz.

    Returns:
        By name, one value a sound, shape `(B,)`; 0 where the sound is silent, but -100 for its loudness.

    Example:
        >>> tone = torch.sin(torch.arange(22_050) * 2 * torch.pi * 1000 / 22_050)[None]
        >>> 950 < describe(tone, 22_050)["brightness"].item() < 1050
        True
    """
    window = torch.hann_window(_N_FFT, dtype=x.dtype, device=x.device)
    spectrum = torch.stft(x, _N_FFT, _HOP, window=window, center=True, pad_mode="constant", return_complex=True)
    magnitude = spectrum.abs()
    hz = torch.linspace(0, rate / 2, magnitude.shape[1], dtype=x.dtype, device=x.device)[:, None]
    share = magnitude / magnitude.sum(1, keepdim=True).clamp_min(_LEAST)
    centroid = (hz * share).sum(1)
    spread = ((hz - centroid[:, None]).square() * share).sum(1).sqrt()
    power = magnitude.square().clamp_min(_LEAST)
    energy = magnitude.square().sum(1)
    weight = energy / energy.sum(1, keepdim=True).clamp_min(_LEAST)
    reached = (magnitude.cumsum(1) >= _ROLLOFF * magnitude.sum(1, keepdim=True)).float().argmax(1)  # first True
    values = {
        "brightness": centroid,
        "bandwidth": spread,
        "rolloff": hz[reached, 0],
        "noisiness": power.log().mean(1).exp() / power.mean(1),
    }
    found = {name: (value * weight).sum(1) for name, value in values.items()}
    found["loudness"] = 10 * torch.log10(x.square().mean(1).clamp_min(_LEAST))
    found["attack"] = attack_time(x, rate)
    found["movement"] = _movement(x, rate)
    return {name: found[name] for name in UNITS}


def attack_time(x: Float[Tensor, "B T"], rate: int) -> Float[Tensor, "B"]:
    """Returns the time in which the amplitude first rises from 10 to 90 % of its maximum, in seconds.

    Args:
        x: Sounds, shape `(B, T)`.
        rate: Sample rate, in Hz.
    """
    size = max(1, round(_PIECE * rate))
    envelope = torch.nn.functional.max_pool1d(x.abs()[:, None], size, size, ceil_mode=True)[:, 0]
    peak = envelope.amax(1, keepdim=True)
    low, high = _ATTACK
    start = (envelope >= low * peak).float().argmax(1)  # the first piece that reaches it
    end = (envelope >= high * peak).float().argmax(1)
    return (end - start).to(x) * size / rate


def _movement(x: Tensor, rate: int) -> Tensor:
    power = mel_spectrogram(x, rate, n_fft=_N_FFT, hop=_HOP, bands=_BROAD)
    change = power_to_db(power, 80.0).diff(dim=2)
    # A change counts as much as the softer of its two frames: a band that begins or ends has no shape on one side.
    softer = torch.minimum(power[..., 1:], power[..., :-1])
    share = softer / softer.sum(1, keepdim=True).clamp_min(_LEAST)
    common = (share * change).sum(1, keepdim=True)
    weight = softer.sum(1) / softer.sum((1, 2))[:, None].clamp_min(_LEAST)
    return ((share * (change - common).abs()).sum(1) * weight).sum(1) * rate / _HOP


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
    frames = padded.unfold(1, _FRAME, _FRAME_HOP)  # (B, N, frame)
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
