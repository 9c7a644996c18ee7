"""Stacks of linear layers: they bend, drop by a given generator, and keep sounds apart."""

import pytest
import torch

from patchflow.nn import MLP, Standard, activate
from patchflow.nn.mlp import drop


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("gated", [0, 1])
def test_it_is_not_linear(gated: int):
    stack, x, y = MLP(4, 8, 3, gated=gated).eval(), torch.randn(5, 4), torch.randn(5, 4)

    assert (stack(x + y) - stack(x) - stack(y) + stack(0 * x)).abs().max() > 1e-2


def test_the_generator_decides_what_is_dropped():
    stack, x = MLP(4, 8, 2, dropout=0.5), torch.randn(5, 4)

    first, again, other = (stack(x, seeded(seed)) for seed in (0, 0, 1))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_nothing_is_dropped_in_evaluation():
    stack, x = MLP(4, 8, 2, dropout=0.5).eval(), torch.randn(5, 4)

    assert torch.equal(stack(x, seeded()), stack(x))


def test_dropping_keeps_the_mean():
    dropped = drop(torch.ones(100_000), 0.3, seeded())

    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)


def test_a_closed_gate_lets_nothing_through():
    assert activate(torch.tensor([[3.0, -200.0]]), 1) == 0
    assert activate(torch.tensor([[3.0, 200.0]]), 1) == 3


@pytest.mark.parametrize("wrong", [{"layers": 0}, {"dropout": 1.0}, {"gated": 2}])
def test_a_size_out_of_range_is_refused_by_name(wrong: dict[str, float]):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}"):
        MLP(**{"inputs": 4, "hidden": 8, "layers": 2, **wrong})  # type: ignore[arg-type]


def test_what_was_standardised_has_mean_0_and_deviation_1_and_comes_back():
    mel = 3 + 2 * torch.randn(50, 4, 20)
    standard = Standard(4)
    standard.set(mel.mean((0, 2))[:, None], mel.std((0, 2))[:, None])

    x = standard(mel)

    torch.testing.assert_close(x.mean((0, 2)), torch.zeros(4), rtol=0, atol=1e-4)
    torch.testing.assert_close(x.std((0, 2)), torch.ones(4), rtol=1e-4, atol=0)
    torch.testing.assert_close(standard.inverse(x), mel)


def test_a_band_that_never_sounds_stays_finite():
    standard = Standard(1)
    standard.set(torch.tensor([[-7.0]]), torch.tensor([[0.0]]))

    assert standard(torch.full((1, 1, 3), -7.0)).abs().max() == 0


@pytest.mark.parametrize("std", [-1.0, float("nan"), float("inf")])
def test_a_deviation_that_is_none_is_refused(std: float):
    with pytest.raises(ValueError, match="std"):
        Standard(1).set(torch.tensor(0.0), torch.tensor(std))
