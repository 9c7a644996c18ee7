"""Loudness and matching it."""

import numpy as np
import pyloudnorm
import pytest

from patchflow.audio import loudness, match_loudness

RATE = 22_050
NOISE = np.random.default_rng(0).uniform(-0.2, 0.2, 2 * RATE) * np.linspace(1, 0.1, 2 * RATE)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("decay", [0.0, 2.0, 60.0])
def test_it_is_that_of_the_standard(rate: int, decay: float):
    x = np.random.default_rng(0).uniform(-1, 1, 2 * rate) * np.exp(-decay * np.arange(2 * rate) / rate)

    assert loudness(x / np.abs(x).max(), rate) == pytest.approx(
        pyloudnorm.Meter(rate).integrated_loudness(x / np.abs(x).max()), abs=1e-6
    )


def test_what_is_heard_after_long_silence_is_as_loud_as_alone():
    late = np.concatenate([np.zeros(10 * RATE), NOISE, np.zeros(5 * RATE)])

    assert loudness(late, RATE) == pytest.approx(
        pyloudnorm.Meter(RATE).integrated_loudness(late / np.abs(late).max()) + 20 * np.log10(np.abs(late).max()),
        abs=1e-6,
    )


@pytest.mark.parametrize("gain_db", [-80.0, -20.0, 10.0])
@pytest.mark.parametrize("samples", [2, 100, 8_819, 8_820, 44_100])
def test_a_gain_adds_as_many_decibels(samples: int, gain_db: float):
    x = NOISE[:samples]

    assert loudness(x * 10 ** (gain_db / 20), RATE) == pytest.approx(loudness(x, RATE) + gain_db, abs=1e-6)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.399])
def test_a_short_sound_is_as_loud_as_more_of_it(seconds: float):
    tone = np.sin(np.arange(RATE) * 0.3)

    assert loudness(tone[: round(seconds * RATE)], RATE) == pytest.approx(loudness(tone, RATE), abs=0.3)


@pytest.mark.parametrize("samples", [1, 50, RATE])
def test_silence_has_none(samples: int):
    assert loudness(np.zeros(samples), RATE) == -np.inf


@pytest.mark.parametrize("target", [-60.0, -23.0, -14.0])
def test_the_loudness_wanted_is_reached(target: float):
    levelled = match_loudness(NOISE, RATE, target)

    assert loudness(levelled.samples, RATE) == pytest.approx(target, abs=1e-4)
    assert not levelled.limited


@pytest.mark.parametrize("target", [0.0, 50.0])
def test_it_is_never_clipped_and_says_so(target: float):
    levelled = match_loudness(NOISE, RATE, target)

    assert np.abs(levelled.samples).max() == pytest.approx(10 ** (-1 / 20))
    assert levelled.limited


def test_the_gain_is_what_was_applied():
    levelled = match_loudness(NOISE, RATE, -40.0)

    np.testing.assert_allclose(levelled.samples, NOISE * 10 ** (levelled.gain_db / 20), rtol=1e-6)


def test_silence_stays_silence():
    levelled = match_loudness(np.zeros(RATE), RATE, -20.0)

    assert (levelled.samples == 0).all()
    assert (levelled.gain_db, levelled.limited) == (0.0, False)


def test_towards_silence_only_the_peak_is_lowered():
    assert match_loudness(NOISE, RATE, -np.inf).gain_db == 0
    assert np.abs(match_loudness(100 * NOISE, RATE, -np.inf).samples).max() == pytest.approx(10 ** (-1 / 20))
