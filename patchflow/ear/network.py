"""What the ear is given of a sound, bands of a semitone over time, and the network that makes a vector of it."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..features.log_spectrum import log_bands
from ..features.mel import power_to_db

__all__ = ["BANDS", "FRAMES", "RATE", "SECONDS", "EarNetwork", "EarSizes", "ear_levels"]

RATE = 22_050
"""Sample rate that the ear works at, in Hz."""

SECONDS = 4.0
"""How much of a sound is heard, in seconds."""

HOP = 640
"""Samples from one frame to the next: 29 ms."""

BANDS = 99
"""Bands of a semitone from C1, 32.7 Hz, upwards."""

FRAMES = 139
"""Frames of a sound."""

_C1 = 32.703  # Hz
_LOWS = 60  # bands below C#6, of a window that takes the partials of low notes apart
_LOW_WINDOW = 2048
_HIGH_WINDOW = 1024
_FLOOR_DB = 80.0
_SAMPLES = round(SECONDS * RATE)


def ear_levels(x: Float[Tensor, "B T"]) -> Float[Tensor, "B F N"]:
    """Returns what the ear is given: levels in bands of a semitone.

    Another pitch moves a spectrum along this scale and leaves its form.

    Args:
        x: Sounds at `RATE`; zeros follow after the end, and what is beyond `SECONDS` is left out. Shape `(B, T)`.

    Returns:
        0 at 80 dB below the peak of each sound, 1 at the peak, shape `(B, BANDS, FRAMES)`.

    Example:
        >>> tone = torch.sin(torch.arange(88_200) * 2 * torch.pi * 440 / RATE)[None]
        >>> ear_levels(tone).mean(2).argmax().item()  # A4 is 45 semitones above C1
        45
    """
    heard = nn.functional.pad(x[:, :_SAMPLES], (0, max(0, _SAMPLES - x.shape[1])))
    # The first band is centred on C1, the last of the lows a semitone below the first of the highs.
    semitone = 2 ** (1 / 12)
    seam = _C1 * 2 ** (_LOWS / 12)
    highest = _C1 * 2 ** ((BANDS + 0.5) / 12)
    settings = {"hop": HOP, "cents": 100.0}
    low = log_bands(heard, RATE, n_fft=_LOW_WINDOW, low=_C1 / semitone, high=seam * semitone**0.5, **settings)
    high = log_bands(heard, RATE, n_fft=_HIGH_WINDOW, low=seam / semitone, high=highest, **settings)
    # A tone has the same level in both: its power grows with the square of the window.
    power = torch.cat([low * (_HIGH_WINDOW / _LOW_WINDOW) ** 2, high], 1)
    return 1 + power_to_db(power, _FLOOR_DB, least=1e-20) / _FLOOR_DB


@dataclass(frozen=True)
class EarSizes:
    """Sizes of the network, each at least 1.

    Args:
        width: Channels of the stem; the stages have 2 and 4 times as many.
        depth: Layers of each stage.
        hidden: Width of the layer before the vector.
        out: Length of the vector.
    """

    width: int = 32
    depth: int = 2
    hidden: int = 256
    out: int = 128


class EarNetwork(nn.Module):
    """A stem and two strided stages of convolutions, pooled by statistics over pitch, over time and over both.

    The mean over all bands keeps what moves with the pitch; that over time alone keeps where in the spectrum it is, and
    that over bands alone how it goes on in time.

    Args:
        sizes: Fields of `EarSizes`.

    Example:
        >>> network = EarNetwork(width=4, depth=1, hidden=8, out=6).eval()
        >>> network(torch.rand(2, BANDS, FRAMES)).norm(dim=1).round(decimals=4).tolist()
        [1.0, 1.0]
    """

    def __init__(self, **sizes: Any) -> None:
        super().__init__()
        self.sizes = EarSizes(**sizes)
        width = self.sizes.width
        widths = [width, 2 * width, 4 * width]
        self.stem = _Layer(2, width, (5, 7), (2, 4))
        stages = []
        for before, after in pairwise(widths):
            layers = [_Layer(before, after, (3, 3), (2, 2))]
            layers += [_Layer(after, after, (3, 3), (1, 1)) for _ in range(self.sizes.depth - 1)]
            stages.append(nn.Sequential(*layers))
        self.stages = nn.ModuleList(stages)
        with torch.no_grad():
            _, channels, bands, frames = self._maps(torch.zeros(1, BANDS, FRAMES))[-1].shape
        narrow = 2 * width
        self.by_band = nn.Conv1d(channels, narrow, 1)
        self.by_frame = nn.Conv1d(channels, narrow, 1)
        pooled = 3 * channels + narrow * (bands + frames)
        self.head = nn.Sequential(
            nn.BatchNorm1d(pooled),
            nn.Linear(pooled, self.sizes.hidden),
            nn.BatchNorm1d(self.sizes.hidden),
            nn.ReLU(),
            nn.Linear(self.sizes.hidden, self.sizes.out),
        )

    def config(self) -> dict[str, Any]:
        """Returns what makes the network again."""
        return asdict(self.sizes)

    def forward(self, levels: Float[Tensor, "B F N"]) -> Float[Tensor, "B D"]:
        """Returns vectors of length 1.

        Args:
            levels: What `ear_levels` returned.
        """
        return self.ended(self.pooled(levels))

    def pooled(self, levels: Float[Tensor, "B F N"]) -> Float[Tensor, "B S"]:
        """Returns the statistics of the last stage, which is all that the last layers are given.

        Args:
            levels: What `ear_levels` returned.
        """
        x = self._maps(levels)[-1]
        over_all = [x.mean((2, 3)), x.amax((2, 3)), _deviation(x)]
        bands = self.by_band(x.mean(3)).flatten(1)
        frames = self.by_frame(x.mean(2)).flatten(1)
        return torch.cat([*over_all, bands, frames], 1)

    def ended(self, pooled: Float[Tensor, "B S"]) -> Float[Tensor, "B D"]:
        """Returns the vectors that `forward` returns.

        Args:
            pooled: What `pooled` returned.
        """
        return nn.functional.normalize(self.head(pooled).float(), dim=1)

    def statistics(self, levels: Float[Tensor, "B F N"]) -> list[Float[Tensor, "B S"]]:
        """Returns mean and deviation of every channel over bands and frames, of the stem and of each stage."""
        return [torch.cat([x.mean((2, 3)), _deviation(x)], 1) for x in self._maps(levels)]

    def _maps(self, levels: Tensor) -> list[Tensor]:
        """What the stem and each stage make of sounds."""
        # Levels show what is soft; the cube root of the magnitude, near to loudness, is hardly changed by noise.
        loudness = 10 ** (_FLOOR_DB / 60 * (levels - 1))
        x = torch.stack([2 * levels - 1, 2 * loudness - 1], 1).contiguous(memory_format=torch.channels_last)
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps


class _Layer(nn.Module):
    """A convolution, batch norm and ReLU, with a skip where the shape stays."""

    def __init__(self, before: int, after: int, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.skips = before == after and stride == (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        return torch.relu(x + y if self.skips else y)


def _deviation(x: Tensor) -> Tensor:
    """Standard deviation over bands and frames, shape `(B, C)`."""
    return (x.var((2, 3), correction=0) + 1e-5).sqrt()
