"""A convolutional encoder of log-mel spectrograms and notes."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..features.inputs.levels import input_shape

__all__ = ["Encoder"]


class Encoder(nn.Module):
    """A patch stem and three strided residual stages, flattened, joined with the note.

    Args:
        width: Channels after the stem; the stages have 2, 3 and 4 times as many.
        context: Size of the encoding.
    """

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        channels = [width * k for k in (1, 2, 3, 4)]
        stem = nn.Conv2d(1, width, 8, stride=4, padding=2)
        stages = [_Stage(a, b) for a, b in pairwise(channels)]
        self.stages = nn.Sequential(stem, nn.GroupNorm(1, width), nn.SiLU(), *stages)
        with torch.no_grad():
            size = self.stages(torch.zeros(1, 1, *input_shape())).numel()
        self.note = nn.Sequential(nn.Linear(5, 64), nn.SiLU(), nn.Linear(64, 64))
        self.head = nn.Sequential(
            nn.Linear(size + 64, 2 * context), nn.SiLU(), nn.Linear(2 * context, context), nn.LayerNorm(context)
        )

    def forward(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """Returns the encoding; see `Posterior.encode`."""
        x = (4 * mel - 2)[:, None].contiguous(memory_format=torch.channels_last)
        x = self.stages(x).flatten(1)
        return self.head(torch.cat([x, self.note(_describe(note))], 1))


class _Stage(nn.Module):
    """Halves both axes, then mixes the channels with a skip."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, out, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(1, out)
        self.mix = nn.Sequential(nn.SiLU(), nn.Conv2d(out, out, 1))

    def forward(self, x: Float[Tensor, "B C F N"]) -> Float[Tensor, "B D G M"]:
        x = self.norm(self.down(x))
        return nn.functional.silu(x + self.mix(x))


def _describe(note: Tensor) -> Tensor:
    """Pitch, its place in the octave, velocity and log-duration, each about 1 in size; shape (B, 5)."""
    pitch, velocity, hold = note.unbind(-1)
    turn = pitch * (2 * torch.pi / 12)
    return torch.stack([(pitch - 60) / 24, turn.sin(), turn.cos(), (velocity - 100) / 40, hold.log()], -1)
