"""The distance that the search minimises."""

import pytest
import torch

from patchflow.metrics.log_mel_l1 import level_gap, log_mel, log_mel_l1

RATE = 22_050
TONE = torch.sin(torch.arange(RATE // 2) * 0.1)[None] * torch.linspace(1, 0.01, RATE // 2)
NOISE = torch.randn(1, RATE // 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("gain", [1e-3, 0.5, 100.0])
def test_gain_does_not_matter(gain: float):
    torch.testing.assert_close(log_mel_l1(gain * TONE, NOISE, RATE), log_mel_l1(TONE, NOISE, RATE))


def test_order_does_not_matter():
    torch.testing.assert_close(log_mel_l1(TONE, NOISE, RATE), log_mel_l1(NOISE, TONE, RATE))


def test_silence_for_a_sound_is_the_worst_there_is():
    assert log_mel_l1(torch.zeros_like(TONE), TONE, RATE).item() == 80


def test_silence_for_silence_is_right():
    assert log_mel_l1(torch.zeros(1, 99), torch.zeros(1, 99), RATE).item() == 0


def test_a_click_is_worse_than_a_near_twin_and_better_than_silence():
    click = torch.zeros_like(TONE)
    click[0, 5_000] = 1.0

    twin, far = (log_mel_l1(x, TONE, RATE).item() for x in (TONE + 1e-3 * NOISE, click))

    assert twin < far < 80


def test_one_prepared_target_serves_many_estimates():
    estimates = torch.cat([TONE, NOISE, 0 * TONE])

    together = level_gap(log_mel(estimates), log_mel(TONE))

    torch.testing.assert_close(together, log_mel_l1(estimates, TONE.expand(3, -1), RATE))
