"""What noise of presets and many draws together cost: right in sign and size."""

import pytest
import torch
from torch import Tensor

from patchflow.nn.gaussian import NoiseScale, discrepancy
from tests.small_models import seeded


def test_the_divergence_of_the_noise_scale_is_that_of_torch():
    scale = NoiseScale(3)
    with torch.no_grad():
        scale.mean.add_(torch.randn(3))
        scale.log_width.add_(torch.randn(3))
    normal = torch.distributions.Normal

    wanted = torch.distributions.kl_divergence(
        normal(scale.mean, scale.log_width.exp()), normal(torch.tensor(0.1).log(), 1.0)
    )

    torch.testing.assert_close(scale.divergence(), wanted.sum())


def test_the_likelihood_of_the_noise_scale_is_the_mean_over_its_draws():
    scale, error = NoiseScale(1), torch.tensor([[0.15]])
    sigma = (scale.mean + scale.log_width.exp() * torch.randn(200_000, 1, generator=seeded())).exp()

    drawn = torch.distributions.Normal(0.0, sigma).log_prob(error).mean()

    torch.testing.assert_close(scale.log_likelihood(error)[0], drawn, rtol=0.02, atol=0.02)


def test_the_discrepancy_is_that_of_all_pairs():
    x, y = torch.randn(5, 3, generator=seeded(1)), torch.randn(4, 3, generator=seeded(2)) + 1

    def kernel(a: Tensor, b: Tensor) -> float:
        scales = (2 * 3 * s for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0))
        return sum(c / (c + float((a - b).square().sum())) for c in scales)

    def within(z: Tensor) -> float:
        attributes = [kernel(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if i != j]
        return sum(attributes) / len(attributes)

    across = sum(kernel(a, b) for a in x for b in y) / 20

    assert discrepancy(x, y).item() == pytest.approx(within(x) + within(y) - 2 * across, abs=1e-5)


def test_the_discrepancy_of_one_distribution_is_0_in_the_mean():
    found = torch.stack([discrepancy(*torch.randn(2, 32, 2, generator=seeded(seed))) for seed in range(400)])

    assert found.min() < 0 < found.max()
    assert abs(found.mean()) < 3 * found.std() / 20


def test_the_discrepancy_grows_with_the_distance():
    x, y = torch.randn(2, 200, 2, generator=seeded())

    near, middle, far = (discrepancy(x, y + shift) for shift in (0.0, 0.5, 1.0))

    assert near < middle < far


def test_of_a_single_draw_nothing_is_said():
    assert discrepancy(torch.ones(1, 3), torch.ones(1, 3)) == 0
