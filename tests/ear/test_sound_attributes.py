"""Known sounds measure what they were made with."""

import math

import numpy as np
import pytest
import torch

from patchflow.ear import MEASURES, measure
from patchflow.engines import Note
from patchflow.explore import RATE

TIME = torch.arange(2 * RATE) / RATE
HELD = Note(pitch=60, hold=2.0, length=2.0)


def tone(hz: float) -> torch.Tensor:
    return torch.sin(2 * math.pi * hz * TIME)


def saw(hz: float, partials: int = 20) -> torch.Tensor:
    return sum((tone(k * hz) / k for k in range(1, partials + 1)), torch.zeros(len(TIME)))


def noise(seed: int = 0) -> torch.Tensor:
    return torch.randn(len(TIME), generator=torch.Generator().manual_seed(seed))


def of(name: str, sound: torch.Tensor, note: Note = HELD) -> float:
    column = [attribute.name for attribute in MEASURES].index(name)
    return float(measure(sound[None], [note], RATE)[0, column])


@pytest.mark.parametrize("hz", [250.0, 1000.0, 4000.0])
def test_brightness_of_a_tone_is_its_frequency(hz: float):
    assert of("brightness", tone(hz)) == pytest.approx(math.log2(hz), abs=0.05)


@pytest.mark.parametrize("seconds", [0.1, 0.4])
def test_attack_is_the_time_from_a_tenth_to_nine_tenths(seconds: float):
    assert of("attack", tone(440) * (TIME / seconds).clamp(max=1)) == pytest.approx(math.log2(0.8 * seconds), abs=0.1)


@pytest.mark.parametrize("seconds", [0.1, 0.3])
def test_length_of_a_decay_is_its_time_constant(seconds: float):
    # pieces of 20 ms soften the peak a little
    assert of("length", tone(440) * torch.exp(-TIME / seconds)) == pytest.approx(math.log2(seconds), abs=0.15)


def test_a_steady_sound_is_as_long_as_it_was_recorded():
    assert of("length", tone(440)) == pytest.approx(1.0, abs=0.02)


def test_white_noise_is_noisy_and_a_tone_is_clean():
    assert of("noisiness", noise()) > -4
    assert of("noisiness", tone(1000)) < -40


@pytest.mark.parametrize("db", [0.0, 10.0, 20.0])
def test_harmonicity_is_the_level_of_harmonics_above_noise(db: float):
    harmonic = saw(220.0)
    mixed = harmonic / harmonic.std() + noise() * 10 ** (-db / 20)
    # the best of many lags is never below that of pure noise, and a frame of 93 ms smooths 20 dB a little
    assert of("harmonicity", mixed) == pytest.approx(db, abs=2.0)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_weight_is_the_share_of_the_fundamental(share: float):
    mixed = math.sqrt(share) * tone(261.63) + math.sqrt(1 - share) * tone(3_000)
    assert of("weight", mixed) == pytest.approx(10 * math.log10(share), abs=0.3)


def test_what_is_silent_measures_nothing():
    assert np.isnan(measure(torch.zeros(1, RATE), [HELD], RATE)).all()


@pytest.mark.parametrize("gain_db", [-30.0, 20.0])
def test_gain_changes_loudness_alone(gain_db: float):
    sound = saw(220.0) * 10 ** (-TIME) + 0.01 * noise()
    before = measure(sound[None], [HELD], RATE)[0]
    after = measure(10 ** (gain_db / 20) * sound[None], [HELD], RATE)[0]

    np.testing.assert_allclose(after[:-1], before[:-1], atol=1e-3)
    assert after[-1] - before[-1] == pytest.approx(gain_db, abs=1e-3)


def test_beating_is_rough_and_a_tone_is_not():
    assert of("roughness", tone(1000) + tone(1070)) > of("roughness", tone(1000)) + 20


def test_tremolo_is_dynamic_and_a_tone_is_not():
    assert of("dynamics", tone(440) * (1.1 + torch.sin(2 * math.pi * 3 * TIME))) > 3
    assert of("dynamics", tone(440)) < 2  # the edges of the first frame alone


def test_a_moving_filter_moves_and_a_fade_does_not():
    moving = tone(300) * (1 + torch.sin(2 * math.pi * 4 * TIME)) + tone(3000) * (1 - torch.sin(2 * math.pi * 4 * TIME))
    fading = (tone(300) + tone(3000)) * 10 ** (-TIME)
    assert of("movement", moving) > of("movement", fading) + 3


def test_no_note_is_too_short():
    assert np.isfinite(measure(tone(440)[None, :200], [Note(hold=0.01, length=0.01)], RATE)).all()
