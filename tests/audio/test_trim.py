"""Silence cut at both ends."""

import numpy as np
import pytest

from patchflow.audio import Sound, trim

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
