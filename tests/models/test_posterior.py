"""The posterior: its loss is its density, and discrete values are spread over their cells."""

from dataclasses import replace

import pytest
import torch

from patchflow.models import Batch, sample
from patchflow.models.posterior import Posterior
from patchflow.presets import Choice, Knob, ParamSpace
from tests.small_models import KNOBS, MIXED, batch, gained_on_one_batch, heard, make, presets, seeded, total

CHOICE = ParamSpace((Choice("wave", ("a", "b")), Knob("a", 0.0, 1.0), Knob("b", 0.0, 1.0)))


def posterior(space: ParamSpace, spread: float = 0.2) -> Posterior:
    model = make("posterior", space, spread)
    assert isinstance(model, Posterior)
    return model


def test_the_loss_is_the_negative_log_prob_per_parameter_near_the_presets():
    model = posterior(KNOBS)
    learned = batch(model, 5)
    context = model.encode(learned.mel, learned.note)

    loss = total(model, learned, seeded())
    corners = torch.cartesian_prod(*[torch.linspace(-0.01, 0.01, 5)] * 3)
    around = torch.stack([-model.log_prob(learned.points + corner, context) / 3 for corner in corners])

    assert around.amin(0).mean() - 1e-4 <= loss <= around.amax(0).mean() + 1e-4


def test_a_value_at_the_edge_can_be_drawn():
    model = posterior(KNOBS)
    learned = replace(batch(model, 8), points=torch.tensor([[0.0, 1.0, 0.0]]).expand(8, 3))
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)

    for step in range(150):
        optimizer.zero_grad()
        total(model, learned, seeded(step)).backward()
        optimizer.step()
    drawn = sample(model, learned.mel[:1], learned.note[:1], 100, seeded())

    assert ((drawn - learned.points[0]).abs() < 0.05).float().mean() > 0.5


def test_the_noise_within_cells_is_the_generators():
    model = make("posterior", MIXED)
    learned = batch(model, 5)

    assert not torch.equal(*(total(model, learned, seeded(seed)) for seed in (1, 2)))


def test_the_loss_spreads_discrete_values_over_their_cells(monkeypatch: pytest.MonkeyPatch):
    model, points = posterior(CHOICE), presets(1)
    points[0, 0] = 0.25
    context = model.encode(*heard(model, 1)).detach()
    monkeypatch.setattr(model, "encode", lambda mel, note: context.expand(len(mel), -1))
    one, many = (
        Batch(points.expand(count, -1), torch.zeros(count, 1, 1), torch.zeros(count, 3), torch.zeros(count, 0))
        for count in (1, 20_000)
    )

    generator = seeded()
    losses = torch.stack([total(model, one, generator) for _ in range(100)]).detach()
    mean = total(model, many, generator).item()
    middles, knobs = (width * ((torch.arange(k) + 0.5) / k - 0.5) for width, k in ((0.5, 401), (0.02, 8)))
    inside = points + torch.cartesian_prod(middles, knobs, knobs)  # the knobs are spread too, a little
    expected = -model.log_prob(inside, context.expand(len(inside), -1)).detach() / 3

    assert mean == pytest.approx(expected.mean().item(), abs=0.02)
    assert losses.min() >= expected.min() - 0.05
    assert losses.max() <= expected.max() + 0.05


def test_rounding_in_a_steep_spline_never_spoils_a_preset():
    model = posterior(KNOBS, spread=1.0).eval()
    faces = torch.cartesian_prod(*[torch.tensor([0.0, 1e-6, 0.5, 1 - 1e-6, 1.0])] * 3)
    contexts = 3 * torch.randn(40, model.encode(*heard(model, 1)).shape[1], generator=seeded(7))

    back = [model.decode(model.noise_of(faces, c.expand(len(faces), -1)), c.expand(len(faces), -1)) for c in contexts]

    assert torch.isfinite(torch.stack(back)).all()


def test_it_learns_one_batch_well():
    assert gained_on_one_batch(posterior(MIXED)) > 0.4


@pytest.mark.parametrize("temperature", [1.0, 10.0])
def test_every_coordinate_is_drawn_differently(temperature: float):
    model = posterior(KNOBS)

    points = sample(model, *heard(model, 1), 200, seeded(), temperature=temperature)

    assert points.std(0).min() > 0.01
