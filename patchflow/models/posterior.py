"""The posterior over presets given a sound: an audio encoder and a conditional normalizing flow."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from zuko.distributions import DiagNormal
from zuko.flows import Flow, UnconditionalDistribution

from ..presets import ParamSpace
from ._coupling import BOUND, SplineCoupling
from ._density import Density
from ._encoder import Encoder
from ._model import Batch
from ._spread import spread

__all__ = ["Posterior"]


@dataclass(frozen=True)
class _Sizes:
    width: int
    context: int
    hidden: int
    transforms: int
    bins: int


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
        width: Channels of the encoder's first layer.
        context: Size of the encoding of the sound and the note.
        hidden: Width of the networks inside the flow.
        transforms: Number of coupling layers.
        bins: Number of spline segments.

    Example:
        >>> from patchflow.engines import engines
        >>> model = Posterior(engines["tone"].space, width=4, context=8, hidden=8, transforms=2, bins=4)
        >>> mel, note = torch.rand(1, 80, 173), torch.tensor([[60.0, 100.0, 3.0]])
        >>> model.decode(torch.randn(5, 3), model.encode(mel, note).expand(5, -1)).shape
        torch.Size([5, 3])
    """

    hears = "levels"
    told_note = True
    cells: Tensor

    def __init__(
        self,
        space: ParamSpace,
        *,
        width: int = 48,
        context: int = 256,
        hidden: int = 448,
        transforms: int = 8,
        bins: int = 8,
    ) -> None:
        super().__init__()
        self.space = space
        self.noise = len(space)
        self.sizes = _Sizes(width, context, hidden, transforms, bins)
        self.register_buffer("cells", torch.from_numpy(space.cells).float(), persistent=False)
        self.encoder = Encoder(width, context)
        self.flow = _flow(len(space), context, hidden, transforms, bins)

    def config(self) -> dict[str, Any]:
        """See `Model.config`."""
        return asdict(self.sizes)

    def encode(self, mel: Float[Tensor, "B F N"], note: Float[Tensor, "B 3"]) -> Float[Tensor, "B C"]:
        """See `Model.encode`."""
        return self.encoder(mel, note)

    def log_density(self, points: Float[Tensor, "B P"], context: Float[Tensor, "B C"]) -> Float[Tensor, "B"]:
        """See `Density.log_density`."""
        return self.flow(context).log_prob(self._widen(points)) + points.shape[-1] * math.log(2 * BOUND)

    @torch.no_grad()
    def decode(self, z: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Model.decode`."""
        x = self.flow(context).transform.inv(z)
        return (x / (2 * BOUND) + 0.5).clamp(0, 1)

    @torch.no_grad()
    def infer(self, points: Float[Tensor, "S P"], context: Float[Tensor, "S C"]) -> Float[Tensor, "S P"]:
        """See `Density.infer`."""
        return self.flow(context).transform(self._widen(points))

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """Returns the mean negative log-density per parameter of freshly spread presets, in nats."""
        points = spread(batch.points, self.cells, generator)
        density = self.log_density(points, self.encode(batch.mel, batch.note))
        return {"posterior": -density.mean() / points.shape[-1]}

    def _widen(self, points: Tensor) -> Tensor:
        return (points - 0.5) * (2 * BOUND)


def _flow(size: int, context: int, hidden: int, transforms: int, bins: int) -> Flow:
    """A normal distribution and the couplings that lead to it."""
    layers = [SplineCoupling(mask, context, hidden, bins) for mask in _masks(size, transforms)]
    base = UnconditionalDistribution(DiagNormal, loc=torch.zeros(size), scale=torch.ones(size), buffer=True)
    return Flow(layers, base)


def _masks(size: int, count: int) -> list[torch.BoolTensor]:
    """Random but fixed halves of the parameters, each followed by its complement."""
    rng = np.random.default_rng(0)
    masks = []
    for _ in range(0, count, 2):
        half = torch.zeros(size, dtype=torch.bool)
        half[rng.permutation(size)[: size // 2]] = True
        masks += [half, ~half]
    return masks[:count]
