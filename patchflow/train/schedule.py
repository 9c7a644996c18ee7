"""The schedule of a run: its length and learning rate, the weights of terms of its loss, and when it stops early."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import ModelError, UnknownName
from ..models import Batch, Model
from .recipe import Recipe
from .training_data import TrainingData, load_batch

__all__ = ["ERROR", "EarlyStopping", "Schedule", "Terms", "check_finite", "validate"]

_EVERY = 250  # steps from one check to the next, where a run is not in epochs
_WARMING = 0.2  # share of the minutes after which warm-ups are over; the paper's take a fifth of its epochs


ERROR = "error"
"""What may be monitored beside the terms: mean squared error of the parameters of the single best prediction."""

_BATCH = 128  # items that are validated at once


@dataclass(frozen=True)
class Schedule:
    """The course of a run.

    Args:
        recipe: The settings of the run.
        epoch: Steps it takes to see every item once.

    Example:
        >>> schedule = Schedule(Recipe("b", "o", steps=1_000, learning_rate=0.1, warmup_steps=0), epoch=10)
        >>> [round(schedule.learning_rate(step, 0.0, 0), 4) for step in (0, 500, 1_000)]
        [0.1, 0.0505, 0.001]
    """

    recipe: Recipe
    epoch: int

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.recipe.epochs * self.epoch or self.recipe.steps

    @property
    def every(self) -> int:
        """Steps from one check to the next."""
        return self.recipe.every or (self.epoch if self.recipe.epochs else _EVERY)

    def done(self, step: int, minutes: float) -> float:
        """Returns the share of the run that is over: of its steps or of its minutes, whichever is more.

        Args:
            step: Steps taken.
            minutes: Minutes they took.
        """
        clock = minutes / self.recipe.minutes if self.recipe.minutes else 0.0
        return max(step / self.steps, clock)

    def warmed(self, step: int, minutes: float, settled: float) -> float:
        """Returns the epochs that warm-ups count.

        Where the clock may end a run long before its epochs, warm-ups would take all of it. So they are shortened,
        in order to be over after as large a share of the minutes as was planned of the epochs, or after a fifth if
        that is more.

        Args:
            step: Steps taken.
            minutes: Minutes they took.
            settled: Epochs that the longest warm-up takes.

        Example:
            >>> schedule = Schedule(Recipe("b", "o", epochs=500, minutes=10), epoch=100)
            >>> schedule.warmed(1_000, 1.0, 100)
            50.0
        """
        epochs = step / self.epoch
        if not self.recipe.minutes:
            return epochs
        share = max(_WARMING, settled * self.epoch / self.steps)
        return max(epochs, settled * minutes / self.recipe.minutes / share)

    def learning_rate(self, step: int, minutes: float, halvings: int) -> float:
        """Returns the learning rate of the next step.

        Args:
            step: Steps taken.
            minutes: Minutes they took.
            halvings: How often the validation loss has stalled.
        """
        rising = min(1.0, (step + 1) / max(1, self.recipe.warmup_steps))
        if self.recipe.schedule == "plateau":
            return self.recipe.learning_rate * rising * 0.5**halvings
        # half a period of a cosine, written as a square, from 1 to the hundredth of the rate that stays
        done = min(1.0, self.done(step, minutes))
        falling = 0.01 + 0.99 * math.cos(done * math.pi / 2) ** 2
        return self.recipe.learning_rate * rising * falling


@dataclass
class EarlyStopping:
    """What a run remembers of its validation losses.

    While loss weights still grow, each loss replaces the best one; losses from that time never count as a stall. A
    model is only what it is meant to be when all terms are there.

    Args:
        best: The best loss so far.
        best_step: The step it was found at.
        halvings: How often the learning rate was halved.
        halved_step: The step it was last halved at.
        stopped: Whether the run is over because nothing got better.
        warming: Whether weights of terms still grew when the best loss was found.

    Example:
        >>> early_stopping = EarlyStopping()
        >>> early_stopping.see(2.0, 10), early_stopping.see(3.0, 20), early_stopping.see(1.0, 30)
        (True, False, True)
        >>> early_stopping.best_step
        30
    """

    best: float = math.inf
    best_step: int = 0
    halvings: int = 0
    halved_step: int = 0
    stopped: bool = False
    warming: bool = False

    def see(self, loss: float, step: int, *, warming: bool = False) -> bool:
        """Takes note of a loss and returns whether it is the best so far.

        Args:
            loss: The loss.
            step: Now.
            warming: Whether weights of terms still grow.
        """
        # `self.warming`: the first loss after the warm-ups is the best, however much lower those before it were
        if not (warming or self.warming or loss < self.best):
            return False
        self.best = loss
        self.best_step = step
        self.warming = warming
        return True

    def halve(self, step: int, *, plateau_patience: float) -> None:
        """Halves the learning rate if nothing got better for long enough, since it was halved the last time.

        Args:
            step: Now.
            plateau_patience: Steps that are long enough.
        """
        if step - max(self.best_step, self.halved_step) >= plateau_patience:
            self.halvings += 1
            self.halved_step = step

    def stop(self, step: int, *, patience: float) -> None:
        """Stops if nothing got better for long enough.

        Args:
            step: Now.
            patience: Steps that are long enough; 0 for never.
        """
        self.stopped = patience > 0 and step - self.best_step >= patience

    def resume(self, step: int, *, patience: float) -> None:
        """Goes on after a stop if there is more patience now; the arguments are those of `stop`."""
        if self.stopped:
            self.stop(step, patience=patience)


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
