"""The terms of a loss: their weights, which may grow over the first epochs, and validation."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import ModelError, UnknownName
from ..models import Batch, Model
from .training_data import TrainingData, load_batch

__all__ = ["ERROR", "Terms", "check_finite", "validate"]

ERROR = "error"
"""What may be monitored beside the terms: mean squared error of the parameters of the single best prediction."""

_BATCH = 128  # items that are validated at once


@dataclass(frozen=True)
class Terms:
    """Names and weights of the terms of a model's loss.

    Args:
        names: All terms.
        weights: Weight by name; 1 for those not named.
        loss_warmup: Epochs over which a weight grows linearly from 0, by name; 0 for those not named.

    Raises:
        UnknownName: If a weight or a warm-up is of no term of the model.

    Example:
        >>> terms = Terms(("sound", "latent"), {"latent": 0.5}, {"latent": 100})
        >>> terms.at(20)
        {'sound': 1.0, 'latent': 0.1}
    """

    names: tuple[str, ...]
    weights: Mapping[str, float]
    loss_warmup: Mapping[str, float]

    def __post_init__(self) -> None:
        for name in (*self.weights, *self.loss_warmup):
            self.check(name)

    @property
    def settled(self) -> float:
        """Epochs until all weights are what they stay."""
        return max(self.loss_warmup.values(), default=0.0)

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
        weights = {}
        for name in self.names:
            weights[name] = self.weights.get(name, 1.0) * self._grown(name, epoch)
        return weights

    def total(self, values: Mapping[str, float]) -> float:
        """Returns the sum of terms at their final weights, which can be compared over the whole run.

        Args:
            values: Terms by name; what is no term is left out.
        """
        return sum(self.weights.get(name, 1.0) * values[name] for name in self.names)

    def _grown(self, name: str, epoch: float) -> float:
        """The share of its final weight that a term has at some time, 0 to 1."""
        epochs = self.loss_warmup.get(name, 0.0)
        return min(1.0, epoch / epochs) if epochs > 0 else 1.0


def check_finite(values: Iterable[tuple[str, float]], step: int, kept: str) -> None:
    """Makes sure that all terms are finite.

    Args:
        values: Terms by name.
        step: The step they are of.
        kept: What is kept of the run, for the error message.

    Raises:
        ModelError: If one is infinite or not a number.
    """
    bad = [f"{name}={value}" for name, value in values if not math.isfinite(value)]
    if bad:
        raise ModelError(f"loss: {', '.join(bad)} at step {step}: stopped; {kept}")


@torch.no_grad()
def validate(model: Model, data: TrainingData, device: str, *, with_error: bool = False) -> dict[str, float]:
    """Returns the terms of the loss over all validation items, with the same random numbers every time.

    Args:
        model: What to validate.
        data: Has the items.
        device: Where the model is.
        with_error: Whether to return `ERROR`, too.
    """
    torch.manual_seed(0)  # for layers that take no generator
    generator = torch.Generator(device).manual_seed(0)
    model.eval()
    sums: dict[str, float] = {}
    count = len(data.valid)
    for first in range(0, count, _BATCH):
        rows = np.arange(first, min(first + _BATCH, count))
        batch = load_batch(data.valid, rows, data.input).to(device)
        terms = model.loss(batch, generator)
        if with_error:
            terms[ERROR] = _error(model, batch)
        for name, term in terms.items():
            sums[name] = sums.get(name, 0.0) + float(term) * len(rows)
    return {name: value / count for name, value in sums.items()}


def _error(model: Model, batch: Batch) -> torch.Tensor:
    context = model.encode(batch.mel, batch.note)
    prediction = model.decode(context.new_zeros(len(batch), model.noise), context)
    return (prediction - batch.points).square().mean()
