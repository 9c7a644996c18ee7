"""Fingerprints: the level does not matter, nearness is kept, and the number of threads changes nothing."""

import numpy as np
import pytest
import torch

from patchflow.features.mel import STEPS_PER_DB, fingerprint, mel_spectrogram, power_to_db

RATE = 16_000


def sound(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(RATE) / RATE
    partials = [np.sin(2 * np.pi * rng.uniform(100, 4000) * t) * np.exp(-t * rng.uniform(1, 9)) for _ in range(4)]
    return (0.2 * sum(partials) + rng.normal(0, 1e-3, RATE)).astype(np.float32)


def test_gain_does_not_matter():
    np.testing.assert_array_equal(fingerprint(sound(0), RATE), fingerprint(sound(0) * np.float32(0.25), RATE))


def test_silence_is_all_floor():
    assert not fingerprint(np.zeros(RATE, np.float32), RATE).any()


@pytest.mark.parametrize("samples", [160, 700, RATE])
def test_a_short_sound_has_one_too(samples: int):
    assert fingerprint(sound(0)[:samples], RATE).max() > 0


def test_two_are_about_no_further_apart_than_the_spectrograms():
    sounds = np.stack([sound(seed) for seed in range(8)]).astype(np.float64)
    mels = power_to_db(mel_spectrogram(torch.from_numpy(sounds), RATE, n_fft=1472, hop=736, bands=80)).numpy()
    prints = np.stack([fingerprint(one, RATE) for one in sounds]).astype(float) / STEPS_PER_DB

    for i in range(8):
        for j in range(i):
            assert abs(prints[i] - prints[j]).mean() <= 1.02 * abs(mels[i] - mels[j]).mean() + 0.5 / STEPS_PER_DB


def test_the_number_of_threads_changes_nothing():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = fingerprint(sound(1), RATE)
        torch.set_num_threads(2)
        np.testing.assert_array_equal(one, fingerprint(sound(1), RATE))
    finally:
        torch.set_num_threads(threads)
