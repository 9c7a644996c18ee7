"""The masked network of the autoregressive flows."""

import pytest
import torch
from torch import Tensor

from patchflow.flows._networks import Made

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
