"""Descriptors of a sound: brightness, attack, noisiness, movement and others."""

import torch
from jaxtyping import Float
from torch import Tensor

from .mel import mel_spectrogram, power_to_db

__all__ = ["UNITS", "attack_time", "describe"]

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
