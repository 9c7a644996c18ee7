"""The terms of the loss on items that are not learned from."""

import numpy as np
import torch

from ..models import Batch, Model
from .items import Material, load

__all__ = ["ERROR", "validate"]

ERROR = "error"
"""What may be watched beside the terms of the loss: mean squared error of the parameters of the single best guess."""

_BATCH = 128


@torch.no_grad()
def validate(model: Model, material: Material, device: str, *, guessing: bool = False) -> dict[str, float]:
    """Returns the terms of the loss over all validation items, with the same chance every time.

    Args:
        model: What to check.
        material: Has the items.
        device: Where the model is.
        guessing: Whether to return `ERROR`, too.
    """
    torch.manual_seed(0)
    generator = torch.Generator(device).manual_seed(0)
    model.eval()
    sums: dict[str, float] = {}
    count = len(material.valid)
    for first in range(0, count, _BATCH):
        rows = np.arange(first, min(first + _BATCH, count))
        batch = load(material.valid, rows, material.hears).to(device)
        terms = model.loss(batch, generator)
        if guessing:
            terms[ERROR] = _error(model, batch)
        for name, term in terms.items():
            sums[name] = sums.get(name, 0.0) + float(term) * len(rows)
    return {name: value / count for name, value in sums.items()}


def _error(model: Model, batch: Batch) -> torch.Tensor:
    context = model.encode(batch.mel, batch.note)
    guess = model.decode(context.new_zeros(len(batch), model.noise), context)
    return (guess - batch.points).square().mean()
