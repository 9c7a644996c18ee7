"""The ways to the cube, and its ends."""

import pytest
import torch

from patchflow.flows import flows

each_way = pytest.mark.parametrize("name", ["sigmoid", "normal_cdf"])


@each_way
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_closed_cube_can_be_undone(name: str, dtype: torch.dtype):
    ends = torch.tensor([[0.0, 1.0]], dtype=dtype)

    x, logdet = flows[name](2).inverse(ends)

    assert x.isfinite().all()
    assert logdet.isfinite().all()
    torch.testing.assert_close(flows[name](2)(x)[0], ends, rtol=0, atol=1e-6)


@each_way
@pytest.mark.parametrize("outside", [-0.01, 1.01])
def test_outside_of_the_cube_is_not_a_number(name: str, outside: float):
    x, _ = flows[name](2).inverse(torch.tensor([[0.5, outside]]))

    assert x.isnan().tolist() == [[False, True]]


def test_far_out_the_density_stays_finite():
    _, logdet = flows["sigmoid"](1)(torch.tensor([[-500.0], [500.0]]))

    torch.testing.assert_close(logdet, torch.tensor([-500.0, -500.0]))


def test_a_logit_is_a_sigmoid_the_other_way_round():
    x = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))

    for logit, sigmoid in zip(flows["logit"](3)(x), flows["sigmoid"](3).inverse(x), strict=True):
        assert torch.equal(logit, sigmoid)
    torch.testing.assert_close(flows["logit"](3)(x)[0], torch.logit(x))


def test_normal_coordinates_become_uniform_ones():
    x = torch.linspace(-4, 4, 9)[:, None].double()
    normal = torch.distributions.Normal(0.0, 1.0)

    y, logdet = flows["normal_cdf"](1)(x)

    torch.testing.assert_close(y, normal.cdf(x))
    torch.testing.assert_close(logdet, normal.log_prob(x).squeeze(1))
