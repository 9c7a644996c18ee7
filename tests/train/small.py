"""A small model with everything a loop must cope with, and examples to learn from."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from patchflow.engines.tone import Tone
from patchflow.models import Batch, Model
from patchflow.presets import ParamSpace

__all__ = ["FOLDS", "Crowd", "Folder", "Several"]

FOLDS = 5


class Several(Model):
    """Batch norm, dropout, noise, a normalisation, tags, and a loss of three terms."""

    hears = "paper"
    told_note = False
    mean: Tensor
    std: Tensor

    def __init__(self, space: ParamSpace, *, width: int = 8, pairs: int = 1, dropout: float = 0.1) -> None:
        super().__init__()
        self.space, self.noise, self.pairs = space, len(space), pairs
        self._config = {"width": width, "pairs": pairs, "dropout": dropout}
        self.register_buffer("mean", torch.zeros(64, 1))
        self.register_buffer("std", torch.ones(64, 1))
        self.first = nn.Sequential(nn.Linear(64, width), nn.BatchNorm1d(width), nn.ELU(), nn.Dropout(dropout))
        self.latent = nn.Linear(width, 2 * len(space))
        self.tags = nn.Linear(len(space), pairs)

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

    def __init__(self, space: ParamSpace, *, width: int = 8, pairs: int = 1) -> None:
        super().__init__(space, width=width, pairs=pairs, dropout=0.0)
        self._config = {"width": width, "pairs": pairs}

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        mean, _ = self.encode(batch.mel, batch.note).chunk(2, 1)
        return {"regression": (mean.sigmoid() - batch.points).square().mean(), "latent": mean.square().mean()}


class Folder:
    """Examples in memory, as those of a folder: a fifth of the families is the test set, some of the rest valid."""

    synth = "tone"
    hears = "paper"
    pairs = (("dark", "bright"),)

    def __init__(self, folder: Path, count: int = 60) -> None:
        rng = np.random.default_rng(0)
        self.points = Tone.space.snap(rng.random((count, 3))).astype(np.float32)
        levels = rng.normal(-3, 2, (count, 64, 80)) + 4 * self.points.mean(1)[:, None, None]
        self.mels = levels.astype(np.float16)
        self.notes = np.tile(np.array([60, 100, 3], np.float32), (count, 1))
        self.tags = rng.integers(-1, 2, (count, 1)).astype(np.int8)
        self.family = np.arange(count)

    def __len__(self) -> int:
        return len(self.points)

    def rows(self, part: str, fold: int = 0) -> np.ndarray:
        parts = np.where(self.family % FOLDS == fold, "test", np.where(self.family % 7 == 0, "valid", "train"))
        return np.nonzero(parts == part)[0]

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        return self.mels[rows], self.points[rows], self.notes[rows], self.tags[rows]

    def statistics(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mels = self.mels[rows].astype(np.float32)
        return mels.mean((0, 2))[:, None], mels.std((0, 2))[:, None]
