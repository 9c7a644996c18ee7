"""Where increasing functions are zero."""

import pytest
import torch
from torch import Tensor

from patchflow.flows._monotonic import increasing_root


def ends(low: float, high: float) -> tuple[Tensor, Tensor]:
    return torch.tensor([low], dtype=torch.float64), torch.tensor([high], dtype=torch.float64)


def test_it_finds_all_roots_at_once():
    wanted = torch.linspace(-9, 9, 50, dtype=torch.float64)

    found = increasing_root(lambda x: (x**3 - wanted**3, 3 * x**2 + 1e-300), wanted - 7, wanted + 3)

    torch.testing.assert_close(found[wanted.abs() > 0.1], wanted[wanted.abs() > 0.1], rtol=1e-12, atol=0)


@pytest.mark.parametrize("steepness", [1.0, 30.0, 1e4])
def test_where_newtons_method_alone_runs_away_it_does_not(steepness: float):
    def step(x: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(steepness * (x - 0.3))
        return h, steepness * (1 - h**2) + 1e-12

    assert increasing_root(step, *ends(-50.0, 80.0)).item() == pytest.approx(0.3, abs=1e-12)


def test_a_root_at_an_end_is_found():
    assert increasing_root(lambda x: (x - 1, torch.ones_like(x)), *ends(1.0, 5.0)).item() == pytest.approx(1)
    assert increasing_root(lambda x: (x - 5, torch.ones_like(x)), *ends(1.0, 5.0)).item() == pytest.approx(5)


def test_a_bracket_of_no_width_is_its_root():
    assert increasing_root(lambda x: (x - 2, torch.ones_like(x)), *ends(2.0, 2.0)).item() == 2


def test_it_takes_few_evaluations():
    calls = []

    def function(x: Tensor) -> tuple[Tensor, Tensor]:
        calls.append(x)
        return x + 0.9 * torch.tanh(x) - 1, 1 + 0.9 * (1 - torch.tanh(x) ** 2)

    increasing_root(function, *ends(-1.0, 3.0))

    assert len(calls) <= 10


def test_the_root_has_the_gradient_of_the_implicit_function():
    square = torch.tensor([9.0], dtype=torch.float64, requires_grad=True)

    root = increasing_root(lambda x: (x**2 - square, 2 * x), *ends(1.0, 10.0))
    root.backward()

    assert square.grad is not None
    assert square.grad.item() == pytest.approx(1 / 6)
