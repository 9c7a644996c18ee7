"""The terms of a loss: their weights, which may grow over the first epochs, and their validation."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import ModelError, UnknownName
from ..models import Batch, Model
from .training_data import Material, load

__all__ = ["ERROR", "Terms", "check_finite", "validate"]


@dataclass(frozen=True)
class Terms:
    """Names and weights of the terms of a model's loss.

    Args:
        names: All terms.
        weights: Weight by name; 1 for those not named.
        warm_up: Epochs over which a weight grows linearly from 0, by name; 0 for those not named.

    Raises:
        UnknownName: If a weight or a warm-up is of no term of the model.

    Example:
        >>> terms = Terms(("sound", "latent"), {"latent": 0.5}, {"latent": 100})
        >>> terms.at(20)
        {'sound': 1.0, 'latent': 0.1}
    """

    names: tuple[str, ...]
    weights: Mapping[str, float]
    warm_up: Mapping[str, float]

    def __post_init__(self) -> None:
        for name in (*self.weights, *self.warm_up):
            self.check(name)

    @property
    def settled(self) -> float:
        """Epochs until all weights are what they stay."""
        return max(self.warm_up.values(), default=0.0)

    def check(self, name: str) -> None:
        """Makes sure that there is a term of a name.

        Raises:
            UnknownName: If there is none.
        """
        if name not in self.names:
            raise UnknownName("term of the model's loss", name, self.names)

    def at(self, epoch: float) -> dict[str, float]:
        """Returns the weights at some time.

        Args:
            epoch: Epochs since training began, at least 0; infinity for the weights of the end.
        """
        return {name: self.weights.get(name, 1.0) * self._grown(name, epoch) for name in self.names}

    def total(self, values: Mapping[str, float]) -> float:
        """Returns the sum of terms at their final weights, which can be compared over the whole run."""
        return sum(self.weights.get(name, 1.0) * values[name] for name in self.names)

    def _grown(self, name: str, epoch: float) -> float:
        over = self.warm_up.get(name, 0.0)
        return min(1.0, epoch / over) if over > 0 else 1.0


def check_finite(values: Iterable[tuple[str, float]], step: int, kept: str) -> None:
    """Makes sure that all terms are numbers.

    Args:
        values: Terms by name.
        step: The step they are of.
        kept: What is kept of the run, for the error.

    Raises:
        ModelError: If one is infinite or not a number.
    """
    bad = [f"{name}={value}" for name, value in values if not math.isfinite(value)]
    if bad:
        raise ModelError(f"loss: {', '.join(bad)} at step {step}: stopped; {kept}")


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
