"""The terms of the loss on items that are not learned from."""

import numpy as np
import torch

from ..models import Model
from .items import Material, load

__all__ = ["validate"]

_BATCH = 128


@torch.no_grad()
def validate(model: Model, material: Material, device: str) -> dict[str, float]:
    """Returns the terms of the loss over all validation items, with the same chance every time.

    Args:
        model: What to check.
        material: Has the items.
        device: Where the model is.
    """
    torch.manual_seed(0)
    generator = torch.Generator(device).manual_seed(0)
    model.eval()
    sums: dict[str, float] = {}
    count = len(material.valid)
    for first in range(0, count, _BATCH):
        rows = np.arange(first, min(first + _BATCH, count))
        batch = load(material.valid, rows, material.hears).to(device)
        for name, term in model.loss(batch, generator).items():
            sums[name] = sums.get(name, 0.0) + float(term) * len(rows)
    return {name: value / count for name, value in sums.items()}
