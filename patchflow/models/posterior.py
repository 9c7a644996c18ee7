"""The posterior over presets given a sound: an audio encoder and a conditional normalizing flow."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice, pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import BoolTensor, Tensor, nn
from zuko.distributions import DiagNormal
from zuko.flows import Flow, UnconditionalDistribution
from zuko.lazy import LazyTransform
from zuko.nn import MLP
from zuko.transforms import CouplingTransform, DependentTransform, MonotonicRQSTransform, Transform

from ..features.inputs.levels import input_shape
from ..nn.linear import dequantise
from ..presets import ParamSpace
from ._base import Batch, Density

__all__ = ["BOUND", "Encoder", "Posterior", "PosteriorSizes", "SplineCoupling"]

BOUND = 4.0
"""The splines act on [-BOUND, BOUND]."""


@dataclass(frozen=True)
class PosteriorSizes:
    """The sizes of the posterior, each at least 1.

    Args:
        width: Channels of the encoder's first layer.
        context: Size of the encoding of the sound and the note.
        hidden: Width of the networks inside the flow.
        transforms: Number of coupling layers.
        bins: Number of spline segments.
    """

    width: int = 48
    context: int = 256
    hidden: int = 448
    transforms: int = 8
    bins: int = 8


class Posterior(Density):
    """Neural spline couplings conditioned on a log-mel spectrogram and on the note that is played.

    Discrete parameters are dequantised: a value is spread uniformly over its cell of the unit
    cube, and a sample is snapped back to the centre of its cell. Continuous ones are spread by 0.01 either
    way: many presets share a value exactly, most often the lowest or highest, which no smooth density can give.

    References:
        Durkan et al., Neural Spline Flows (2019), https://arxiv.org/abs/1906.04032
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        space: The parameters to infer.
        sizes: Fields of `PosteriorSizes`.

    Example:
        >>> from patchflow.engines import engines
        >>> model = Posterior(engines["tone"].space, width=4, context=8, hidden=8, transforms=2, bins=4)
        >>> mel, note = torch.rand(1, 80, 173), torch.tensor([[60.0, 100.0, 3.0]])
        >>> model.decode(torch.randn(5, 3), model.encode(mel, note).expand(5, -1)).shape
        torch.Size([5, 3])
    """

    Sizes = PosteriorSizes
    input = "levels"
    uses_note = True
    cells: Tensor

    def __init__(self, space: ParamSpace, **sizes: Any) -> None:
        super().__init__()
        self.space = space
        self.noise = len(space)
        self.sizes = PosteriorSizes(**sizes)
        self.register_buffer("cells", torch.from_numpy(space.cells).float(), persistent=False)
        self.encoder = Encoder(self.sizes.width, self.sizes.context)
        self.flow = _flow(len(space), self.sizes)

    def config(self) -> dict[str, Any]:
        """See `Model.config`."""
        return asdict(self.sizes)

    def encode(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """See `Model.encode`."""
        return self.encoder(mel, note)

    def log_prob(self, points: Float[Tensor, "B P"], context: Float[Tensor, "B C"]) -> Float[Tensor, "B"]:
        """See `Density.log_prob`."""
        # the flow's density is that of widened points; each coordinate was stretched by 2 BOUND
        log_prob = self.flow(context).log_prob(self._widen(points))
        return log_prob + points.shape[-1] * math.log(2 * BOUND)

    @torch.no_grad()
    def decode(self, z: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Model.decode`."""
        x = self.flow(context).transform.inv(z)
        return (x / (2 * BOUND) + 0.5).clamp(0, 1)

    @torch.no_grad()
    def noise_of(self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Density.noise_of`."""
        return self.flow(context).transform(self._widen(points))

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns the mean negative log-density per parameter of freshly spread presets, in nats."""
        points = dequantise(batch.points, self.cells, generator)
        density = self.log_prob(points, self.encode(batch.mel, batch.note))
        return {"posterior": -density.mean() / points.shape[-1]}

    def _widen(self, points: Tensor) -> Tensor:
        return (points - 0.5) * (2 * BOUND)


def _flow(size: int, sizes: PosteriorSizes) -> Flow:
    """A normal distribution and the couplings that lead to it."""
    masks = islice(_masks(size), sizes.transforms)
    layers = [SplineCoupling(mask, sizes.context, sizes.hidden, sizes.bins) for mask in masks]
    base = UnconditionalDistribution(DiagNormal, loc=torch.zeros(size), scale=torch.ones(size), buffer=True)
    return Flow(layers, base)


def _masks(size: int) -> Iterator[np.ndarray]:
    """Random but fixed halves of the parameters, each followed by its complement, without end."""
    # With halves that are all random, some coordinates would stay in most layers. The seed is part of the file format:
    # saved weights belong to these masks.
    rng = np.random.default_rng(0)
    while True:
        half = np.zeros(size, bool)
        half[rng.permutation(size)[: size // 2]] = True
        yield half
        yield ~half


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
        # how many numbers are left of a spectrogram is found by trying, not by repeating the arithmetic of strides
        with torch.no_grad():
            size = self.stages(torch.zeros(1, 1, *input_shape())).numel()
        self.note = nn.Sequential(nn.Linear(5, 64), nn.SiLU(), nn.Linear(64, 64))
        self.head = nn.Sequential(
            nn.Linear(size + 64, 2 * context), nn.SiLU(), nn.Linear(2 * context, context), nn.LayerNorm(context)
        )

    def forward(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """Returns the encoding; see `Posterior.encode`."""
        # levels in [0, 1] become numbers in [-2, 2]; channels last is what CPU convolutions are fastest with
        x = (4 * mel - 2)[:, None].contiguous(memory_format=torch.channels_last)
        x = self.stages(x).flatten(1)
        return self.head(torch.cat([x, self.note(_describe(note))], 1))


class SplineCoupling(LazyTransform):
    """Monotonic rational-quadratic splines of half of the coordinates.

    `zuko.flows.GeneralCouplingTransform` does the same for shapes that have to be broadcast. For that, torch
    imports a library for symbolic algebra when it is first used: half a second that a short match notices.

    References:
        Durkan et al., Neural Spline Flows (2019), https://arxiv.org/abs/1906.04032

    Args:
        mask: True for coordinates that stay as they are, shape `(Z,)`.
        context: Size of the context.
        hidden: Width of the two hidden layers.
        bins: Number of spline segments.
    """

    mask: BoolTensor

    def __init__(self, mask: np.ndarray, context: int, hidden: int, bins: int) -> None:
        super().__init__()
        self.register_buffer("mask", torch.from_numpy(mask))
        self.sizes = [bins, bins, bins - 1]
        stay = int(mask.sum())
        self.hyper = MLP(
            stay + context, (len(mask) - stay) * sum(self.sizes), hidden_features=(hidden, hidden), activation=nn.SiLU
        )

    def forward(self, c: Tensor | None = None) -> Transform:
        """Returns the transform for a context, shape `(B, C)`, one for each row of what is transformed."""
        return CouplingTransform(partial(self._bend, c), self.mask)

    def _bend(self, c: Tensor | None, x: Tensor) -> Transform:
        known = x if c is None else torch.cat((x, c), -1)
        phi = self.hyper(known).unflatten(-1, (-1, sum(self.sizes)))
        # mixed precision ends here: a spline in bfloat16 is neither monotone nor invertible
        phi = phi.to(torch.promote_types(phi.dtype, torch.float32))
        widths, heights, slopes = phi.split(self.sizes, -1)
        return DependentTransform(_Spline(widths, heights, slopes, bound=BOUND, slope=1e-4), 1)


class _Spline(MonotonicRQSTransform):
    """Zuko's spline, made four times as fast, which looks up its knots without broadcasting: each value has its own.

    Args:
        widths: The unconstrained widths of the bins, shape `(B, D, K)`.
        heights: Their unconstrained heights, the same shape.
        slopes: The unconstrained slopes between them, shape `(B, D, K - 1)`.
        bound: The spline acts on [-bound, bound].
        slope: The smallest slope.
    """

    def __init__(self, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float, slope: float) -> None:
        Transform.__init__(self)
        steepest = math.log(slope)
        sizes = torch.stack([widths, heights])
        # This keeps them within half of `steepest` either way, so the exponentials need no care. Torch's softmax has
        # some, and takes a hundred times as long for each of so few numbers in a row.
        grown = (sizes / (1 + (2 * sizes / steepest).abs())).exp()
        edges = nn.functional.pad((grown / grown.sum(-1, keepdim=True)).cumsum(-1), (1, 0))
        self.horizontal, self.vertical = bound * (2 * edges - 1)
        self.derivatives = nn.functional.pad(slopes / (1 + (slopes / steepest).abs()), (1, 1)).exp()

    def bin(self, k: Tensor) -> tuple[Tensor, ...]:
        """Returns whether each value is in a bin, and that bin's corners, slopes at these, and mean slope."""
        inside = (k >= 0) & (k < self.bins)
        left = (k % self.bins)[..., None]
        right = left + 1
        x0 = self.horizontal.gather(-1, left).squeeze(-1)
        x1 = self.horizontal.gather(-1, right).squeeze(-1)
        y0 = self.vertical.gather(-1, left).squeeze(-1)
        y1 = self.vertical.gather(-1, right).squeeze(-1)
        d0 = self.derivatives.gather(-1, left).squeeze(-1)
        d1 = self.derivatives.gather(-1, right).squeeze(-1)
        return inside, x0, x1, y0, y1, d0, d1, (y1 - y0) / (x1 - x0)

    def _inverse(self, y: Tensor) -> Tensor:
        inside, x0, x1, y0, y1, d0, d1, mean = self.bin(self.searchsorted(self.vertical, y) - 1)
        height = y1 - y0
        bend = d0 + d1 - 2 * mean
        above = inside * (y - y0)
        # Inside a bin y is a quotient of two quadratics of the share of the bin that lies before x, so the share is a
        # root of a share^2 + b share + c, as Durkan et al. derive. Of the two, 2 c / (-b - root) is the one in [0, 1],
        # in the form that does not lose digits where a is near 0.
        a = height * (mean - d0) + above * bend
        b = height * d0 - above * bend
        c = -mean * above
        # in a steep or flat bin rounding makes this negative, and a root of it would spoil the whole preset
        root = (b.square() - 4 * a * c).clamp_min(0).sqrt()
        share = (2 * c / (-b - root).clamp_max(-torch.finfo(y.dtype).tiny)).clamp(0, 1)
        return torch.where(inside, x0 + share * (x1 - x0), y)


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
