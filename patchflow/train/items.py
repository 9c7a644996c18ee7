"""What a run learns from and is checked on: items rendered from a bank, or a folder of examples."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from ..features.inputs import inputs
from ..models import Batch

__all__ = ["Items", "Material", "Selection", "load", "moments"]

_COUNTED = 4096  # items of a cache that statistics are taken of


@runtime_checkable
class Items(Protocol):
    """Anything that batches are taken from: a cache, a stream, examples."""

    def __len__(self) -> int: ...

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns mels, points, notes, and maybe tags."""
        ...


@dataclass(frozen=True)
class Selection:
    """Some of the items.

    Args:
        items: All of them.
        rows: Numbers of those that belong to it.
    """

    items: Items
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns mels, points, notes, and maybe tags."""
        return self.items.take(self.rows[rows])


@dataclass(frozen=True)
class Material:
    """The items of a run.

    Args:
        train: To learn from.
        valid: To check on.
        hears: What was made of the sounds, see `features.inputs`.
        mean: Mean of `train`, shape `(F, 1)`.
        std: Standard deviation of `train`, shape `(F, 1)`.
    """

    train: Items
    valid: Items
    hears: str
    mean: torch.Tensor
    std: torch.Tensor


def load(items: Items, rows: np.ndarray, hears: str) -> Batch:
    """Returns a batch of some items; what was stored as bytes is in [0, 1] again.

    Args:
        items: What to take them from.
        rows: Their numbers.
        hears: What was made of the sounds.
    """
    mels, points, notes, *more = (torch.from_numpy(np.asarray(values)) for values in items.take(rows))
    bytes_ = mels.dtype == torch.uint8 and inputs[hears].bounded
    tags = more[0].float() if more else points.new_zeros(len(points), 0)
    return Batch(points, mels.float() / 255 if bytes_ else mels.float(), notes, tags)


def moments(items: Items, hears: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns mean and standard deviation of every band, each of shape `(F, 1)`, over evenly spaced items."""
    rows = np.unique(np.linspace(0, len(items) - 1, min(len(items), _COUNTED)).round().astype(int))
    mels = load(items, rows, hears).mel.double()
    mean = mels.mean((0, 2))[:, None].float()
    return mean, mels.std((0, 2), correction=0)[:, None].float().clamp_min(1e-3)
