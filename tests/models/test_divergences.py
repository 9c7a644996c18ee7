"""What a posterior costs: right in sign and size, for a Gaussian and for a flow of one."""

import pytest
import torch

from patchflow.models.vae import Vae
from patchflow.models.vaeflow import VaeFlow
from patchflow.nn.gaussian import log_normal, sample_gaussian
from tests.small_models import KNOBS, make, seeded


@pytest.mark.parametrize("closer", [0.0, 0.3, 0.8])
def test_the_divergence_of_a_posterior_falls_as_it_nears_the_prior(closer: float):
    model = make("vae", KNOBS)
    assert isinstance(model, Vae)
    context = torch.randn(5, 6, generator=seeded()) + 1

    far, near = (
        model.penalties(sample_gaussian(scale * context, torch.zeros(5, 3)), seeded())["latent"]
        for scale in (1.0, closer)
    )

    assert 0 <= near < far


def test_the_divergence_of_a_gaussian_is_that_of_torch():
    model = make("vae", KNOBS)
    assert isinstance(model, Vae)
    drawn = sample_gaussian(torch.randn(5, 6, generator=seeded()), torch.zeros(5, 3))
    q = torch.distributions.Normal(drawn.mean, (drawn.log_variance / 2).exp())

    wanted = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()

    torch.testing.assert_close(model.penalties(drawn, seeded())["latent"], wanted)


def test_the_estimated_divergence_of_a_flow_that_does_nothing_is_that_of_the_gaussian():
    model = make("vaeflow", KNOBS, spread=0.0)
    assert isinstance(model, VaeFlow)
    with torch.no_grad():
        for weight in model.posterior.parameters():
            weight.zero_()
    context = torch.tensor([[1.0, -0.5, 0.2, -1.0, 0.3, -2.0]]).expand(100_000, -1)
    noise = torch.randn(100_000, 3, generator=seeded())

    estimate = model.penalties(model.sample_latent(context, noise), seeded())["latent"]

    exact = make("vae", KNOBS)
    assert isinstance(exact, Vae)
    torch.testing.assert_close(
        estimate, exact.penalties(sample_gaussian(context, noise), seeded())["latent"], rtol=0.02, atol=0
    )


def test_the_density_of_a_draw_is_that_of_its_noise_over_the_jacobian():
    model = make("vaeflow", KNOBS).double()
    assert isinstance(model, VaeFlow)
    context, noise = torch.randn(1, 6).double(), torch.randn(3).double()

    jacobian = torch.autograd.functional.jacobian(lambda n: model.sample_latent(context, n[None]).z[0], noise)
    wanted = log_normal(noise[None]) - torch.linalg.slogdet(jacobian).logabsdet

    torch.testing.assert_close(model.sample_latent(context, noise[None]).log_prob, wanted)
