"""The head that makes presets of features: its losses are likelihoods, its draws follow them."""

import math

import numpy as np
import pytest
import torch

from patchflow.errors import OptionError
from patchflow.nn.heads import FEW, WIDTH, ParameterHead
from patchflow.presets import Choice, Knob, ParamSpace, Steps
from tests.small_models import MIXED, presets

SPACE = ParamSpace(
    (Knob("gain", 0.0, 1.0), Choice("wave", ("a", "b", "c")), Steps("few", 1, FEW), Steps("many", 0, FEW))
)


def head(loss: str, space: ParamSpace = SPACE) -> ParameterHead:
    torch.manual_seed(0)
    return ParameterHead(space, 5, loss).eval()


def test_mse_is_half_the_squared_error_in_units_of_the_width():
    raw, points = torch.randn(6, 4), presets(6, 4)

    loss = head("mse").loss(raw, points)

    torch.testing.assert_close(loss, ((raw.sigmoid() - points) / WIDTH).square() / 2)


def test_l1_is_the_absolute_error_in_units_of_the_width():
    raw, points = torch.randn(6, 4), presets(6, 4)

    torch.testing.assert_close(head("l1").loss(raw, points), ((raw.sigmoid() - points) / WIDTH).abs())


def test_cross_entropy_of_cells_is_that_of_torch():
    raw, points = torch.randn(6, 2 + 3 + FEW), torch.from_numpy(SPACE.snap(presets(6, 4).numpy())).float()

    loss = head("cross_entropy").loss(raw, points)

    wave, few = (points[:, 1] * 3).long(), (points[:, 2] * FEW).long()
    reference = torch.nn.functional.cross_entropy
    torch.testing.assert_close(loss[:, 1], reference(raw[:, 2:5], wave, reduction="none"))
    torch.testing.assert_close(loss[:, 2], reference(raw[:, 5:], few, reduction="none"))
    torch.testing.assert_close(loss[:, [0, 3]], ((raw[:, :2].sigmoid() - points[:, [0, 3]]) / WIDTH).square() / 2)


def test_classification_has_a_class_for_every_step_and_64_for_a_knob():
    width = 64 + 3 + FEW + FEW + 1
    raw, points = torch.randn(6, width), torch.from_numpy(SPACE.snap(presets(6, 4).numpy())).float()

    loss = head("classification").loss(raw, points)

    knob, many = (points[:, 0] * 64).long().clamp_max(63), (points[:, 3] * (FEW + 1)).long()
    reference = torch.nn.functional.cross_entropy
    torch.testing.assert_close(loss[:, 0], reference(raw[:, :64], knob, reduction="none"))
    torch.testing.assert_close(loss[:, 3], reference(raw[:, 67 + FEW :], many, reduction="none"))


def test_of_two_likely_values_classification_guesses_one_and_the_squared_error_their_mean():
    space, found = ParamSpace((Steps("ratio", 0, 31),)), {}
    points = torch.tensor([4.5 / 32, 28.5 / 32]).repeat(64)[:, None]
    for loss in ("classification", "mse"):
        made = head(loss, space).train()
        optimizer = torch.optim.Adam(made.parameters(), 0.1)
        for _ in range(100):
            optimizer.zero_grad()
            made.loss(made(torch.ones(128, 5)), points).sum().backward()
            optimizer.step()
        found[loss] = made.points(made(torch.ones(1, 5)), torch.zeros(1, 1)).item()

    assert found["mse"] == pytest.approx(16.5 / 32, abs=0.02)
    assert found["classification"] in (4.5 / 32, 28.5 / 32)


def test_without_noise_it_gives_the_middle_of_the_likeliest_cell():
    raw = torch.randn(50, 2 + 3 + FEW)

    points = head("cross_entropy").points(raw, torch.zeros(50, 4))

    torch.testing.assert_close(points[:, 1], (raw[:, 2:5].argmax(1) + 0.5) / 3)
    torch.testing.assert_close(points[:, 2], (raw[:, 5:].argmax(1) + 0.5) / FEW)
    np.testing.assert_allclose(SPACE.snap(points.numpy())[:, 1:3], points[:, 1:3], atol=1e-6)


def test_draws_of_cells_are_as_frequent_as_they_are_likely():
    raw = torch.zeros(1, 2 + 3 + FEW)
    raw[0, 2:5] = torch.tensor([0.2, 0.7, 0.1]).log()

    points = head("cross_entropy").points(raw.expand(20_000, -1), torch.randn(20_000, 4))

    shares = [(points[:, 1] == torch.tensor((k + 0.5) / 3)).float().mean().item() for k in range(3)]
    assert shares == pytest.approx([0.2, 0.7, 0.1], abs=0.02)


def test_draws_of_values_are_as_wide_as_the_residuals_were():
    learned = head("mse", MIXED).train()
    raw = torch.zeros(512, 4)
    width = torch.tensor([0.02, 0.05, 0.1, 0.2])
    for step in range(800):
        noise = torch.randn(512, 4, generator=torch.Generator().manual_seed(step))
        learned.loss(raw, 0.5 + width * noise)

    points = learned.points(torch.zeros(20_000, 4), 0.5 * torch.randn(20_000, 4))

    torch.testing.assert_close(points.std(0), width / 2, rtol=0.05, atol=0)


def test_evaluation_leaves_the_residuals_alone():
    kept = head("mse")
    before = kept.residual.clone()

    kept.loss(torch.randn(6, 4), presets(6, 4))

    assert torch.equal(kept.residual, before)


def test_the_last_cell_reaches_to_the_end_of_the_axis():
    loss = head("cross_entropy").loss(torch.zeros(2, 2 + 3 + FEW), torch.tensor([[0.0] * 4, [1.0] * 4]))

    torch.testing.assert_close(loss[:, 1], torch.full((2,), math.log(3)))


def test_gradients_are_finite_for_cells_of_different_numbers():
    raw = torch.randn(6, 2 + 3 + FEW, requires_grad=True)

    head("cross_entropy").loss(raw, presets(6, 4)).sum().backward()

    assert raw.grad is not None
    assert torch.isfinite(raw.grad).all()


def test_an_unknown_loss_is_refused_by_name():
    with pytest.raises(OptionError, match="parameter_loss='huber': not one of mse, l1, cross_entropy"):
        head("huber")
