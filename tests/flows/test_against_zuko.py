"""The same transforms by another hand."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions.transforms import AffineTransform
from zuko.transforms import AutoregressiveTransform, CouplingTransform, DependentTransform, MonotonicRQSTransform

from patchflow.flows._blocks import Knots, bend, bounded, unbend
from patchflow.flows.iaf import Iaf
from patchflow.flows.maf import Maf
from patchflow.flows.realnvp import RealNVP
from tests.small_flows import make

X = 2 * torch.randn(40, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def the_same(flow: Iaf | Maf | RealNVP, zukos) -> None:
    y, logdet = flow(X)

    torch.testing.assert_close(zukos(X), y, rtol=0, atol=1e-10)
    torch.testing.assert_close(zukos.inv(y), X, rtol=0, atol=1e-10)
    torch.testing.assert_close(zukos.log_abs_det_jacobian(X, y), logdet, rtol=0, atol=1e-10)


def test_maf():
    flow = make("maf", 5, 0).double().eval()
    assert isinstance(flow, Maf)

    def given(x: Tensor) -> DependentTransform:
        s, m = flow.made(x, None).unbind(2)
        return DependentTransform(AffineTransform(-m * (-bounded(s)).exp(), (-bounded(s)).exp()), 1)

    the_same(flow, AutoregressiveTransform(given, passes=5))


def test_iaf():
    flow = make("iaf", 5, 0).double().eval()
    assert isinstance(flow, Iaf)

    def given(x: Tensor) -> DependentTransform:
        s, m = flow.made(x, None).unbind(2)
        return DependentTransform(AffineTransform(m, bounded(s).exp()), 1)

    the_same(flow, AutoregressiveTransform(given, passes=5))


def test_realnvp():
    flow = make("realnvp", 5, 0).double().eval()
    assert isinstance(flow, RealNVP)

    def given(stay: Tensor) -> DependentTransform:
        s, t = flow.halves(stay, None).unbind(2)
        return DependentTransform(AffineTransform(t, bounded(s).exp()), 1)

    the_same(flow, CouplingTransform(given, torch.BoolTensor([True, True, False, False, False])))


@pytest.mark.parametrize("bound", [1.0, 4.0])
def test_splines(bound: float):
    generator = torch.Generator().manual_seed(1)
    raw = [torch.randn(40, 5, size, generator=generator, dtype=torch.float64) for size in (8, 8, 7)]
    zukos = MonotonicRQSTransform(*raw, bound=bound)
    knots = Knots(zukos.horizontal, zukos.vertical, zukos.derivatives)

    y, slope = bend(X, knots)

    torch.testing.assert_close(y, zukos(X), rtol=0, atol=1e-10)
    torch.testing.assert_close(slope, zukos.log_abs_det_jacobian(X, y), rtol=0, atol=1e-10)
    torch.testing.assert_close(unbend(y, knots)[0], zukos.inv(y), rtol=0, atol=1e-10)


def test_a_naf_of_one_sigmoid_is_a_line():
    flow, x = make("naf", 1, 0).double(), X[:, :1]
    with torch.no_grad():
        flow.get_parameter("made.leave.bias").copy_(torch.tensor([0.3] * 8 + [math.log(1.7)] * 8 + [0.5] * 8))
        flow.get_parameter("made.leave.weight").zero_()

    a, b = bounded(torch.tensor(math.log(1.7), dtype=torch.float64)).exp(), 4 * math.tanh(0.5 / 4)

    torch.testing.assert_close(flow(x)[0], a * x + b, rtol=0, atol=1e-6)
