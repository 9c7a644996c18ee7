"""One step of an optimizer, and what is made of the weights after it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..models import Batch
from .checkpoint import State
from .recipe import Recipe
from .replicas import Replicas

__all__ = ["follow", "take_step"]

_SPREAD = 1_000_003  # seeds of one run do not meet those of the next


def take_step(
    state: State, settings: Recipe, batch: Batch, replicas: Replicas, weights: Mapping[str, float]
) -> dict[str, Tensor]:
    """Moves the weights once and returns the terms of the loss as they were before.

    Args:
        state: What is trained.
        settings: The recipe.
        batch: What to learn from.
        replicas: Of the model.
        weights: Weight of every term.
    """
    seed = settings.seed * _SPREAD + state.step
    terms = replicas.backward(batch, weights, seed=seed, mixed=settings.is_mixed)
    if settings.clip:
        nn.utils.clip_grad_norm_(state.model.parameters(), settings.clip)
    state.optimizer.step()
    state.step += 1
    if settings.average:
        follow(state, settings.average)
    return terms


@torch.no_grad()
def follow(state: State, decay: float) -> None:
    """Moves the average towards the weights.

    Args:
        state: What is trained.
        decay: Share of the average that stays, less in the first steps; 0 makes it equal to the weights.
    """
    decay = min(decay, (state.step + 1) / (state.step + 10))
    ours, theirs = state.average, state.model
    for slow, fast in zip(ours.parameters(), theirs.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)
    for slow, fast in zip(ours.buffers(), theirs.buffers(), strict=True):
        if slow.is_floating_point():
            slow.copy_(torch.where(slow == fast, slow, slow.lerp(fast, 1 - decay)))  # infinities stay as they are
        else:
            slow.copy_(fast)
