"""The release of a note, found in its envelope."""

import numpy as np
import pytest

from patchflow.audio import note_off, trim
from patchflow.audio.sound import Sound
from patchflow.engines import Note, engines

RATE = 22_050


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
