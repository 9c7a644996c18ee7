"""Stacks of linear layers, the head that makes presets of features, and values that are spread within their cells."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patchflow.errors import OptionError
from patchflow.nn import MLP, Standard, activate
from patchflow.nn.linear import FEW, WIDTH, ParameterHead, dequantise, drop
from patchflow.presets import Choice, Knob, ParamSpace, Steps
from tests.small_models import MIXED, presets


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("gated", [0, 1])
def test_it_is_not_linear(gated: int):
    stack, x, y = MLP(4, 8, 3, gated=gated).eval(), torch.randn(5, 4), torch.randn(5, 4)

    assert (stack(x + y) - stack(x) - stack(y) + stack(0 * x)).abs().max() > 1e-2


def test_the_generator_decides_what_is_dropped():
    stack, x = MLP(4, 8, 2, dropout=0.5), torch.randn(5, 4)

    first, again, other = (stack(x, seeded(seed)) for seed in (0, 0, 1))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_nothing_is_dropped_in_evaluation():
    stack, x = MLP(4, 8, 2, dropout=0.5).eval(), torch.randn(5, 4)

    assert torch.equal(stack(x, seeded()), stack(x))


def test_dropping_keeps_the_mean():
    dropped = drop(torch.ones(100_000), 0.3, seeded())

    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)


def test_a_closed_gate_lets_nothing_through():
    assert activate(torch.tensor([[3.0, -200.0]]), 1) == 0
    assert activate(torch.tensor([[3.0, 200.0]]), 1) == 3


@pytest.mark.parametrize("wrong", [{"layers": 0}, {"dropout": 1.0}, {"gated": 2}])
def test_a_size_out_of_range_is_refused_by_name(wrong: dict[str, float]):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}"):
        MLP(**{"inputs": 4, "hidden": 8, "layers": 2, **wrong})  # type: ignore[arg-type]


def test_what_was_standardised_has_mean_0_and_deviation_1_and_comes_back():
    mel = 3 + 2 * torch.randn(50, 4, 20)
    standard = Standard(4)
    standard.set(mel.mean((0, 2))[:, None], mel.std((0, 2))[:, None])

    x = standard(mel)

    torch.testing.assert_close(x.mean((0, 2)), torch.zeros(4), rtol=0, atol=1e-4)
    torch.testing.assert_close(x.std((0, 2)), torch.ones(4), rtol=1e-4, atol=0)
    torch.testing.assert_close(standard.inverse(x), mel)


def test_a_band_that_never_sounds_stays_finite():
    standard = Standard(1)
    standard.set(torch.tensor([[-7.0]]), torch.tensor([[0.0]]))

    assert standard(torch.full((1, 1, 3), -7.0)).abs().max() == 0


@pytest.mark.parametrize("std", [-1.0, float("nan"), float("inf")])
def test_a_deviation_that_is_none_is_refused(std: float):
    with pytest.raises(ValueError, match="std"):
        Standard(1).set(torch.tensor(0.0), torch.tensor(std))


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


FOUR = ParamSpace(
    (
        Choice("wave", ("sine", "saw")),
        Steps("octave", -2, 2),
        Knob("cutoff", 20.0, 20_000.0, unit="Hz", log=True),
        Knob("gain", -60.0, 0.0, unit="dB"),
    )
)
CELLS = torch.from_numpy(FOUR.cells)

points = arrays(float, (3, 4), elements=st.floats(0, 1))


@given(points, st.integers(0, 2**32 - 1))
def test_spreading_is_undone_by_snapping(some: np.ndarray, seed: int):
    snapped = FOUR.snap(some)
    noisy = dequantise(torch.from_numpy(snapped), CELLS, torch.Generator().manual_seed(seed), knobs=0.0)

    np.testing.assert_allclose(FOUR.snap(noisy.numpy()), snapped, atol=1e-12)


def test_spreading_fills_the_whole_cell_and_leaves_knobs_alone():
    start = np.tile(FOUR.snap(np.full(4, 0.4)), (2_000, 1))
    noisy = dequantise(torch.from_numpy(start), CELLS, torch.Generator().manual_seed(0), knobs=0.0)

    np.testing.assert_allclose(np.ptp(noisy.numpy(), axis=0), [1 / 2, 1 / 5, 0, 0], atol=0.01)
