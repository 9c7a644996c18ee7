"""The regression flow by likelihoods: each term is one, latents fill N(0, I), words have dimensions of it."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from patchflow.models import Batch
from patchflow.models.flow_joint import FlowJoint
from patchflow.nn.linear import dequantise
from tests.small_models import KNOBS, batch, make, seeded


def flow_joint(away: float = 0.2, **changed: int | str) -> FlowJoint:
    model = make("flow_joint", KNOBS, away, **{"layers": 2, "kernel": 3, "steps": 4, **changed}).eval()
    assert isinstance(model, FlowJoint)
    return model


def learned_by(model: FlowJoint, points: Tensor) -> FlowJoint:
    """A model that has learned these presets; the sound of each is its first parameter, the tag its second's sign.

    The rate falls to 0: at a constant one, where the last step ends depends on rounding, thus on the processor.
    """
    steps = 200
    optimizer = torch.optim.Adam(model.train().parameters(), 5e-3)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for step in range(steps):
        some = points[torch.randperm(len(points), generator=seeded(step))[:32]]
        mel, tags = some[:, :1, None].expand(-1, 64, 80), (some[:, 1:2] - 0.5).sign().expand(-1, model.attributes)
        optimizer.zero_grad()
        terms = model.loss(Batch(some, mel, torch.zeros(32, 3), tags), seeded(step))
        (0.01 * terms["reconstruction"] + terms["latent"] + terms["regression"] + 5 * terms["disentangling"]).backward()
        optimizer.step()
        falling.step()
    return model.eval()


@pytest.mark.parametrize("latent", [3, 2])
def test_the_regression_term_is_the_density_of_presets_given_sounds(latent: int):
    model = flow_joint(latent=latent)
    learned = batch(model, 5)
    points = dequantise(learned.points, model.cells, seeded())

    found = model.loss(learned, seeded())["regression"]

    likely = model.log_prob(points, model.encode(learned.mel, learned.note))
    torch.testing.assert_close(found, -likely.mean() / latent)


def test_the_latent_term_is_the_density_of_presets():
    model = flow_joint().double()
    learned = batch(model, 4)
    learned = Batch(learned.points.double(), learned.mel.double(), learned.note.double(), learned.tags)
    points = dequantise(learned.points, model.cells, seeded())

    found = model.loss(learned, seeded())["latent"]

    likely = []
    for point in points:
        jacobian = torch.autograd.functional.jacobian(lambda v: model.latent_of(v[None])[0], point)
        square = model.latent_of(point[None])[0].square().sum()
        likely.append(torch.linalg.slogdet(jacobian).logabsdet - square / 2 - 1.5 * math.log(2 * math.pi))
    torch.testing.assert_close(found, -torch.stack(likely).mean() / 3)


@pytest.mark.parametrize("posterior_context", [0, 4])
def test_the_posterior_hears_as_much_as_it_is_told(posterior_context: int):
    model = flow_joint(posterior_context=posterior_context)

    assert model.posterior.context == posterior_context
    assert model.regression.context == 0  # one map for all sounds
    assert model.coder.head.out_features == 6 + posterior_context


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_knobs_at_their_ends_have_a_finite_loss(value: float):
    model = flow_joint()
    learned = batch(model, 8)

    terms = model.loss(replace(learned, points=torch.full((8, 3), value)), seeded())

    assert all(torch.isfinite(term) for term in terms.values())


@pytest.mark.slow
def test_latents_of_presets_fill_the_normal_distribution():
    a = torch.rand(4000, 3, generator=seeded())
    points = torch.stack((a[:, 0], a[:, 0] * 0.5 + a[:, 1] * 0.2, (a[:, 2] > 0.5) * 0.6 + 0.2), 1)

    model = learned_by(flow_joint(away=0.0), points)
    z = model.latent_of(dequantise(points, model.cells, seeded())).detach()

    assert z.mean(0).abs().max() < 0.25
    assert z.std(0).min() > 0.7
    assert z.std(0).max() < 1.3


@pytest.mark.slow
def test_what_is_heard_is_known_and_the_rest_is_drawn():
    points = 0.1 + 0.8 * torch.rand(4000, 3, generator=seeded())
    model = learned_by(flow_joint(away=0.0), points)
    mel = torch.full((200, 64, 80), 0.7)

    drawn = model.decode(torch.randn(200, 3, generator=seeded()), model.encode(mel, torch.zeros(200, 3)))

    assert (drawn[:, 0] - 0.7).abs().mean() < 0.1
    assert drawn[:, 1:].std(0).min() > 0.15


@pytest.mark.slow
def test_a_macro_turns_what_its_word_is_about():
    points = 0.1 + 0.8 * torch.rand(4000, 3, generator=seeded())
    model = learned_by(flow_joint(away=0.0, attributes=1), points)
    z = torch.randn(200, 3, generator=seeded())

    first, second = (
        model.presets(model.from_macro(torch.cat((torch.full((200, 1), w), z[:, 1:]), 1))) for w in (-1.0, 1.0)
    )

    assert (first[:, 1] < 0.5).float().mean() > 0.9
    assert (second[:, 1] > 0.5).float().mean() > 0.9


def test_a_word_is_as_likely_as_its_coordinate_says():
    model = flow_joint(attributes=2)
    learned = replace(batch(model, 4), tags=torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    with torch.no_grad():
        assert model.log_slope is not None
        model.log_slope.copy_(torch.tensor([0.7, -0.2]))
    z = model.latent_of(dequantise(learned.points, model.cells, seeded()))
    first = torch.distributions.Bernoulli(logits=math.exp(0.7) * z[:2, 0])
    second = torch.distributions.Bernoulli(logits=math.exp(-0.2) * z[2, 1])
    likely = first.log_prob(torch.tensor([0.0, 1.0])).sum() + second.log_prob(torch.tensor(1.0))

    found = model.loss(learned, seeded())["disentangling"]

    torch.testing.assert_close(3 * 4 * found, -likely)


def test_tags_matter_for_their_own_term_alone():
    model = flow_joint(attributes=2)
    learned = batch(model, 6)
    other = replace(learned, tags=-learned.tags)

    found, changed = (model.loss(x, seeded()) for x in (learned, other))

    assert found.pop("disentangling") != changed.pop("disentangling")
    assert found == changed


def test_a_model_without_words_ignores_tags():
    model = flow_joint(attributes=0)

    tagged, bare = (model.loss(batch(model, 4, attributes=attributes), seeded()) for attributes in (3, 0))

    assert tagged == bare
    assert tagged["disentangling"] == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"attributes": 4}, "attributes=4: not in .0, 3."),
        ({"attributes": -1}, "attributes=-1"),
        ({"posterior_context": -1}, "posterior_context=-1: not at least 0"),
    ],
    ids=str,
)
def test_a_size_that_cannot_be_is_refused(wrong: dict[str, int], message: str):
    with pytest.raises(ValueError, match=message):
        flow_joint(**wrong)
