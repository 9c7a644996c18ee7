"""What every model promises, for every model there is."""

import json
from pathlib import Path

import pytest
import torch

from patchflow.engines.tone import Tone
from patchflow.models import Model, default_sizes, load_model, models, sample, save_model
from tests.small_models import MIXED, batch, gained_on_one_batch, heard, make, seeded, total


@pytest.fixture(params=models)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(name: str) -> Model:
    return make(name, Tone.space).eval()


def test_its_config_is_its_sizes_and_their_defaults_are_its_own(name: str):
    sizes = default_sizes(models[name])

    assert list(models[name](Tone.space).config().items()) == list(sizes.items())


def test_a_size_that_it_has_not_is_refused_by_name(name: str):
    with pytest.raises(TypeError, match="unexpected keyword argument 'widht'"):
        models[name](Tone.space, widht=3)


def test_one_sound_does_not_change_another(model: Model):
    mel, note = heard(model, 4)

    together = model.encode(mel, note)
    alone = [model.encode(mel[i : i + 1], note[i : i + 1]) for i in range(4)]

    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-4)


def test_one_draw_does_not_change_another(model: Model):
    z, context = torch.randn(4, model.noise, generator=seeded(3)), model.encode(*heard(model, 4))

    together = model.decode(z, context)
    alone = [model.decode(z[i : i + 1], context[i : i + 1]) for i in range(4)]

    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_it_hears_the_note_if_it_says_so(model: Model, part: int):
    mel, note = heard(model, 1)
    other = note.clone()
    other[0, part] *= 1.2

    difference = (model.encode(mel, note) - model.encode(mel, other)).abs().max()

    assert difference > 1e-3 if model.uses_note else difference == 0


def test_the_sound_matters(model: Model):
    mel, note = heard(model, 2)

    one, other = model.encode(mel, note[:1].expand(2, -1))

    assert (one - other).abs().max() > 1e-3


def test_the_generator_decides_the_loss(name: str):
    model = make(name, MIXED)
    learned = batch(model, 5)

    first, again = (total(model.eval(), learned, seeded(1)) for _ in range(2))

    assert torch.equal(first, again)


def test_it_can_learn_one_batch_by_heart(name: str):
    assert gained_on_one_batch(make(name, MIXED)) > 0.01


def test_every_term_is_finite_and_has_a_name(name: str):
    model = make(name, MIXED)

    terms = model.loss(batch(model, 5), seeded())

    assert terms
    assert all(torch.isfinite(term) for term in terms.values())


def test_gradients_reach_every_weight(name: str):
    model = make(name, MIXED)

    total(model, batch(model, 16), seeded()).backward()

    unreached = [key for key, w in model.named_parameters() if w.grad is None or not w.grad.abs().sum() > 0]
    assert unreached == []


def test_the_same_generator_draws_the_same(model: Model):
    mel, note = heard(model, 1)
    first, second, other = (sample(model, mel, note, 8, seeded(seed)) for seed in (4, 4, 5))

    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("temperature", [1.0, 10.0])
def test_samples_are_in_the_unit_cube(model: Model, temperature: float):
    points = sample(model, *heard(model, 1), 200, seeded(), temperature=temperature)

    assert points.shape == (200, 3)
    assert ((points >= 0) & (points <= 1)).all()
    assert points.std(0).max() > 0.01


def test_a_lower_temperature_draws_nearer_the_mode(model: Model):
    near, far = (sample(model, *heard(model, 1), 500, seeded(), temperature=t) for t in (0.2, 1.0))

    assert near.std(0).sum() < 0.6 * far.std(0).sum()


def test_the_configuration_makes_an_equal_model(model: Model):
    again = type(model)(model.space, **json.loads(json.dumps(model.config())))

    again.load_state_dict(model.state_dict())

    mel, note = heard(model, 1)
    torch.testing.assert_close(again.eval().encode(mel, note), model.encode(mel, note))


def test_the_weights_are_all_that_a_seed_decides(name: str):
    first, second = make(name, MIXED), make(name, MIXED)

    for key, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[key])


def test_it_comes_back_from_a_file(name: str, model: Model, tmp_path: Path):
    save_model(tmp_path / "tone.safetensors", model, name, "tone")

    loaded = load_model(tmp_path / "tone.safetensors", Tone.space, models)

    mel, note = heard(model, 1)
    ours, theirs = (sample(m, mel, note, 50, seeded()) for m in (model, loaded))
    torch.testing.assert_close(theirs, ours, rtol=0, atol=0.02)  # half precision
    torch.testing.assert_close(loaded.encode(mel, note), model.encode(mel, note), rtol=0.01, atol=0.02)


def test_a_file_of_a_file_is_the_same(name: str, model: Model, tmp_path: Path):
    save_model(tmp_path / "a.safetensors", model, name, "tone")

    once = load_model(tmp_path / "a.safetensors", Tone.space, models)
    save_model(tmp_path / "b.safetensors", once, name, "tone")
    twice = load_model(tmp_path / "b.safetensors", Tone.space, models)

    for key, weight in once.state_dict().items():
        assert torch.equal(weight, twice.state_dict()[key])


def test_a_loaded_model_is_ready_for_use(name: str, model: Model, tmp_path: Path):
    save_model(tmp_path / "tone.safetensors", model, name, "tone")

    loaded = load_model(tmp_path / "tone.safetensors", Tone.space, models)

    assert not loaded.training
    assert not any(weight.requires_grad for weight in loaded.parameters())
    assert all(weight.dtype == torch.float32 for weight in loaded.parameters())
