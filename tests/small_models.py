"""Small models of every kind, far from where training begins, and sounds for them to hear."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from patchflow.features.inputs import inputs
from patchflow.models import Batch, Model, default_sizes, models
from patchflow.presets import Choice, Knob, ParamSpace, Steps

__all__ = ["KNOBS", "MIXED", "batch", "gained_on_one_batch", "heard", "make", "presets", "seeded", "total"]

KNOBS = ParamSpace((Knob("a", 0.0, 1.0), Knob("b", 0.0, 1.0), Knob("c", 0.0, 1.0)))
MIXED = ParamSpace(
    (Choice("wave", ("a", "b", "c")), Steps("level", 0, 99), Knob("gain", -60.0, 0.0), Steps("on", 0, 1))
)


def make(name: str, space: ParamSpace, spread: float = 0.2, **changed: Any) -> Model:
    """A small model whose weights are far from where they begin, so that no law holds by chance.

    Sizes of 8 and more are divided by 16; smaller ones, such as a kernel's, stay, and so do other keywords.
    """
    sizes = default_sizes(models[name])
    small = {key: max(4, size // 16) for key, size in sizes.items() if type(size) is int and size >= 8}
    torch.manual_seed(0)
    model = models[name](space, **{**small, **changed})
    with torch.no_grad():
        for weight in model.parameters():
            inputs_of_one = weight[0].numel()  # many small changes add up to a large one
            weight.add_(spread * min(1.0, 4 / inputs_of_one**0.5) * torch.randn_like(weight))
    return model


def heard(model: Model, count: int) -> tuple[Tensor, Tensor]:
    """Spectrograms and notes of random sounds."""
    generator = torch.Generator().manual_seed(1)
    note = torch.tensor([24.0, 20.0, 0.2]) + torch.rand(count, 3, generator=generator) * torch.tensor([72, 107, 3.3])
    return torch.rand(count, *inputs[model.input].shape, generator=generator), note


def presets(count: int, size: int = 3) -> Tensor:
    """Points well inside the unit cube."""
    return 0.05 + 0.9 * torch.rand(count, size, generator=torch.Generator().manual_seed(2))


def batch(model: Model, count: int, attributes: int | None = None) -> Batch:
    """Random presets, sounds and tags, of as many pairs as the model has."""
    known: int = model.config().get("attributes", 0) if attributes is None else attributes
    tags = torch.randint(-1, 2, (count, known), generator=torch.Generator().manual_seed(3)).float()
    return Batch(presets(count, len(model.space)), *heard(model, count), tags)


def total(model: Model, learned: Batch, generator: torch.Generator) -> Tensor:
    """The sum of all terms of the loss."""
    return torch.stack(list(model.loss(learned, generator).values())).sum()


def seeded(seed: int = 0) -> torch.Generator:
    """A source of chance."""
    return torch.Generator().manual_seed(seed)


def gained_on_one_batch(model: Model) -> float:
    """By how much 60 steps on one batch of `MIXED` make its loss smaller, in nats: means of five steps."""
    points = torch.from_numpy(MIXED.snap(presets(8, 4).numpy())).float()
    learned = replace(batch(model, 8), points=points)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    losses = []

    for _ in range(60):
        loss = total(model, learned, seeded())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    return (sum(losses[:5]) - sum(losses[-5:])) / 5
