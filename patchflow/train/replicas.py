"""One gradient from several threads, each with a share of the batch."""

import copy
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import torch
from torch import Tensor

from ..models import Batch, Model
from .distributed import Team, change

__all__ = ["Replicas"]

_SEEDS = 2**40  # seeds of replicas are so far apart that those of their steps do not meet


class Replicas:
    """Copies of a model that share its weights but have gradients of their own.

    On a few cores this is faster than several threads within every operation, which mostly wait for
    each other. The gradients do not depend on the order in which the threads finish. A term that is no mean over
    items, and batch norm, are computed for each thread's share.

    Args:
        model: What is trained; the gradients end up on it.
        count: Number of threads, the model's own included.
        team: The processes that do the same, each with its own share of the batch.
        compiled: Whether to compile the loss.

    Example:
        >>> # with Replicas(model, 2) as replicas: terms = replicas.backward(batch, seed=0)
    """

    def __init__(self, model: Model, count: int, team: Team | None = None, *, compiled: bool = False) -> None:
        self._team = team or Team()
        self._models = [model] + [_replica_of(model) for _ in range(count - 1)]
        self._losses = [torch.compile(one.loss) if compiled else one.loss for one in self._models]
        threads = max(1, torch.get_num_threads() // count) if count > 1 else torch.get_num_threads()
        self._pool = ThreadPoolExecutor(count, "replica", torch.set_num_threads, (threads,))

    def __enter__(self) -> "Replicas":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def backward(
        self, batch: Batch, weights: Mapping[str, float] | None = None, *, seed: int, mixed: bool = False
    ) -> dict[str, Tensor]:
        """Sets the gradients of the mean loss over a batch and returns its terms, not weighted.

        Args:
            batch: What to learn from; every process gets the same.
            weights: Weight of every term by name; 1 for those not named.
            seed: Seed of all random numbers within the model.
            mixed: Whether to compute in bfloat16 where that is safe.
        """
        ours = self._team.share(batch)
        shares = list(ours.chunk(len(self._models)))
        device = ours.points.device
        # every replica of every process has random numbers of its own; those of this process begin at `first`
        first = self._team.rank * len(self._models)
        torch.manual_seed(seed + first * _SEEDS)  # for layers that take no generator
        # Buffers, such as the statistics of batch norm, change while the loss is computed. Where several replicas
        # change them, each by what its share says, the changes are averaged afterwards.
        before: dict[str, Tensor] = {}
        if len(self._models) * self._team.size > 1:
            before = {name: buffer.clone() for name, buffer in self._floating(0).items()}

        def work(k: int) -> dict[str, Tensor]:
            model = self._models[k].train()
            generator = torch.Generator(device).manual_seed(seed + (first + k) * _SEEDS)
            with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
                terms = self._losses[k](shares[k], generator)
                weighted = [(weights or {}).get(name, 1.0) * term for name, term in terms.items()]
                loss = torch.stack(weighted).sum()
            model.zero_grad(set_to_none=True)
            # terms are means over a share, so with its part of the whole batch the gradients add up to that of the mean
            (loss * (len(shares[k]) / len(batch))).backward()
            return {name: term.detach().float() for name, term in terms.items()}

        alone = len(self._models) == 1  # then this thread is as good as another, and its memory is at hand
        found = [work(0)] if alone else list(self._pool.map(work, range(len(shares))))
        parts = [len(share) / len(ours) for share in shares]
        terms = _mean_terms(found, parts)
        self._gather(before, parts)
        self._team.sum_up(self._models[0], before, list(terms.values()), len(ours) / len(batch))
        return terms

    @torch.no_grad()
    def _gather(self, before: Mapping[str, Tensor], parts: list[float]) -> None:
        """Adds up the copies' gradients, and shares out what changed in the buffers."""
        if len(self._models) == 1:
            return
        # One copy after the other, whichever was ready first: sums of floats depend on their order. A batch smaller
        # than the number of copies leaves the last ones without a share, and with the gradients of another step.
        for replica in self._models[1 : len(parts)]:
            for ours, theirs in zip(self._models[0].parameters(), replica.parameters(), strict=True):
                if theirs.grad is None:
                    continue
                ours.grad = theirs.grad if ours.grad is None else ours.grad.add_(theirs.grad)
        buffers = [self._floating(k) for k in range(len(self._models))]
        for name, old in before.items():
            changes = [change(old, buffers[k][name]) * part for k, part in enumerate(parts)]
            for mine in buffers:
                mine[name].copy_(old + torch.stack(changes).sum(0))

    def _floating(self, k: int) -> dict[str, Tensor]:
        """The buffers of a replica that may be averaged."""
        return {name: x for name, x in self._models[k].named_buffers() if x.is_floating_point()}


def _mean_terms(found: list[dict[str, Tensor]], parts: list[float]) -> dict[str, Tensor]:
    """The terms over a batch, of the terms of its shares, which are these parts of it."""
    terms = {}
    for name in found[0]:
        weighted = [one[name] * part for one, part in zip(found, parts, strict=True)]
        terms[name] = torch.stack(weighted).sum()
    return terms


def _replica_of(model: Model) -> Model:
    """A copy whose weights are the same tensors as the model's: a step of the optimizer moves both."""
    replica = copy.deepcopy(model)
    for ours, theirs in zip(model.parameters(), replica.parameters(), strict=True):
        theirs.data = ours.data
    return replica
