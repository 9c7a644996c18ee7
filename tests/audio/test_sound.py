"""What a Sound in memory is known to be."""

from pathlib import Path

import numpy as np
import pytest

from patchflow.audio import Sound
from patchflow.errors import AudioError

TONE = np.sin(np.arange(800) * 0.3).astype(np.float32)


def test_without_a_file_its_length_is_that_of_its_samples():
    sound = Sound(TONE, 8_000)

    assert (sound.length, sound.seconds, sound.name) == (0.1, 0.1, "")


def test_its_name_is_that_of_its_file():
    assert Sound(TONE, 8_000, Path("takes", "hum.wav")).name == "hum.wav"


@pytest.mark.parametrize(
    ("samples", "reason"), [(TONE[:79], "lasts 9.88 ms"), (0 * TONE, "silent"), (TONE[:0], "0 ms")]
)
def test_what_cannot_be_matched_is_refused(samples: np.ndarray, reason: str):
    with pytest.raises(AudioError, match=f"the sound .*{reason}"):
        Sound(samples, 8_000)


def test_a_sample_that_is_not_a_number_is_refused_with_its_place():
    samples = TONE.copy()
    samples[[400, 500]] = np.nan

    with pytest.raises(AudioError, match=r"holds nan at 0\.050 s \(sample 400\)"):
        Sound(samples, 8_000)


def test_several_channels_are_a_callers_bug():
    with pytest.raises(ValueError, match="not mono"):
        Sound(TONE.reshape(2, 400), 8_000)
