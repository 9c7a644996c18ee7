"""Activation normalisation: what the first batch sets, and that nothing else does."""

import pytest
import torch
from torch import Tensor

from patchflow.flows.actnorm import ActNorm

BATCH = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.1, 1.0, 30.0]) + 7


def settled(flow: ActNorm) -> tuple[Tensor, Tensor]:
    return flow.center.clone(), flow.spread.clone()


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_the_first_batch_comes_out_normalised(direction: str):
    out, _ = getattr(ActNorm(3), direction)(BATCH)

    torch.testing.assert_close(out.mean(0), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(out.std(0, correction=0), torch.ones(3), rtol=0, atol=1e-4)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_later_batches_change_nothing(direction: str):
    flow = ActNorm(3)
    flow(BATCH)
    before = settled(flow)

    getattr(flow, direction)(BATCH + 5)

    assert all(map(torch.equal, settled(flow), before))


def test_evaluation_sets_nothing():
    flow = ActNorm(3).eval()

    assert torch.equal(flow(BATCH)[0], BATCH)
    assert not flow.begun


def test_a_loaded_flow_does_not_begin_again():
    flow, other = ActNorm(3), ActNorm(3)
    flow(BATCH)

    other.load_state_dict(flow.state_dict())
    other(BATCH + 5)

    assert all(map(torch.equal, settled(other), settled(flow)))


def test_a_batch_of_one_is_centred_only():
    y, logdet = ActNorm(3)(BATCH[:1])

    assert torch.equal(y, torch.zeros(1, 3))
    assert torch.equal(logdet, torch.zeros(1))


def test_a_constant_column_is_centred_only():
    batch = BATCH.clone()
    batch[:, 1] = 4.0

    y, logdet = ActNorm(3)(batch)

    assert torch.equal(y[:, 1], torch.zeros(50))
    assert logdet.isfinite().all()


def test_a_batch_of_none_does_not_begin():
    flow = ActNorm(3)

    flow(BATCH[:0])

    assert not flow.begun


def test_two_batches_may_be_learned_from_at_once():
    flow = ActNorm(3)

    loss = flow(BATCH)[0].square().sum() + flow(BATCH + 1)[0].square().sum()
    loss.backward()

    assert flow.s.grad is not None
    assert (flow.s.grad != 0).all()
