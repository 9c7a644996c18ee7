"""Models at other keywords than their defaults: gates, other flows, other sizes of the latent."""

import math

import pytest
import torch

from patchflow.models import Density, as_density, models
from tests.small_models import KNOBS, MIXED, batch, heard, make, presets, seeded, total

KINDS = ("realnvp", "maf", "spline", "planar")
PAPER = [name for name in models if name != "posterior"]


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet"])
def test_gates_are_twice_the_weights_and_learn(name: str):
    plain, gated = (make(name, KNOBS, gated=k) for k in (0, 1))

    total(gated, batch(gated, 8), seeded()).backward()

    counts = [sum(weight.numel() for weight in model.parameters()) for model in (plain, gated)]
    assert 1.6 < counts[1] / counts[0] < 2.1
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in gated.parameters())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["vaeflow", "flow_reg", "flow_dis"])
def test_any_flow_can_be_had_by_name(name: str, kind: str):
    model = make(name, KNOBS, flow=kind)

    total(model, batch(model, 8), seeded()).backward()

    assert all(weight.grad is None or torch.isfinite(weight.grad).all() for weight in model.parameters())
    assert model.config()["flow"] == kind


@pytest.mark.parametrize("changed", [{"regression_context": 6}, {"latent": 2}, {"latent": 1, "regression_context": 4}])
def test_the_density_holds_at_other_sizes(changed: dict[str, int]):
    model = as_density(make("flow_reg", KNOBS, **changed).eval().double())
    assert model
    context, points = model.encode(*(x.double() for x in heard(model, 6))), presets(6).double()
    step = 1e-6 * torch.eye(3, dtype=torch.float64)

    z = model.noise_of(points, context)
    columns = [(model.noise_of(points + d, context) - model.noise_of(points - d, context)) / 2e-6 for d in step]
    logdet = torch.linalg.slogdet(torch.stack(columns, -1)).logabsdet

    torch.testing.assert_close(model.decode(z, context), points)
    wanted = -(z.square() + math.log(2 * math.pi)).sum(1) / 2 + logdet
    torch.testing.assert_close(model.log_prob(points, context), wanted, rtol=1e-4, atol=1e-4)


def test_a_latent_longer_than_presets_is_no_density_and_says_so():
    model = make("flow_reg", KNOBS, latent=5).eval()
    assert isinstance(model, Density)

    assert as_density(model) is None
    with pytest.raises(ValueError, match="latent=5: more than 3 parameters"):
        model.log_prob(presets(2), model.encode(*heard(model, 2)))


@pytest.mark.parametrize("name", PAPER)
def test_mixed_precision_gives_nearly_the_same_loss(name: str):
    model = make(name, MIXED).eval()
    learned = batch(model, 8)
    exact = model.loss(learned, seeded())

    with torch.autocast("cpu", torch.bfloat16):
        mixed = model.loss(learned, seeded())

    for term, value in exact.items():
        assert mixed[term].dtype == torch.float32
        torch.testing.assert_close(mixed[term], value, rtol=0.2, atol=0.3)


@pytest.mark.parametrize("name", PAPER)
def test_it_hears_levels_if_it_is_told_to(name: str):
    model = make(name, KNOBS, input="levels").eval()

    assert model.decode(torch.zeros(2, model.noise), model.encode(*heard(model, 2))).shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "wrong"), [("ae", {"latent": -1}), ("flow_reg", {"regression_context": -1}), ("cnn", {"kernel": 4})]
)
def test_a_size_out_of_range_is_refused_by_name(name: str, wrong: dict[str, int]):
    key, value = next(iter(wrong.items()))

    with pytest.raises(ValueError, match=f"{key}={value}"):
        make(name, KNOBS, **wrong)
