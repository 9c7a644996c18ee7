"""Flows one after the other, and long chains of one kind: no coordinate is left out."""

import pytest
import torch

from patchflow.flows import Chain, chain, flows
from tests.small_flows import make

COUPLINGS = ("realnvp", "spline")
CROSSING = (*COUPLINGS, "iaf", "maf", "naf", "autoregressive_spline")
"""Flows in which coordinates bend one another."""


def test_it_is_the_last_after_the_others():
    first, second = make("iaf", 3, 0).eval(), make("planar", 3, 0).eval()
    x = torch.randn(4, 3)

    y, logdet = Chain(first, second)(x)

    between, one = first(x)
    expected, two = second(between)
    assert torch.equal(y, expected)
    torch.testing.assert_close(logdet, one + two)


def test_its_inverse_undoes_the_last_first():
    flow = Chain(make("realnvp", 3, 0), make("permutation", 3, 0), make("actnorm", 3, 0), make("sigmoid", 3, 0)).eval()
    x = torch.randn(4, 3)

    y, logdet = flow(x)
    back, minus = flow.inverse(y)

    torch.testing.assert_close(back, x, rtol=0, atol=1e-5)
    torch.testing.assert_close(minus, -logdet, rtol=0, atol=1e-4)


def test_a_context_goes_to_those_made_for_one():
    told, untold = make("iaf", 3, 2).eval(), make("maf", 3, 0).eval()
    x, context = torch.randn(4, 3), torch.randn(4, 2)
    flow = Chain(told, untold)

    assert flow.context == 2
    assert torch.equal(flow(x, context)[0], untold(told(x, context)[0])[0])


def test_a_chain_is_a_step_of_a_chain():
    inner = Chain(make("iaf", 3, 0), make("permutation", 3, 0))
    x = torch.randn(4, 3)

    assert torch.equal(Chain(inner, inner)(x)[0], inner(inner(x)[0])[0])


def test_it_lives_where_its_ends_live():
    flow = Chain(flows["logit"](3), flows["planar"](3), flows["sylvester"](3), flows["sigmoid"](3))

    assert (flow.domain, flow.image) == ("cube", "cube")
    assert flow.tolerance == flows["planar"].tolerance + flows["sylvester"].tolerance


def test_neighbours_must_meet():
    with pytest.raises(ValueError, match=r"Sigmoid ends in the cube: Iaf begins in the line"):
        Chain(flows["sigmoid"](3), flows["iaf"](3))


def test_steps_of_other_sizes_or_contexts_are_refused():
    with pytest.raises(ValueError, match=r"2 steps of sizes \[3, 4\] and contexts \[\]: not one of each"):
        Chain(flows["iaf"](3), flows["iaf"](4))
    with pytest.raises(ValueError, match=r"2 steps of sizes \[3\] and contexts \[1, 2\]: not one of each"):
        Chain(flows["iaf"](3, 1), flows["iaf"](3, 2))
    with pytest.raises(ValueError, match=r"0 steps of sizes \[\]"):
        Chain()


def jacobian(kind: str, size: int, steps: int, seed: int = 0) -> torch.Tensor:
    """That of a chain with weights far from where it begins, absolute."""
    torch.manual_seed(0)
    flow = chain(kind, size, steps, hidden=8, seed=seed).double().eval()
    for weight in flow.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.5)
    return torch.autograd.functional.jacobian(lambda x: flow(x[None])[0][0], torch.randn(size).double()).abs()


@pytest.mark.parametrize("kind", COUPLINGS)
@pytest.mark.parametrize("size", [16, 41, 145])
@pytest.mark.parametrize("steps", [2, 3, 6])
@pytest.mark.parametrize("seed", [0, 1000])
def test_no_coordinate_goes_through_a_chain_of_couplings_alone(kind: str, size: int, steps: int, seed: int):
    assert ((jacobian(kind, size, steps, seed) > 0).sum(1) > 1).all()


@pytest.mark.parametrize("kind", CROSSING)
@pytest.mark.parametrize("size", [2, 5, 41])
def test_after_six_steps_every_coordinate_is_made_of_all_others(kind: str, size: int):
    assert (jacobian(kind, size, 6) > 0).all()
