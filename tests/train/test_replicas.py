"""Replicas: the gradient of the whole batch, from whatever number of threads."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from patchflow.engines.tone import Tone
from patchflow.models import Batch
from patchflow.models.posterior import Posterior
from patchflow.train.replicas import Replicas

SIZE = 7


class Plain(Posterior):
    """A posterior that does not dequantise, so that its loss is the same on every thread."""

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        return {"posterior": -self.log_prob(batch.points, self.encode(batch.mel, batch.note)).mean()}


def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    mel = torch.rand(SIZE, 80, 173, generator=generator)
    note = torch.tensor([[60.0, 100, 3]]).expand(SIZE, 3)
    return Batch(torch.rand(SIZE, 3, generator=generator), mel, note, torch.zeros(SIZE, 0))


def small() -> Posterior:
    torch.manual_seed(0)
    return Plain(Tone.space, width=4, context=8, hidden=8, transforms=2, bins=4)


def gradients(workers: int) -> tuple[float, list[Tensor]]:
    model = small()
    with Replicas(model, workers) as replicas:
        loss = _loss(replicas)
    return loss, [torch.zeros(()) if p.grad is None else p.grad for p in model.parameters()]


@pytest.mark.parametrize("workers", [2, 3, 7, 9])
def test_the_loss_and_its_gradient_are_those_of_the_whole_batch(workers: int):
    loss, wanted = gradients(1)
    other, found = gradients(workers)

    assert other == pytest.approx(loss, rel=1e-5)
    for ours, theirs in zip(wanted, found, strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-5)


def test_a_step_moves_every_replica():
    model = small()
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    with Replicas(model, 2) as replicas:
        losses = []
        for _ in range(5):
            losses.append(_loss(replicas))
            optimizer.step()

    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(_alone(4), rel=1e-4)


def test_gradients_of_the_step_before_are_gone():
    model = small()
    with Replicas(model, 2) as replicas:
        replicas.backward(batch(), seed=0)
        once = _norm(model)
        replicas.backward(batch(), seed=0)

    assert _norm(model) == once > 0


def test_a_fault_in_a_thread_is_raised():
    model = small()
    cut = replace(batch(), mel=batch().mel[:, :40])
    with Replicas(model, 2) as replicas, pytest.raises(RuntimeError):
        replicas.backward(cut, seed=0)


def _alone(steps: int) -> float:
    model = small()
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    with Replicas(model, 1) as replicas:
        for _ in range(steps):
            replicas.backward(batch(), seed=0)
            optimizer.step()
        return _loss(replicas)


def _norm(model: Posterior) -> float:
    return sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None)


def _loss(replicas: Replicas) -> float:
    return sum(float(term) for term in replicas.backward(batch(), seed=0).values())
