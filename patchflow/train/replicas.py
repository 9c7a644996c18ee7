"""One gradient from several threads, each with a share of the batch."""

import copy
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import torch

from ..models import Batch, Model

__all__ = ["Replicas"]


class Replicas:
    """Twins of a model that share its weights but have gradients of their own.

    On a few cores this is faster than several threads within every operation, which mostly wait for
    each other. The gradients do not depend on the order in which the threads finish.

    Args:
        model: What is trained; the gradients end up on it.
        count: Number of threads, the model's own included.

    Example:
        >>> # with Replicas(model, 2) as replicas: loss = replicas.backward(batch, seed=0)
    """

    def __init__(self, model: Model, count: int) -> None:
        self._models = [model] + [_twin(model) for _ in range(count - 1)]
        threads = max(1, torch.get_num_threads() // count) if count > 1 else torch.get_num_threads()
        self._pool = ThreadPoolExecutor(count, "replica", torch.set_num_threads, (threads,))

    def __enter__(self) -> "Replicas":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def backward(self, batch: Batch, *, seed: int, mixed: bool = False) -> float:
        """Sets the gradients of the mean loss over a batch and returns that loss.

        Args:
            batch: What to learn from.
            seed: Of the dequantisation.
            mixed: Whether to compute in bfloat16 where that is safe.
        """
        shares, device = list(batch.chunk(len(self._models))), batch.points.device

        def work(k: int) -> float:
            model = self._models[k].train()
            generator = torch.Generator(device).manual_seed(seed + k * 2**40)
            with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
                terms = model.loss(shares[k], generator)
                loss = torch.stack(list(terms.values())).sum() * (len(shares[k]) / len(batch))
            model.zero_grad(set_to_none=True)
            loss.backward()
            return float(loss.detach())

        losses = list(self._pool.map(work, range(len(shares))))
        for twin in self._models[1 : len(shares)]:
            for ours, theirs in zip(self._models[0].parameters(), twin.parameters(), strict=True):
                if ours.grad is not None and theirs.grad is not None:
                    ours.grad += theirs.grad
        return sum(losses)


def _twin(model: Model) -> Model:
    twin = copy.deepcopy(model)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        theirs.data = ours.data
    return twin
