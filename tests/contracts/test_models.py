"""What every model promises, for every model there is."""

import inspect
import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from patchflow.engines.tone import Tone
from patchflow.features.input import input_shape
from patchflow.models import Model, load_model, models, save_model
from patchflow.presets import Choice, Knob, ParamSpace, Steps

KNOBS = ParamSpace((Knob("a", 0.0, 1.0), Knob("b", 0.0, 1.0), Knob("c", 0.0, 1.0)))
MIXED = ParamSpace(
    (Choice("wave", ("a", "b", "c")), Steps("level", 0, 99), Knob("gain", -60.0, 0.0), Steps("on", 0, 1))
)

AXIS = (torch.arange(40) + 0.5) / 40
GRID = torch.cartesian_prod(AXIS, AXIS, AXIS)


def make(name: str, space: ParamSpace, spread: float = 0.2) -> Model:
    """A small model whose weights are far from where they begin, so that no law holds by chance."""
    arguments = inspect.signature(models[name]).parameters.values()
    small = {a.name: max(4, a.default // 16) for a in arguments if isinstance(a.default, int)}
    torch.manual_seed(0)
    model = models[name](space, **small)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(spread * torch.randn_like(weight))
    return model


@pytest.fixture(params=models)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(name: str) -> Model:
    return make(name, Tone.space)


@pytest.fixture
def smooth(name: str) -> Model:
    """A model whose density a grid can follow."""
    return make(name, Tone.space, spread=0.05)


@pytest.fixture
def context(model: Model) -> Tensor:
    with torch.no_grad():
        return model.encode(*heard(6))


def heard(count: int) -> tuple[Tensor, Tensor]:
    """Levels and notes of random sounds."""
    generator = torch.Generator().manual_seed(1)
    note = torch.tensor([24.0, 20.0, 0.2]) + torch.rand(count, 3, generator=generator) * torch.tensor([72, 107, 3.3])
    return torch.rand(count, *input_shape(), generator=generator), note


def density_on(points: Tensor, model: Model) -> Tensor:
    """The density of one sound's presets."""
    with torch.no_grad():
        return model.log_density(points, model.encode(*heard(1)).expand(len(points), -1)).exp()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def presets(count: int, size: int = 3) -> Tensor:
    return 0.05 + 0.9 * torch.rand(count, size, generator=torch.Generator().manual_seed(2))


def test_decode_and_infer_are_inverse(model: Model, context: Tensor):
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    model, context = model.double(), context.double()

    points = model.decode(z, context)

    torch.testing.assert_close(model.infer(points, context), z, rtol=0, atol=1e-6)
    torch.testing.assert_close(model.decode(model.infer(points, context), context), points, rtol=0, atol=1e-6)


def test_the_density_is_that_of_the_noise_times_the_jacobian(model: Model, context: Tensor):
    model, context, points = model.double(), context.double(), presets(6).double()
    step = 1e-6 * torch.eye(3, dtype=torch.float64)

    columns = [(model.infer(points + d, context) - model.infer(points - d, context)) / 2e-6 for d in step]
    logdet = torch.linalg.slogdet(torch.stack(columns, -1)).logabsdet
    z = model.infer(points, context)
    expected = -(z.square() + math.log(2 * math.pi)).sum(1) / 2 + logdet

    torch.testing.assert_close(model.log_density(points, context), expected, rtol=1e-4, atol=1e-4)


def test_the_density_integrates_to_one(smooth: Model):
    density = density_on(GRID, smooth)

    assert density.mean().item() == pytest.approx(1, abs=0.02)
    assert density.std() > 0.5


def test_samples_follow_the_density(smooth: Model):
    mel, note = heard(1)
    points = smooth.sample(mel, note, 20_000, torch.Generator().manual_seed(0))
    mass = density_on(GRID, smooth) / len(GRID)

    for corner in (0.4, 0.5, 0.6):
        drawn = (points < corner).all(1).float().mean().item()
        assert drawn == pytest.approx(mass[(corner > GRID).all(1)].sum().item(), abs=0.03)


def test_one_sound_does_not_change_another(model: Model):
    mel, note = heard(4)
    points = presets(4)

    together = model.log_density(points, model.encode(mel, note))
    alone = [model.log_density(points[i : i + 1], model.encode(mel[i : i + 1], note[i : i + 1])) for i in range(4)]

    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_part_of_the_note_matters(model: Model, part: int):
    mel, note = heard(1)
    other = note.clone()
    other[0, part] *= 1.2

    assert (model.encode(mel, note) - model.encode(mel, other)).abs().max() > 1e-3


def test_the_sound_matters(model: Model):
    mel, note = heard(2)

    one, other = model.encode(mel, note[:1].expand(2, -1))

    assert (one - other).abs().max() > 1e-3


def test_the_generator_decides_the_loss(name: str):
    model, (mel, note), points = make(name, MIXED), heard(5), presets(5, 4)

    assert torch.equal(*(model.loss(points, mel, note, seeded(1)) for _ in range(2)))
    assert not torch.equal(*(model.loss(points, mel, note, seeded(seed)) for seed in (1, 2)))


def test_it_can_learn_one_batch_by_heart(name: str):
    model = make(name, MIXED)
    mel, note = heard(8)
    points = torch.from_numpy(MIXED.snap(presets(8, 4).numpy())).float()
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    losses = []

    for _ in range(60):
        loss = model.loss(points, mel, note, seeded())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert sum(losses[-5:]) / 5 < sum(losses[:5]) / 5 - 0.4


def test_gradients_reach_every_weight(name: str):
    model = make(name, MIXED)

    model.loss(presets(16, 4), *heard(16), seeded()).backward()

    unreached = [key for key, w in model.named_parameters() if w.grad is None or not w.grad.abs().sum() > 0]
    assert unreached == []


def test_the_loss_is_the_negative_log_density_per_parameter(name: str):
    model, (mel, note), points = make(name, KNOBS), heard(5), presets(5)

    torch.testing.assert_close(model.loss(points, mel, note, seeded()), -model.log_prob(points, mel, note).mean() / 3)


def test_the_two_ways_to_the_density_agree(model: Model, context: Tensor):
    points = presets(6)

    torch.testing.assert_close(model.log_prob(points, *heard(6)), model.log_density(points, context))


def test_the_loss_spreads_discrete_values_over_their_cells(name: str):
    space = ParamSpace((Choice("wave", ("a", "b")), Knob("a", 0.0, 1.0), Knob("b", 0.0, 1.0)))
    model, (mel, note), points = make(name, space), heard(1), presets(1)
    points[0, 0] = 0.25
    context = model.encode(mel, note)

    generator = seeded()
    losses = torch.stack([model.loss(points, mel, note, generator) for _ in range(100)]).detach()
    inside = torch.stack([points[0] + torch.tensor([u, 0, 0]) for u in torch.linspace(-0.25, 0.25, 101)])
    expected = -model.log_density(inside, context.expand(101, -1)).detach() / 3

    assert losses.mean().item() == pytest.approx(expected.mean().item(), abs=0.08)
    assert losses.min() >= expected.min() - 1e-3
    assert losses.max() <= expected.max() + 1e-3


def test_the_same_generator_draws_the_same(model: Model):
    mel, note = heard(1)
    first, second, other = (model.sample(mel, note, 8, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5))

    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("temperature", [1.0, 10.0])
def test_samples_are_in_the_unit_cube(model: Model, temperature: float):
    points = model.sample(*heard(1), 200, torch.Generator().manual_seed(0), temperature=temperature)

    assert points.shape == (200, 3)
    assert ((points >= 0) & (points <= 1)).all()
    assert points.std(0).min() > 0.01


def test_a_lower_temperature_draws_nearer_the_mode(model: Model):
    near, far = (model.sample(*heard(1), 500, torch.Generator().manual_seed(0), temperature=t) for t in (0.2, 1.0))

    assert near.std(0).sum() < 0.6 * far.std(0).sum()


def test_the_configuration_makes_an_equal_model(model: Model):
    again = type(model)(model.space, **json.loads(json.dumps(model.config())))

    again.load_state_dict(model.state_dict())

    mel, note = heard(1)
    torch.testing.assert_close(again.encode(mel, note), model.encode(mel, note))


def test_the_weights_are_all_that_a_seed_decides(name: str):
    first, second = make(name, MIXED), make(name, MIXED)

    for key, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[key])


def test_it_comes_back_from_a_file(name: str, model: Model, tmp_path: Path):
    save_model(tmp_path / "tone.safetensors", model, name, "tone")

    loaded = load_model(tmp_path / "tone.safetensors", Tone.space, models)

    mel, note = heard(1)
    ours, theirs = (m.sample(mel, note, 50, torch.Generator().manual_seed(0)) for m in (model, loaded))
    torch.testing.assert_close(theirs, ours, rtol=0, atol=0.02)  # half precision
    torch.testing.assert_close(loaded.encode(mel, note), model.encode(mel, note), rtol=0, atol=0.02)


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
