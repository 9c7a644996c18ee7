"""Silence cut at both ends."""

import numpy as np
import pytest

from patchflow.audio import Sound, trim
from patchflow.audio.sound import trim_noise, without_offset

TONE = np.sin(np.arange(1, 801) * 0.3).astype(np.float32)


def padded(before: int, after: int, noise: float = 0.0) -> Sound:
    return Sound(np.pad(TONE, (before, after), constant_values=noise), 8_000, start=1.0)


def test_the_sound_is_kept_and_its_place_known():
    cut = trim(padded(400, 100))

    np.testing.assert_array_equal(cut.samples, TONE)
    assert cut.start == 1.0 + 400 / 8_000


@pytest.mark.parametrize(("noise_db", "kept"), [(-49, 1_300), (-51, 800)])
def test_the_threshold_is_relative_to_the_peak(noise_db: float, kept: int):
    peak = float(np.abs(TONE).max())

    assert len(trim(padded(400, 100, peak * 10 ** (noise_db / 20))).samples) == kept


def test_another_threshold_cuts_more():
    assert len(trim(padded(400, 100, 0.02), -30.0).samples) == 800


def test_gain_does_not_matter():
    quiet = padded(400, 100, 0.001)
    loud = Sound(1_000 * quiet.samples, 8_000)

    assert len(trim(loud).samples) == len(trim(quiet).samples)


@pytest.mark.parametrize("at", [0, 500, 999])
def test_a_click_keeps_ten_milliseconds(at: int):
    samples = np.zeros(1_000, np.float32)
    samples[at] = 1.0

    assert len(trim(Sound(samples, 8_000)).samples) == 80


def test_trimming_again_changes_nothing():
    once = trim(padded(400, 100))

    assert trim(once).start == once.start


def test_a_threshold_above_the_peak_is_refused():
    with pytest.raises(ValueError, match=r"threshold_db=1\.0: not below 0"):
        trim(padded(1, 1), 1.0)


# noise and offsets

RATE = 22_050
NOTE = (0.5 * np.sin(np.arange(RATE) * 0.1 + 0.5) * np.exp(-np.arange(RATE) / 3_000)).astype(np.float32)


def recorded(seconds: float, fault: str, db: float = -50.0) -> Sound:
    """A note after so many seconds, and half a second before the end, with what a recorder adds."""
    samples = np.pad(NOTE, (round(seconds * RATE), RATE // 2)).astype(np.float64)
    t = np.arange(len(samples)) / RATE
    level = 10 ** (db / 20)
    if fault == "hiss":
        samples += level * np.random.default_rng(0).standard_normal(len(samples))
    elif fault == "hum":
        samples += level * (np.sin(100 * np.pi * t) + 0.5 * np.sin(300 * np.pi * t))
    elif fault == "offset":
        samples += level
    elif fault == "click":
        samples += level * np.random.default_rng(0).standard_normal(len(samples))
        samples[round(seconds * RATE / 2) : round(seconds * RATE / 2) + 40] += 0.05
    return Sound(samples.astype(np.float32), RATE)


@pytest.mark.parametrize(
    ("fault", "db"),
    [("hiss", -60.0), ("hiss", -50.0), ("hiss", -40.0), ("hum", -40.0), ("hum", -50.0), ("click", -50.0)],
)
@pytest.mark.parametrize("seconds", [0.1, 0.5, 3.0])
def test_noise_before_a_sound_is_no_part_of_it(fault: str, db: float, seconds: float):
    if fault == "click" and seconds < 0.5:
        seconds = 0.3
    sound = recorded(seconds, fault, db)

    cut = trim_noise(sound)

    assert trim(sound).start < 0.1
    assert cut.start == pytest.approx(seconds, abs=0.002)
    assert seconds + 0.2 < cut.start + cut.seconds < seconds + 1.0
    assert len(cut.notes) == 1
    assert "the sound are noise, and left out" in cut.notes[0]


def test_what_was_left_out_is_said():
    cut = trim_noise(recorded(0.5, "hiss"))

    before = f"{cut.start:.2f} s before"
    after = f"{recorded(0.5, 'hiss').seconds - cut.start - cut.seconds:.2f} s after"
    said = f"{before} and {after} the sound are noise, and left out; what rises no higher is taken out of the sound too"
    assert cut.notes == (said,)


def test_hiss_after_a_sound_is_no_part_of_it():
    sound = recorded(0.0, "hiss", -50.0)

    cut = trim_noise(sound)

    assert cut.start == trim(sound).start
    assert 0.2 < cut.seconds < 1.0


@pytest.mark.parametrize("kind", ["swell", "slow decay", "pluck and drone", "soft then loud", "steady", "breath"])
def test_a_sound_without_noise_stays_as_it_is(kind: str):
    t = np.arange(2 * RATE) / RATE
    tone = np.sin(2 * np.pi * 220 * t)
    level = {
        "swell": t / 2,
        "slow decay": np.exp(-0.6 * t),
        "pluck and drone": np.exp(-30 * t) + 0.01,
        "soft then loud": np.where(t < 0.5, 0.15, 1.0),
        "steady": np.ones_like(t),
        "breath": np.where(t < 0.12, 0.06 * (1 + 0.5 * np.sin(40 * t)), 1.0),
    }[kind]
    sound = Sound((0.5 * tone * level).astype(np.float32), RATE)

    np.testing.assert_array_equal(trim_noise(sound).samples, trim(sound).samples)
    assert trim_noise(sound).notes == ()


@pytest.mark.parametrize("offset", [0.01, -0.05, 0.5])
def test_a_constant_offset_is_removed(offset: float):
    clean = recorded(0.5, "none")
    sound = Sound(clean.samples + np.float32(offset), RATE)

    mended = without_offset(sound)

    np.testing.assert_allclose(mended.samples, clean.samples, atol=1e-4)
    assert mended.notes == (f"a constant offset of {offset:.2g} is removed",)
    assert trim(mended).start == pytest.approx(trim(clean).start, abs=0.001)


def test_the_offset_of_a_steady_sound_is_removed():
    tone = 0.3 * np.sin(np.arange(2 * RATE) * 0.1)

    mended = without_offset(Sound((tone + 0.05).astype(np.float32), RATE))

    np.testing.assert_allclose(mended.samples, tone, atol=1e-3)


@pytest.mark.parametrize("kind", ["C0", "kick", "noise", "small offset", "pulse"])
def test_a_sound_without_an_offset_is_the_very_same(kind: str):
    t = np.arange(2 * RATE) / RATE
    samples = {
        "C0": np.sin(2 * np.pi * 16.35 * t + 1),
        "kick": np.sin(30 * (1 - np.exp(-20 * t)) + 2 * np.pi * 45 * t) * np.exp(-12 * t) + 0.1 * np.exp(-9 * t),
        "noise": np.random.default_rng(0).uniform(-1, 1, len(t)),
        "small offset": np.sin(2 * np.pi * 220 * t) * np.exp(-3 * t) + 0.002,
        "pulse": np.where(np.sin(2 * np.pi * 110 * t) > 0.9, 1.0, -0.2) * np.exp(-5 * t),
    }[kind]
    sound = Sound((0.5 * samples).astype(np.float32), RATE)

    assert without_offset(sound) is sound
