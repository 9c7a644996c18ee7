"""What a Sound in memory is known to be."""

from pathlib import Path

import numpy as np
import pytest

from patchflow.audio import Sound, from_array
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


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int32"])
@pytest.mark.parametrize("channels", [None, 1, 2])
def test_an_array_is_a_sound_whatever_its_type(dtype, channels):
    wave = 0.5 * np.sin(np.arange(4_000) * 0.1)
    scale = 1 if dtype.startswith("float") else -float(np.iinfo(dtype).min)
    array = (wave * scale).astype(dtype)
    array = array if channels is None else np.tile(array[:, None], channels)

    sound = from_array(array, 8_000)

    assert (sound.rate, sound.channels, sound.mix) == (8_000, channels or 1, "mean")
    np.testing.assert_allclose(sound.samples, wave, atol=1e-4)


def test_the_silence_of_8_bits_without_sign_is_in_their_middle():
    sound = from_array(np.tile(np.array([128, 255, 128, 0], np.uint8), 200), 8_000)

    assert sound.samples[:4].tolist() == [0, 127 / 128, 0, -1]


def test_of_channels_that_cancel_the_louder_is_taken():
    wave = np.sin(np.arange(4_000) * 0.1)

    sound = from_array(np.stack([-0.5 * wave, 0.51 * wave], 1), 8_000)

    assert sound.mix == "2"
    np.testing.assert_allclose(sound.samples, 0.51 * wave, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((2, 4_000)), r"samples of shape 2x4000: not 1 to 32 channels\. Give \(T, C\), such as samples\.T"),
        (np.ones((400, 2, 2)), r"samples of shape 400x2x2: neither \(T,\) nor \(T, C\)"),
        (np.array(1.0), r"samples of shape \(\): neither"),
        (np.ones((400, 0)), "samples of shape 400x0: not 1 to 32 channels"),
        (np.ones(400, np.int64), "samples of type int64"),
        (np.ones(400, complex), "samples of type complex128"),
        (np.zeros(400), "is silent"),
        (np.array([]), r"lasts 0 ms \(0 samples\)"),
        (np.append(np.ones(400), np.nan), "holds nan"),
    ],
)
def test_an_array_that_is_no_sound_says_why(array, message):
    with pytest.raises(AudioError, match=message):
        from_array(array, 8_000)
