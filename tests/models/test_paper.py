"""Ours is free of the mistakes of the paper's public implementation; see `test_divergences` and `test_flow_dis` too."""

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from patchflow.flows import Chain, Flow, flows
from patchflow.models import AutoEncoder, Batch, Model, models
from patchflow.models._flow_regression import FlowRegression
from patchflow.models.flow_reg import FlowReg
from patchflow.models.vaeflow import VaeFlow
from patchflow.nn.linear import dequantise
from tests.small_models import KNOBS, MIXED, batch, heard, make, presets, seeded

FEED_FORWARD = ("mlp", "cnn", "resnet")
AUTO_ENCODERS = [name for name in models if issubclass(models[name], AutoEncoder)]


def flow_reg(**changed: Any) -> FlowReg:
    model = make("flow_reg", KNOBS, **changed).eval().double()
    assert isinstance(model, FlowReg)
    return model


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


@pytest.mark.parametrize("regression_context", [0, 6])
def test_presets_go_to_latents_and_back_exactly(regression_context: int):
    model, points = flow_reg(regression_context=regression_context), presets(20).double()
    contexts = [None] if not regression_context else [None, model.encode(*(x.double() for x in heard(model, 20)))]

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


@pytest.mark.parametrize("regression_context", [0, 6])
def test_what_the_map_is_told_of_the_sound_matters_if_anything_is(regression_context: int):
    model, z = flow_reg(regression_context=regression_context), torch.zeros(2, 3).double()

    one, other = model.presets(z, model.encode(*(x.double() for x in heard(model, 2))))

    assert torch.equal(one, other) == (not regression_context)


def test_discrete_values_are_learned_anywhere_in_their_cells():
    cells = torch.from_numpy(MIXED.cells)

    moved = dequantise(torch.full((2000, 4), 0.5), cells, seeded(), knobs=0.0) - 0.5

    torch.testing.assert_close(moved.abs().max(0).values, torch.tensor([1 / 6, 1 / 200, 0.0, 1 / 4]), rtol=0.01, atol=0)
