"""What every model that is a density promises, for every one there is."""

import math

import pytest
import torch
from torch import Tensor

from patchflow.engines.tone import Tone
from patchflow.models import Density, Model, models, sample
from tests.small_models import heard, make, presets

AXIS = (torch.arange(40) + 0.5) / 40
GRID = torch.cartesian_prod(AXIS, AXIS, AXIS)


@pytest.fixture(params=[name for name in models if issubclass(models[name], Density)])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(name: str) -> Model:
    return make(name, Tone.space).eval()


@pytest.fixture
def smooth(name: str) -> Model:
    """A model whose density a grid can follow."""
    return make(name, Tone.space, spread=0.05).eval()


@pytest.fixture
def context(model: Density) -> Tensor:
    with torch.no_grad():
        return model.encode(*heard(model, 6))


def density_on(points: Tensor, model: Density) -> Tensor:
    """The density of one sound's presets."""
    with torch.no_grad():
        return model.log_prob(points, model.encode(*heard(model, 1)).expand(len(points), -1)).exp()


def test_decode_and_infer_are_inverse(model: Density, context: Tensor):
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    model, context = model.double(), context.double()

    points = model.decode(z, context)

    torch.testing.assert_close(model.noise_of(points, context), z, rtol=0, atol=1e-6)
    torch.testing.assert_close(model.decode(model.noise_of(points, context), context), points, rtol=0, atol=1e-6)


def test_the_density_is_that_of_the_noise_times_the_jacobian(model: Density, context: Tensor):
    model, context, points = model.double(), context.double(), presets(6).double()
    step = 1e-6 * torch.eye(3, dtype=torch.float64)

    columns = [(model.noise_of(points + d, context) - model.noise_of(points - d, context)) / 2e-6 for d in step]
    logdet = torch.linalg.slogdet(torch.stack(columns, -1)).logabsdet
    z = model.noise_of(points, context)
    expected = -(z.square() + math.log(2 * math.pi)).sum(1) / 2 + logdet

    torch.testing.assert_close(model.log_prob(points, context), expected, rtol=1e-4, atol=1e-4)


def test_the_density_integrates_to_one(smooth: Density):
    # where it is steepest, at the faces of the cube, x = t^2 (3 - 2t) brings points together
    x, width = AXIS.square() * (3 - 2 * AXIS), 6 * AXIS * (1 - AXIS)
    density = density_on(torch.cartesian_prod(x, x, x), smooth)
    volume = torch.cartesian_prod(width, width, width).prod(1)

    assert (density * volume).mean().item() == pytest.approx(1, abs=0.02)
    assert density_on(GRID, smooth).std() > 0.5


def test_samples_follow_the_density(smooth: Density):
    mel, note = heard(smooth, 1)
    points = sample(smooth, mel, note, 20_000, torch.Generator().manual_seed(0))
    mass = density_on(GRID, smooth) / len(GRID)

    for corner in (0.4, 0.5, 0.6):
        drawn = (points < corner).all(1).float().mean().item()
        assert drawn == pytest.approx(mass[(corner > GRID).all(1)].sum().item(), abs=0.03)


def test_one_preset_does_not_change_another(model: Density, context: Tensor):
    points = presets(6)

    together = model.log_prob(points, context)
    alone = [model.log_prob(points[i : i + 1], context[i : i + 1]) for i in range(6)]

    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-4)
