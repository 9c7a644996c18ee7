"""Loudness and matching it; and the release of a note, found in its envelope."""

import numpy as np
import pyloudnorm
import pytest

from patchflow.audio import loudness, match_loudness, note_off, trim
from patchflow.audio.sound import Sound
from patchflow.engines import Note, engines

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


def note(hold: float, decay: float = np.inf, release: float = 0.05, length: float = 2.0) -> np.ndarray:
    t = np.arange(round(length * RATE)) / RATE
    return np.sin(2 * np.pi * 220 * t) * np.exp(-t / decay - np.maximum(t - hold, 0) / release)


@pytest.mark.parametrize(("hold", "release"), [(0.1, 0.005), (0.1, 0.05), (0.3, 0.1), (0.77, 0.2), (1.5, 0.05)])
@pytest.mark.parametrize("decay", [np.inf, 1.0])
def test_a_release_is_found(hold: float, release: float, decay: float):
    found = note_off(note(hold, decay, release), RATE)

    assert found == pytest.approx(hold, abs=0.04)


def test_a_release_slower_than_the_sound_is_long_is_found():
    found = note_off(note(1.0, release=1.0, length=2.0), RATE)

    assert found == pytest.approx(1.0, abs=0.06)


def test_a_release_that_only_darkens_the_sound_is_found():
    t = np.arange(2 * RATE) / RATE
    bright = sum(np.sin(2 * np.pi * 220 * k * t) for k in range(3, 9))
    x = np.sin(2 * np.pi * 220 * t) * np.exp(-np.maximum(t - 1.2, 0) / 2) + 0.1 * bright * (t < 1.2)

    assert note_off(x, RATE) == pytest.approx(1.2, abs=0.06)


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_the_sample_rate_does_not_matter(rate: int):
    t = np.arange(rate) / rate
    x = np.sin(2_000 * t) * np.exp(-np.maximum(t - 0.6, 0) / 0.05)

    assert note_off(x, rate) == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("gain", [1e-4, 1e3])
def test_gain_does_not_matter(gain: float):
    assert note_off(gain * note(0.7), RATE) == pytest.approx(note_off(note(0.7), RATE))


@pytest.mark.parametrize("decay", [0.1, 0.5, np.inf])
def test_what_dies_at_one_pace_was_held_to_its_end(decay: float):
    x = note(9.0, decay)

    assert note_off(x, RATE) == len(x) / RATE


def test_tremolo_is_no_release():
    x = note(9.0) * (0.8 + 0.2 * np.sin(np.arange(2 * RATE) * 2 * np.pi * 5 / RATE))

    assert note_off(x, RATE) == 2.0


def test_a_dip_that_comes_back_is_no_release():
    x = note(1.5)
    x[RATE // 2 : RATE] *= 0.05

    assert note_off(x, RATE) == pytest.approx(1.5, abs=0.04)


@pytest.mark.parametrize("samples", [1, 10, 2_000])
def test_a_sound_too_short_to_tell_was_held_to_its_end(samples: int):
    assert note_off(np.ones(samples), RATE) == samples / RATE


@pytest.mark.parametrize("hold", [0.4, 1.0, 1.6])
def test_the_release_of_a_synth_is_found(hold: float):
    tone = engines["tone"]()
    x = tone.render(
        tone.space.encode({**tone.space.decode(tone.space.default()), "decay": 4.0}), Note(hold=hold, length=2.0), RATE
    )

    assert note_off(trim(Sound(x, RATE)).samples, RATE) == pytest.approx(hold, abs=0.03)
