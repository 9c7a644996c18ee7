"""The disentangling flow: its term is per sound, finite with any tags, and its macros can be turned."""

from dataclasses import replace

import pytest
import torch

from patchflow.models import Batch, Model
from patchflow.models.flow_dis import FlowDis
from patchflow.nn.gaussian import sample_gaussian
from tests.small_models import KNOBS, batch, make, seeded


def flow_dis(attributes: int = 2) -> FlowDis:
    model = make("flow_dis", KNOBS, attributes=attributes).eval()
    assert isinstance(model, FlowDis)
    return model


def tagged(model: Model, tags: list[list[float]]) -> Batch:
    return replace(batch(model, len(tags)), tags=torch.tensor(tags))


def test_the_disentangling_term_is_that_of_each_sound_by_itself():
    model = flow_dis()
    learned = tagged(model, [[-1.0, 1.0], [0.0, -1.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    drawn = sample_gaussian(
        model.encode(learned.mel, learned.note), torch.randn(5, 3, generator=seeded()), model.posterior
    )

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
        total += drawn.log_prob[i] - likely
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


def test_tags_move_their_own_dimension_and_widths_are_learned():
    model = make("flow_dis", KNOBS, spread=0.0, attributes=1, latent=2, flow_hidden=16)
    assert isinstance(model, FlowDis)
    z = torch.randn(2048, 2, generator=seeded())
    tags = z.sum(1, keepdim=True).sign()  # the word depends on both coordinates: as it begins, no macro is their sum
    optimizer = torch.optim.Adam(model.disentangling.parameters(), 2e-2)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 150)

    for _ in range(150):
        optimizer.zero_grad()
        (-model.disentangling.log_prob(z, tags).mean()).backward()
        optimizer.step()
        falling.step()

    macro = model.macro(z)[:, 0].detach()
    assert ((macro > 0) == (tags[:, 0] > 0)).float().mean() > 0.95
    widths = torch.stack([(macro[tags[:, 0] == word] - word).square().mean().sqrt() for word in (-1, 1)])
    torch.testing.assert_close(model.disentangling.log_width.exp()[0], widths, rtol=0.1, atol=0)


def test_tags_of_another_number_of_pairs_are_refused():
    model = flow_dis(attributes=2)

    with pytest.raises(ValueError, match="tags of 1 attributes: the model was made for attributes=2"):
        model.loss(tagged(model, [[1.0], [0.0]]), seeded())


def test_there_is_no_disentangling_without_a_pair():
    with pytest.raises(ValueError, match="attributes=0: not in .1, 3."):
        flow_dis(0)
