"""Makes rendered spectrograms like recordings: room, band limits, noise, cuts and late starts."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["augment"]

_FLOOR_DB = 80.0


def augment(mel: Float[Tensor, "B F N"], generator: torch.Generator, *, share: float = 0.5) -> Float[Tensor, "B F N"]:
    """Returns inputs of which about `share` went through a random recording chain.

    Works on powers, where reverberation smears each band in time and noise adds.

    Args:
        mel: Levels from 0 to 1, see `features.inputs.levels.model_input`.
        generator: Random generator.
        share: Share of items that are changed at all.
    """
    rows = torch.nonzero(torch.rand(len(mel), generator=generator) < share)[:, 0]
    power = 10 ** (_FLOOR_DB / 10 * (mel[rows] - 1)) * (mel[rows] > 0)
    for change, chance in ((_late, 0.4), (_room, 0.3), (_cut, 0.3), (_filter, 0.5), (_noise, 0.6)):
        some = torch.nonzero(torch.rand(len(rows), generator=generator) < chance)[:, 0]
        if len(some):
            power[some] = change(power[some], generator)
    peak = power.amax((1, 2), keepdim=True).clamp_min(1e-12)
    changed = mel.clone()
    changed[rows] = (1 + 10 / _FLOOR_DB * torch.log10(power / peak + 1e-12)).clamp(0, 1)
    return changed


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, 1, 1, generator=generator)


def _late(power: Tensor, generator: torch.Generator) -> Tensor:
    """Starts one frame early or up to two late, as a trimmed recording does."""
    count, bands, frames = power.shape
    shift = torch.randint(-1, 3, (count, 1, 1), generator=generator)
    source = torch.arange(frames) - shift
    moved = power.gather(2, source.clamp(0, frames - 1).expand(count, bands, frames))
    return moved * ((source >= 0) & (source < frames))


def _room(power: Tensor, generator: torch.Generator) -> Tensor:
    """Adds an exponential tail of 0.1 to 1.2 s, 3 to 25 dB below the direct sound."""
    count, _, frames = power.shape
    # Reverberation times are to -60 dB, which is 13.8 natural units of power, and a frame is 512 samples at 22,050 Hz.
    decay = _uniform(count, 0.1, 1.2, generator) * 22_050 / 512 / 13.8  # frames to fall by 1/e in power
    level = 10 ** (_uniform(count, -25, -3, generator) / 10)
    lag = torch.arange(frames)
    tail = torch.exp(-lag / decay) * level / decay * (lag > 0)
    spectrum = torch.fft.rfft(power, 2 * frames) * torch.fft.rfft(tail, 2 * frames)
    return (power + torch.fft.irfft(spectrum, 2 * frames)[..., :frames]).clamp_min(0)


def _cut(power: Tensor, generator: torch.Generator) -> Tensor:
    """Ends the recording somewhere after 0.3 s; a sound that only begins later stays whole."""
    count, _, frames = power.shape
    end = _uniform(count, 0.075, 1.0, generator) * frames
    cut = power * (torch.arange(frames) < end)
    audible = cut.amax((1, 2), keepdim=True) > 1e-3 * power.amax((1, 2), keepdim=True)
    return torch.where(audible, cut, power)


def _filter(power: Tensor, generator: torch.Generator) -> Tensor:
    """Tilts by up to 12 dB and rolls off one or both ends."""
    count, bands, _ = power.shape
    band = torch.linspace(0, 1, bands)[None, :, None]
    gain = _uniform(count, -12, 12, generator) * (band - 0.5)
    gain = gain - 150 * (band - _uniform(count, 0.5, 1.3, generator)).clamp_min(0)
    gain = gain - 150 * (_uniform(count, -0.4, 0.15, generator) - band).clamp_min(0)
    return power * 10 ** (gain / 10)


def _noise(power: Tensor, generator: torch.Generator) -> Tensor:
    """Adds steady noise of random colour, 35 to 75 dB below the loudest point."""
    count, bands, _ = power.shape
    band = torch.linspace(0, 1, bands)[None, :, None]
    colour = _uniform(count, -30, 15, generator) * (band - 0.5)
    level = 10 ** ((_uniform(count, -75, -35, generator) + colour) / 10)
    ripple = torch.empty_like(power).normal_(generator=generator).mul(0.4).exp()
    return power + level * ripple * power.amax((1, 2), keepdim=True)
