"""What every model that draws spectrograms promises, for every one there is."""

import pytest
import torch
from torch import Tensor

from patchflow.features.inputs import inputs
from patchflow.models import AutoEncoder, models
from patchflow.models.flow_joint import FlowJoint
from patchflow.nn.linear import dequantise
from tests.small_models import KNOBS, MIXED, batch, heard, make, seeded


@pytest.fixture(params=[name for name in models if issubclass(models[name], AutoEncoder)])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(name: str) -> AutoEncoder:
    return small(name)


def small(name: str, spread: float = 0.2, **changed: float | str) -> AutoEncoder:
    model = make(name, KNOBS, spread, **changed).eval()
    assert isinstance(model, AutoEncoder)
    return model


def latents(model: AutoEncoder, count: int = 4) -> Tensor:
    return torch.randn(count, model.latent_size, generator=seeded(3))


def test_a_latent_has_a_spectrogram_of_the_shape_that_is_heard(model: AutoEncoder):
    assert model.reconstruct(latents(model)).shape == (4, *inputs[model.input].shape)


def test_other_units_make_the_same_latent_and_a_spectrogram_in_these_units(model: AutoEncoder):
    mel, note = heard(model, 2)
    bands = mel.shape[1]
    mean, std = 5 * torch.randn(bands, 1, generator=seeded(4)), 0.5 + torch.rand(bands, 1, generator=seeded(5))
    z = model.latent(mel, note)
    plain = model.reconstruct(z)

    model.normalise(mean, std)
    moved = model.latent(mel * std + mean, note)

    torch.testing.assert_close(moved, z, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(model.reconstruct(z), plain * std + mean)


@pytest.mark.slow
def test_it_learns_to_reconstruct_a_batch(name: str):
    model = small(name, spread=0.0).train()
    learned = batch(model, 4)
    learned.mel[:] = torch.tensor([-1.0, -0.5, 0.5, 1.0])[:, None, None]
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    terms = model.loss(learned, seeded())

    for step in range(60):
        terms = model.loss(learned, seeded(step))
        optimizer.zero_grad()
        (terms["reconstruction"] + terms["regression"]).backward()
        optimizer.step()

    silence = learned.mel.square().sum((1, 2)).mean() / 2 / model.latent_size
    assert terms["reconstruction"] < 0.5 * silence


def test_no_noise_gives_the_best_guess(model: AutoEncoder):
    mel, note = heard(model, 3)
    still = torch.zeros(3, model.latent_size)

    torch.testing.assert_close(model.latent(mel, note, still), model.latent(mel, note))
    torch.testing.assert_close(model.draw(model.encode(mel, note), still), model.latent(mel, note))


def test_the_preset_of_the_best_guess_is_the_best_guess_of_the_preset(model: AutoEncoder):
    mel, note = heard(model, 3)
    context = model.encode(mel, note)

    straight = model.decode(torch.zeros(3, model.noise), context)

    torch.testing.assert_close(model.presets(model.latent(mel, note), context), straight)


def test_presets_of_latents_are_in_the_cube(model: AutoEncoder):
    points = model.presets(5 * latents(model, 50))

    assert ((points >= 0) & (points <= 1)).all()
    assert points.std(0).min() > 1e-3


def test_one_latent_does_not_change_another(model: AutoEncoder):
    z = latents(model)

    for of in (model.presets, model.reconstruct):
        alone = [of(z[i : i + 1]) for i in range(4)]
        torch.testing.assert_close(of(z), torch.cat(alone), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("latent", [2, 7])
def test_the_latent_may_have_another_size_than_the_preset(name: str, latent: int):
    model = small(name, latent=latent)

    points = model.decode(torch.randn(5, model.noise), model.encode(*heard(model, 5)))
    terms = model.loss(batch(model, 5), seeded())

    assert model.latent(*heard(model, 5)).shape == (5, latent)
    assert points.shape == (5, 3)
    assert all(torch.isfinite(term) for term in terms.values())


def test_terms_are_nats_of_a_latent_dimension(name: str):
    model = small(name)
    learned = batch(model, 6)
    if isinstance(model, FlowJoint):  # its latents are those of presets
        z = model.latent_of(dequantise(learned.points, model.cells, seeded()))
    else:
        z = model.latent(learned.mel, learned.note, torch.randn(6, model.latent_size, generator=seeded()))

    wanted = (model.reconstruct(z) - learned.mel).square().sum((1, 2)).mean() / 2

    found = model.loss(learned, seeded())["reconstruction"] * model.latent_size
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


def test_the_terms_have_the_names_that_weights_go_by(name: str):
    terms = make(name, MIXED).loss(batch(make(name, MIXED), 4), seeded())

    assert {"reconstruction", "regression"} <= terms.keys()
    assert terms.keys() <= {"reconstruction", "latent", "regression", "disentangling"}


def test_presets_and_spectrograms_can_be_climbed(model: AutoEncoder):
    z = latents(model).requires_grad_()

    (model.presets(z).sum() + model.reconstruct(z).sum()).backward()

    assert z.grad is not None
    assert z.grad.abs().min() > 0
