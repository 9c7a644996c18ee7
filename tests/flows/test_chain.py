"""Flows one after the other."""

import pytest
import torch

from patchflow.flows import Chain, flows
from tests.small_flows import make


def test_it_is_the_last_after_the_others():
    first, second = make("iaf", 3, 0).eval(), make("planar", 3, 0).eval()
    x = torch.randn(4, 3)

    y, logdet = Chain(first, second)(x)

    between, one = first(x)
    expected, two = second(between)
    assert torch.equal(y, expected)
    torch.testing.assert_close(logdet, one + two)


def test_its_inverse_undoes_the_last_first():
    chain = Chain(make("realnvp", 3, 0), make("permutation", 3, 0), make("actnorm", 3, 0), make("sigmoid", 3, 0)).eval()
    x = torch.randn(4, 3)

    y, logdet = chain(x)
    back, minus = chain.inverse(y)

    torch.testing.assert_close(back, x, rtol=0, atol=1e-5)
    torch.testing.assert_close(minus, -logdet, rtol=0, atol=1e-4)


def test_a_context_goes_to_those_made_for_one():
    told, untold = make("iaf", 3, 2).eval(), make("maf", 3, 0).eval()
    x, context = torch.randn(4, 3), torch.randn(4, 2)
    chain = Chain(told, untold)

    assert chain.context == 2
    assert torch.equal(chain(x, context)[0], untold(told(x, context)[0])[0])


def test_a_chain_is_a_step_of_a_chain():
    inner = Chain(make("iaf", 3, 0), make("permutation", 3, 0))
    x = torch.randn(4, 3)

    assert torch.equal(Chain(inner, inner)(x)[0], inner(inner(x)[0])[0])


def test_it_lives_where_its_ends_live():
    chain = Chain(flows["logit"](3), flows["planar"](3), flows["sylvester"](3), flows["sigmoid"](3))

    assert (chain.domain, chain.image) == ("cube", "cube")
    assert chain.tolerance == flows["planar"].tolerance + flows["sylvester"].tolerance


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
