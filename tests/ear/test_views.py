"""Every change leaves a sound a sound, and is the same for the same generator."""

import numpy as np
import pytest

from patchflow.ear.network import RATE
from patchflow.ear.views import CHANGES, SAME_NOTE, changed, other_note

each_change = pytest.mark.parametrize("name", CHANGES)


def tone(seconds: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * 440 * time) * np.exp(-3 * time)).astype(np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@each_change
def test_a_change_gives_other_finite_samples(name: str):
    changed = CHANGES[name](tone(), rng())

    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert changed.shape != tone().shape or np.abs(changed - tone()).max() > 1e-4


@each_change
def test_the_same_generator_makes_the_same_change(name: str):
    np.testing.assert_array_equal(CHANGES[name](tone(), rng(3)), CHANGES[name](tone(), rng(3)))


@each_change
@pytest.mark.parametrize("samples", [1, 2, 50, RATE])
def test_any_length_can_be_changed(name: str, samples: int):
    assert np.isfinite(CHANGES[name](np.ones(samples, np.float32), rng())).all()


@each_change
def test_silence_stays_finite(name: str):
    assert np.isfinite(CHANGES[name](np.zeros(1000, np.float32), rng())).all()


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_6_to_45_db_below_the_loudest(seed: int):
    sound = tone()
    added = CHANGES["noise"](sound, rng(seed)) - sound
    loudest = np.sqrt((sound[: RATE // 10].astype(float) ** 2).mean())

    below = 20 * np.log10(loudest / np.sqrt((added.astype(float) ** 2).mean()))

    assert 5.5 < below < 45.5


@pytest.mark.parametrize("seed", range(5))
def test_a_codec_keeps_the_tone(seed: int):
    coded = CHANGES["codec"](tone(), rng(seed))
    spectrum = np.abs(np.fft.rfft(coded, RATE))

    assert spectrum.argmax() == pytest.approx(440, abs=3)


@pytest.mark.parametrize("seed", range(5))
def test_a_room_goes_on_after_the_sound(seed: int):
    dry = np.concatenate([np.ones(1, np.float32), np.zeros(RATE, np.float32)])
    wet = CHANGES["room"](dry, rng(seed)).astype(float)

    assert wet[0] == pytest.approx(1, abs=1e-5)
    assert 0.01 < (wet[1:] ** 2).sum() < 1.01


@pytest.mark.parametrize("seed", range(20))
def test_another_note_is_within_two_octaves(seed: int):
    note = other_note(rng(seed))

    assert 36 <= note.pitch <= 84
    assert note.hold < note.length <= 4
    assert abs(other_note(rng(seed), near=1.0).pitch - 60) <= 12


@pytest.mark.parametrize("seed", range(10))
def test_changes_for_one_note_keep_its_pitch(seed: int):
    sound = changed(tone(), rng(seed), SAME_NOTE)

    assert np.abs(np.fft.rfft(sound, RATE)).argmax() == pytest.approx(440, abs=3)


def test_soft_notes_are_soft_more_often_than_not():
    soft = [other_note(rng(seed), soft=True).velocity for seed in range(200)]
    any_note = [other_note(rng(seed)).velocity for seed in range(200)]

    assert {*soft, *any_note} <= set(range(40, 128))
    assert np.mean(soft) < np.mean(any_note) - 8


def test_a_whole_note_is_the_same_note_with_all_of_its_end():
    cut = [other_note(rng(seed)) for seed in range(20)]
    whole = [other_note(rng(seed), whole=True) for seed in range(20)]

    assert [(note.pitch, note.velocity, note.hold) for note in whole] == [
        (note.pitch, note.velocity, note.hold) for note in cut
    ]
    assert {note.length for note in whole} == {4.0}


def test_all_that_a_recording_does_happens_in_the_order_in_which_it_happens():
    names = ("codec", "noise", "room")
    generator = rng(4)
    generator.choice(names, 3, replace=False)
    expected = tone()
    for name in ("room", "noise", "codec"):
        expected = CHANGES[name](expected, generator)

    np.testing.assert_array_equal(changed(tone(), rng(4), names, count=3), expected)
