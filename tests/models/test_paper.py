"""Ours is free of each mistake of the paper's public implementation."""

import math
from dataclasses import replace
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from patchflow.flows import Chain, Flow, flows
from patchflow.models import AutoEncoder, Batch, Model, models
from patchflow.models._flow_regression import FlowRegression
from patchflow.models._gaussian import draw, log_normal
from patchflow.models._noise_scale import NoiseScale
from patchflow.models.flow_dis import FlowDis
from patchflow.models.flow_reg import FlowReg
from patchflow.models.vae import Vae
from patchflow.models.vaeflow import VaeFlow
from tests.small_models import KNOBS, MIXED, batch, heard, make, presets, seeded

FEED_FORWARD = ("mlp", "cnn", "resnet")
AUTO_ENCODERS = [name for name in models if issubclass(models[name], AutoEncoder)]


def flow_reg(**changed: float | str) -> FlowReg:
    model = make("flow_reg", KNOBS, **changed).eval().double()
    assert isinstance(model, FlowReg)
    return model


def flow_dis(pairs: int = 2) -> FlowDis:
    model = make("flow_dis", KNOBS, pairs=pairs).eval()
    assert isinstance(model, FlowDis)
    return model


def tagged(model: Model, tags: list[list[float]]) -> Batch:
    return replace(batch(model, len(tags)), tags=torch.tensor(tags))


def is_linear(of: nn.Module, x: Tensor, y: Tensor) -> bool:
    """Whether the image of a sum, less that of zero, is the sum of the images less that of zero."""
    zero = of(torch.zeros_like(x))
    apart, together = of(x) + of(y) - 2 * zero, of(x + y) - zero
    return bool((apart - together).abs().max() < 1e-3 * together.abs().max())


class Features(nn.Module):
    """What a feed-forward model makes of spectrograms before the sigmoid."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, mel: Tensor) -> Tensor:
        return self.model.encode(mel, torch.zeros(len(mel), 3))


def test_the_test_of_linearity_knows_a_linear_map():
    assert is_linear(nn.Linear(3, 2), *torch.randn(2, 4, 3))


@pytest.mark.parametrize("name", FEED_FORWARD)
@pytest.mark.parametrize("gated", [0, 1])
def test_feed_forward_models_are_not_linear(name: str, gated: int):
    model = make(name, KNOBS, gated=gated).eval()

    assert not is_linear(Features(model), *torch.randn(2, 4, 64, 80, generator=seeded()))


@pytest.mark.parametrize("name", AUTO_ENCODERS)
def test_decoders_are_not_linear(name: str):
    model = make(name, KNOBS).eval()
    assert isinstance(model, AutoEncoder)

    assert not is_linear(model.coder.decoder, *torch.randn(2, 4, 3, generator=seeded()))


@pytest.mark.parametrize("name", ["vaeflow", "flow_reg", "flow_dis"])
@pytest.mark.parametrize("term", ["reconstruction", "latent", "regression"])
def test_the_posterior_flow_receives_gradient(name: str, term: str):
    model = make(name, KNOBS)
    assert isinstance(model, VaeFlow | FlowRegression)

    model.loss(batch(model, 8), seeded())[term].backward()

    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.posterior.parameters())


@pytest.mark.parametrize("latent", [2, 3, 5])
def test_the_objective_of_the_regression_flow_is_the_one_computed_by_hand(latent: int):
    model = flow_reg(latent=latent)
    learned = Batch(*(x.double() for x in vars(batch(model, 4)).values()))
    normal = torch.randn(4, model.noise, generator=seeded()).double()
    z = model.draw(model.encode(learned.mel, learned.note), normal[:, :latent])
    u, m, t = torch.cat((z, normal[:, latent:]), 1), model.scale.mean, model.scale.log_width.exp()

    def f(u: Tensor) -> Tensor:
        return model.regression(u[None])[0][0]

    terms = []
    for one, v in zip(u, learned.points, strict=True):
        logdet = torch.linalg.slogdet(torch.autograd.functional.jacobian(f, one.detach())).logabsdet
        precision = (2 * t.square() - 2 * m).exp()
        likely = (-0.5 * math.log(2 * math.pi) - m - (f(one)[:3] - v).square() * precision / 2).sum()
        prior = math.log(0.1)
        divergence = (-t.log() + (t.square() + (m - prior).square()) / 2 - 0.5).sum()
        terms.append(-(likely + logdet - divergence))

    found = model.loss(learned, seeded())["regression"]
    torch.testing.assert_close(found * latent, torch.stack(terms).mean())


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


def test_smaller_latents_with_a_map_that_undoes_it_gain_nothing():
    model, z = flow_reg(), torch.randn(4, 3, generator=seeded()).double()
    doubling = flows["actnorm"](3).eval().double()
    cast("Tensor", doubling.s).data += math.log(2)

    def cost(z: Tensor, entropy: float, f: Flow) -> Tensor:
        points, logdet = f(z)
        return -entropy - model.scale.log_likelihood(points - 0.5) - logdet

    torch.testing.assert_close(
        cost(z / 2, -3 * math.log(2), Chain(doubling, model.regression)), cost(z, 0.0, model.regression)
    )


@pytest.mark.parametrize("closer", [0.0, 0.3, 0.8])
def test_the_divergence_of_a_posterior_falls_as_it_nears_the_prior(closer: float):
    model = make("vae", KNOBS)
    assert isinstance(model, Vae)
    context = torch.randn(5, 6, generator=seeded()) + 1

    far, near = (
        model.penalties(draw(scale * context, torch.zeros(5, 3)), seeded())["latent"] for scale in (1.0, closer)
    )

    assert 0 <= near < far


def test_the_divergence_of_a_gaussian_is_that_of_torch():
    model = make("vae", KNOBS)
    assert isinstance(model, Vae)
    drawn = draw(torch.randn(5, 6, generator=seeded()), torch.zeros(5, 3))
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

    estimate = model.penalties(model.spread(context, noise), seeded())["latent"]

    exact = make("vae", KNOBS)
    assert isinstance(exact, Vae)
    torch.testing.assert_close(estimate, exact.penalties(draw(context, noise), seeded())["latent"], rtol=0.02, atol=0)


def test_the_density_of_a_draw_is_that_of_its_noise_over_the_jacobian():
    model = make("vaeflow", KNOBS).double()
    assert isinstance(model, VaeFlow)
    context, noise = torch.randn(1, 6).double(), torch.randn(3).double()

    jacobian = torch.autograd.functional.jacobian(lambda n: model.spread(context, n[None]).z[0], noise)
    wanted = log_normal(noise[None]) - torch.linalg.slogdet(jacobian).logabsdet

    torch.testing.assert_close(model.spread(context, noise[None]).log_density, wanted)


def test_the_disentangling_term_is_that_of_each_sound_by_itself():
    model = flow_dis()
    learned = tagged(model, [[-1.0, 1.0], [0.0, -1.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    drawn = draw(model.encode(learned.mel, learned.note), torch.randn(5, 3, generator=seeded()), model.posterior)

    found = model.loss(learned, seeded())["disentangling"]

    moved, widths = model.macro(drawn.z), model.disentangling.log_width.exp()
    _, logdet = model.disentangling.flow(drawn.z)
    total = 0.0
    for i in range(5):
        likely = logdet[i]
        for j in range(3):
            tag = float(learned.tags[i, j]) if j < 2 else 0.0
            width = {-1.0: widths[j, 0], 1.0: widths[j, 1]}[tag] if tag else torch.tensor(1.0)
            likely = likely + torch.distributions.Normal(tag, width).log_prob(moved[i, j])
        total += drawn.log_density[i] - likely
    torch.testing.assert_close(found, total / 5 / 3)


@pytest.mark.parametrize("tags", [[[0.0, 0.0]] * 4, [[1.0, -1.0]] * 4, [[]] * 4], ids=["none", "all", "no pairs"])
def test_a_batch_is_finite_with_no_tags_and_with_all(tags: list[list[float]]):
    model = flow_dis().train()

    terms = model.loss(tagged(model, tags), seeded())
    torch.stack(list(terms.values())).sum().backward()

    assert all(torch.isfinite(term) for term in terms.values())
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)


def test_a_batch_without_tags_is_one_of_unknown_tags():
    model = flow_dis()

    missing, unknown = (model.loss(tagged(model, tags), seeded()) for tags in ([[]] * 4, [[0.0, 0.0]] * 4))

    assert missing == unknown


def test_turning_a_macro_is_undone_exactly():
    model, z = flow_dis().double(), torch.randn(20, 3, generator=seeded()).double()

    torch.testing.assert_close(model.from_macro(model.macro(z)), z)
    torch.testing.assert_close(model.macro(model.from_macro(z)), z)


def test_tags_move_their_own_dimension_and_widths_are_learned():
    model = make("flow_dis", KNOBS, spread=0.0, pairs=1, latent=2, flow_hidden=16)
    assert isinstance(model, FlowDis)
    z = torch.randn(512, 2, generator=seeded())
    tags = z[:, 1:].sign()  # the word depends on the second coordinate; its macro is the first
    optimizer = torch.optim.Adam(model.disentangling.parameters(), 1e-2)

    for _ in range(150):
        optimizer.zero_grad()
        (-model.disentangling.log_density(z, tags).mean()).backward()
        optimizer.step()

    macro = model.macro(z)[:, 0].detach()
    assert ((macro > 0) == (tags[:, 0] > 0)).float().mean() > 0.95
    widths = torch.stack([(macro[tags[:, 0] == word] - word).square().mean().sqrt() for word in (-1, 1)])
    torch.testing.assert_close(model.disentangling.log_width.exp()[0], widths, rtol=0.1, atol=0)


@pytest.mark.parametrize("conditional", [0, 6])
def test_presets_go_to_latents_and_back_exactly(conditional: int):
    model, points = flow_reg(conditional=conditional), presets(20).double()
    contexts = [None] if not conditional else [None, model.encode(*(x.double() for x in heard(model, 20)))]

    for context in contexts:
        z = model.latent_of(points, context)
        torch.testing.assert_close(model.presets(z, context), points)
        torch.testing.assert_close(model.latent_of(model.presets(z, context), context), z)


def test_the_ends_of_knobs_have_finite_latents():
    model, points = flow_reg().float(), torch.tensor([[0.0, 1.0, 0.5]])

    z = model.latent_of(points)

    torch.testing.assert_close(model.presets(z), points, rtol=0, atol=1e-5)


def test_a_short_latent_is_exact_on_the_presets_it_can_make():
    model, z = flow_reg(latent=2), torch.randn(20, 2, generator=seeded()).double()

    torch.testing.assert_close(model.latent_of(model.presets(z)), z)


def test_a_long_latent_has_every_preset():
    model, points = flow_reg(latent=5), presets(20).double()

    torch.testing.assert_close(model.presets(model.latent_of(points)), points)


@pytest.mark.parametrize("conditional", [0, 6])
def test_what_the_map_is_told_of_the_sound_matters_if_anything_is(conditional: int):
    model, z = flow_reg(conditional=conditional), torch.zeros(2, 3).double()

    one, other = model.presets(z, model.encode(*(x.double() for x in heard(model, 2))))

    assert torch.equal(one, other) == (not conditional)


def test_discrete_values_are_learned_anywhere_in_their_cells():
    model = make("flow_reg", MIXED).eval()
    assert isinstance(model, FlowReg)
    points = torch.full((2000, 4), 0.5)

    spread = model._spread(replace(batch(model, 1), points=points), torch.rand(2000, 4, generator=seeded())) - 0.5

    torch.testing.assert_close(
        spread.abs().max(0).values, torch.tensor([1 / 6, 1 / 200, 0.0, 1 / 4]), rtol=0.01, atol=0
    )
