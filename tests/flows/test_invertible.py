"""Flows stay invertible whatever their weights become."""

import pytest
import torch

from patchflow.flows import Flow, flows
from patchflow.flows.permutation import Permutation
from patchflow.flows.planar import LEAST, Planar
from patchflow.flows.sylvester import Sylvester

NUMERICAL = [name for name in flows if flows[name].tolerance]


def wild(name: str, scale: float) -> Flow:
    """A flow whose weights are drawn anew, far out."""
    torch.manual_seed(0)
    flow = flows[name](4).double().eval()
    with torch.no_grad():
        for weight in flow.parameters():
            weight.copy_(scale * torch.randn_like(weight))
    return flow


def test_there_are_flows_with_a_numerical_inverse():
    assert NUMERICAL == ["naf", "planar", "sylvester"]


@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
def test_a_planar_flow_never_folds_space(scale: float):
    planar = wild("planar", scale)
    assert isinstance(planar, Planar)

    u, w, _, along = planar._parts(None)

    torch.testing.assert_close((u * w).sum(1, keepdim=True), along, rtol=1e-9, atol=1e-9)
    assert along.item() >= LEAST - 1


def test_a_planar_flow_without_u_is_the_identity():
    planar, x = flows["planar"](4), torch.randn(5, 4)
    with torch.no_grad():
        planar.get_parameter("raw.base")[:4] = 0

    torch.testing.assert_close(planar(x)[0], x, rtol=0, atol=1e-6)


def test_a_planar_flow_without_w_is_finite():
    planar, x = flows["planar"](4), torch.randn(5, 4)
    with torch.no_grad():
        planar.get_parameter("raw.base")[4:8] = 0

    assert planar(x)[0].isfinite().all()


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_a_sylvester_flow_never_folds_space(scale: float):
    sylvester = wild("sylvester", scale)
    assert isinstance(sylvester, Sylvester)

    R, S, _, _ = sylvester._parts(sylvester.raw(None))

    assert torch.equal(R, R.triu())
    assert torch.equal(S, S.triu())
    assert ((R * S).diagonal(dim1=1, dim2=2) > -0.951).all()


@pytest.mark.parametrize("name", NUMERICAL)
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_numerical_inverse_keeps_its_word_for_any_weights(name: str, scale: float):
    flow, x = wild(name, scale), torch.randn(50, 4, generator=torch.Generator().manual_seed(1)).double()

    torch.testing.assert_close(flow.inverse(flow(x)[0])[0], x, rtol=0, atol=flow.tolerance)


def test_an_order_depends_on_size_and_seed_alone():
    torch.manual_seed(1)
    first = Permutation(64, seed=5).order
    torch.manual_seed(2)

    assert torch.equal(Permutation(64, seed=5).order, first)
    assert not torch.equal(Permutation(64, seed=6).order, first)
    assert torch.equal(first.sort().values, torch.arange(64))
