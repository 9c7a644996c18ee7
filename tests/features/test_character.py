"""Measures of attributes, on sounds of which they are known."""

import math

import pytest
import torch
from torch import Tensor

from patchflow.features.descriptors import CHARACTER, character

RATE = 22_050
TIME = torch.arange(2 * RATE) / RATE


def tone(*hz: float) -> Tensor:
    return torch.stack([torch.sin(2 * math.pi * f * TIME) for f in hz]).sum(0) * 0.1


def noise() -> Tensor:
    return 0.1 * torch.randn(2 * RATE, generator=torch.Generator().manual_seed(0))


def measured(name: str, *sounds: Tensor) -> list[float]:
    return character(torch.stack(sounds), RATE)[name].tolist()


def test_overtones_are_harmonic_whatever_their_fundamental():
    for hz in (65.4, 261.6, 880.0):
        assert measured("harmonicity", tone(hz, 2 * hz, 3 * hz))[0] > 0.97


def test_noise_and_partials_of_no_fundamental_are_less_harmonic():
    overtones, bell, hiss = measured("harmonicity", tone(300, 600, 900), tone(300, 831, 1613), noise())

    assert overtones > bell + 0.05
    assert bell > hiss
    assert hiss < 0.3


def test_dynamics_are_the_deviation_of_a_level_that_falls():
    falling = tone(440) * 10 ** (-20 * TIME / 20)  # 40 dB in two seconds, in a straight line

    assert measured("dynamics", falling)[0] == pytest.approx(40 / math.sqrt(12), rel=0.05)
    assert measured("dynamics", tone(440))[0] < 0.1


def test_weight_is_the_level_of_what_is_low():
    all_low, half, none = measured("weight", tone(200), tone(200, 2000), tone(2000))

    assert all_low == pytest.approx(0, abs=0.01)
    assert half == pytest.approx(-10 * math.log10(2), abs=0.1)
    assert none < -40


def test_beating_is_rough_and_slow_or_far_partials_are_not():
    beating = measured("roughness", tone(1000, 1070))[0]

    assert all(beating > other + 10 for other in measured("roughness", tone(1000), tone(1000, 1004), tone(1000, 1500)))


@pytest.mark.parametrize("name", CHARACTER)
def test_gain_does_not_matter(name: str):
    x = tone(300, 370) * torch.exp(-TIME)

    assert measured(name, x)[0] == pytest.approx(measured(name, 0.1 * x)[0], rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("name", CHARACTER)
def test_one_sound_does_not_change_another(name: str):
    assert measured(name, tone(300), noise())[0] == pytest.approx(measured(name, tone(300))[0], abs=1e-4)


@pytest.mark.parametrize("samples", [1, 100, 2047, 2049])
def test_short_sounds_and_silence_are_finite(samples: int):
    for x in (torch.zeros(2, samples), torch.rand(2, samples, generator=torch.Generator().manual_seed(0))):
        assert all(values.isfinite().all() for values in character(x, RATE).values())
