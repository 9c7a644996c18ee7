"""A small model with everything a loop must cope with, and examples to learn from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from patchflow.data.bank import deal
from patchflow.data.examples import Content, write_examples
from patchflow.data.examples.attributes import Attribute
from patchflow.engines.tone import Tone
from patchflow.models import Batch, Model
from patchflow.presets import ParamSpace

__all__ = ["Crowd", "Several", "write_small"]


@dataclass(frozen=True)
class _CrowdSizes:
    width: int = 8
    attributes: int = 1


@dataclass(frozen=True)
class _Sizes(_CrowdSizes):
    dropout: float = 0.1


class Several(Model):
    """Batch norm, dropout, noise, a normalisation, tags, and a loss of three terms."""

    Sizes = _Sizes
    input = "paper"
    uses_note = False
    mean: Tensor
    std: Tensor

    def __init__(self, space: ParamSpace, *, width: int = 8, attributes: int = 1, dropout: float = 0.1) -> None:
        super().__init__()
        self.space, self.noise, self.attributes = space, len(space), attributes
        self._config = {"width": width, "attributes": attributes, "dropout": dropout}
        self.register_buffer("mean", torch.zeros(64, 1))
        self.register_buffer("std", torch.ones(64, 1))
        self.first = nn.Sequential(nn.Linear(64, width), nn.BatchNorm1d(width), nn.ELU(), nn.Dropout(dropout))
        self.latent = nn.Linear(width, 2 * len(space))
        self.tags = nn.Linear(len(space), attributes)

    def normalise(self, mean: Tensor, std: Tensor) -> None:
        self.mean.copy_(mean)
        self.std.copy_(std)

    def config(self) -> dict[str, Any]:
        return self._config

    def encode(self, mel: Tensor, note: Tensor) -> Tensor:
        return self.latent(self.first(((mel - self.mean) / self.std).mean(2)))

    def decode(self, z: Tensor, context: Tensor) -> Tensor:
        return context[:, : self.noise].sigmoid()

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        mean, spread = self.encode(batch.mel, batch.note).chunk(2, 1)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        z = mean + spread.exp() * noise
        known = batch.tags != 0
        gap = (self.tags(z.tanh()) - batch.tags).square() * known
        return {
            "regression": (z.sigmoid() - batch.points).square().mean(),
            "latent": (mean.square() + spread.exp().square() - 2 * spread).mean(),
            "tags": gap.sum() / len(batch),
        }


class Crowd(Several):
    """The same without chance, so that its gradient does not depend on who computes it."""

    Sizes = _CrowdSizes

    def __init__(self, space: ParamSpace, *, width: int = 8, attributes: int = 1) -> None:
        super().__init__(space, width=width, attributes=attributes, dropout=0.0)
        self._config = {"width": width, "attributes": attributes}

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        mean, _ = self.encode(batch.mel, batch.note).chunk(2, 1)
        return {"regression": (mean.sigmoid() - batch.points).square().mean(), "latent": mean.square().mean()}


def write_small(folder: Path, count: int = 60) -> Path:
    """Writes examples of two folds; what a band sounds like tells the preset."""
    rng = np.random.default_rng(0)
    points = Tone.space.snap(rng.random((count, 3)))
    levels = rng.normal(-3, 2, (count, 64, 80))
    levels[:, :3] += 8 * points[:, :, None]
    content = Content(
        synth="tone",
        parameters=Tone.space.names,
        input="paper",
        mels=levels,
        points=points,
        notes=np.tile([60.0, 100, 3], (count, 1)),
        family=np.arange(count),
        parts=deal(np.arange(count), 5, 0.15, 0),
        names=np.array([f"tone {i}" for i in range(count)]),
        category=np.array([""] * count),
        attributes=(Attribute("Dark", "Bright", "brightness"),),
        measures=points[:, :1],
    )
    write_examples(folder, content)
    return folder
