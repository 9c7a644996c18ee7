"""Steady noise is taken out of a sound, and the sound is not; another sample rate is the same sound."""

import numpy as np
import pytest

from patchflow.audio import resample
from patchflow.audio.conditioning import without_noise

RATE = 22_050
T = np.arange(RATE) / RATE
TONE = (0.5 * np.sin(2 * np.pi * 220 * T) + 0.2 * np.sin(2 * np.pi * 1_760 * T)) * np.exp(-T / 0.3)


def hiss(db: float) -> np.ndarray:
    return 10 ** (db / 20) * np.random.default_rng(0).standard_normal(2 * RATE)


def hum(db: float) -> np.ndarray:
    t = np.arange(2 * RATE) / RATE
    return 10 ** (db / 20) * (np.sin(100 * np.pi * t) + 0.5 * np.sin(300 * np.pi * t + 1))


@pytest.mark.parametrize("noise", [hiss(-60), hiss(-50), hiss(-40), hum(-50)], ids=["-60", "-50", "-40", "hum"])
def test_noise_under_a_sound_is_a_fifth_afterwards(noise: np.ndarray):
    clean = without_noise(TONE + noise[:RATE], noise[RATE:], RATE)

    inside = slice(1_000, -1_000)
    left = np.square(clean - TONE)[inside].mean()
    assert left < 0.2 * np.square(noise[:RATE])[inside].mean()


def test_the_pauses_are_silent():
    noise = hiss(-50)
    sound = np.concatenate([TONE[: RATE // 2], np.zeros(RATE // 2)])

    clean = without_noise(sound + noise[:RATE], noise[RATE:], RATE)

    level = np.square(clean[3 * RATE // 4 : -1_000]).mean()
    assert level < 1e-3 * np.square(noise).mean()


def test_a_sound_far_above_the_noise_stays_as_it_is():
    loud = 0.5 * np.sin(2 * np.pi * 440 * T)

    clean = without_noise(loud, hiss(-90), RATE)

    np.testing.assert_allclose(clean[1_000:-1_000], loud[1_000:-1_000], atol=2e-4)


def test_an_attack_stays_where_it_is():
    click = np.zeros(RATE)
    click[RATE // 2 : RATE // 2 + 2_000] = np.sin(np.arange(2_000) * 0.5) * np.exp(-np.arange(2_000) / 300)
    noise = hiss(-50)

    clean = without_noise(click + noise[:RATE], noise[RATE:], RATE)

    first = int(np.flatnonzero(np.abs(clean) > 0.1)[0])
    assert abs(first - RATE // 2) < 10


def test_noise_that_is_too_short_to_be_known_changes_nothing():
    sound = TONE.astype(np.float32)

    np.testing.assert_array_equal(without_noise(sound, hiss(-50)[:500], RATE), sound)


@pytest.mark.parametrize(("rate", "to"), [(8_000, 22_050), (22_050, 44_100), (44_100, 22_050), (192_000, 22_050)])
def test_a_tone_stays_the_tone_it_is(rate: int, to: int):
    tone = np.sin(2 * np.pi * 1_000 * np.arange(rate) / rate).astype(np.float32)
    expected = np.sin(2 * np.pi * 1_000 * np.arange(to) / to)

    np.testing.assert_allclose(resample(tone, rate, to)[500:-500], expected[500:-500], atol=1e-4)


def test_what_the_new_rate_cannot_hold_is_gone():
    tone = np.sin(2 * np.pi * 15_000 * np.arange(44_100) / 44_100)

    assert np.abs(resample(tone, 44_100, 22_050)[500:-500]).max() < 1e-4


@pytest.mark.parametrize("samples", [1, 2, 7, 999])
@pytest.mark.parametrize(("rate", "to"), [(8_000, 44_100), (44_100, 8_000), (192_000, 4_000)])
def test_the_length_is_rounded_and_never_zero(samples: int, rate: int, to: int):
    assert len(resample(np.ones(samples, np.float32), rate, to)) == max(1, round(samples * to / rate))


def test_the_same_rate_gives_the_same_array():
    x = np.ones(5)

    assert resample(x, 8_000, 8_000) is x


@pytest.mark.parametrize(("rate", "to"), [(0, 1), (1, 0), (-1, 1)])
def test_a_rate_that_is_none_is_refused(rate: int, to: int):
    with pytest.raises(ValueError, match=f"rate={rate}, to={to}: not positive"):
        resample(np.ones(5), rate, to)
