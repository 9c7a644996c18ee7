"""The masked network of the autoregressive flows, and where increasing functions are zero."""

import pytest
import torch
from torch import Tensor

from patchflow.flows._blocks import Made, increasing_root

SIZE, OUTPUTS = 6, 2


def made(context: int = 0, hidden: int = 24) -> Made:
    torch.manual_seed(0)
    network = Made(SIZE, context, hidden, OUTPUTS).double()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return network


def dependence(network: Made, context: Tensor | None = None) -> Tensor:
    """How much output i moves with input j, shape `(Z, Z)`."""
    x = torch.randn(1, SIZE, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda x: network(x, context)[0], x)
    return jacobian.abs().amax((1, 2))


@pytest.mark.parametrize("hidden", [3, 24, 25])
@pytest.mark.parametrize("context", [0, 4])
def test_no_output_sees_its_own_input_or_a_later_one(context: int, hidden: int):
    given = torch.randn(1, context, dtype=torch.float64) if context else None

    assert not dependence(made(context, hidden), given).triu().any()


@pytest.mark.parametrize("context", [0, 4])
def test_every_output_sees_every_earlier_input(context: int):
    given = torch.randn(1, context, dtype=torch.float64) if context else None
    earlier = torch.ones(SIZE, SIZE).tril(-1).bool()

    assert (dependence(made(context), given)[earlier] > 0).all()


def test_every_output_sees_the_context():
    network, x = made(4), torch.randn(1, SIZE, dtype=torch.float64)

    jacobian = torch.autograd.functional.jacobian(lambda c: network(x, c)[0], torch.zeros(1, 4, dtype=torch.float64))

    assert (jacobian.abs().amax((1, 2)) > 0).all()


@pytest.mark.parametrize("hidden", [3, 24, 25])
@pytest.mark.parametrize("context", [0, 4])
def test_one_coordinate_after_the_other_has_the_parameters_of_one_pass(context: int, hidden: int):
    network, x = made(context, hidden), torch.randn(5, SIZE, dtype=torch.float64)
    given = torch.randn(5, context, dtype=torch.float64) if context else None
    seen = []

    def step(i: int, parameters: Tensor) -> Tensor:
        seen.append(parameters)
        return x[:, i]

    assert torch.equal(network.solve(step, x, given), x)
    torch.testing.assert_close(torch.stack(seen, 1), network(x, given), rtol=0, atol=1e-12)


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
