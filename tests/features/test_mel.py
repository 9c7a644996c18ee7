"""Mel spectrograms against librosa's."""

from typing import Any

import librosa
import numpy as np
import pytest
import torch

from patchflow.features.mel import mel_filters, mel_spectrogram, power_to_db

SOUND = np.random.default_rng(0).standard_normal(30_000).astype(np.float32) * np.geomspace(
    1, 1e-3, 30_000, dtype=np.float32
)
SETTINGS = [
    (22_050, 1024, 512, 80),
    (44_100, 441, 220, 32),
    (44_100, 1102, 441, 64),
    (44_100, 2205, 882, 64),
    (44_100, 4410, 2205, 128),
    (8_000, 512, 100, 40),
    (48_000, 2048, 1, 16),
]


def reference(x: np.ndarray, rate: int, n_fft: int, hop: int, bands: int, **settings: Any) -> np.ndarray:
    return librosa.feature.melspectrogram(y=x, sr=rate, n_fft=n_fft, hop_length=hop, n_mels=bands, **settings)


@pytest.mark.parametrize(("rate", "n_fft", "hop", "bands"), SETTINGS)
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_it_is_librosas(rate: int, n_fft: int, hop: int, bands: int, power: float):
    x = SOUND if hop > 1 else SOUND[:3_000]
    top = min(11_000, rate / 2)

    ours = mel_spectrogram(torch.from_numpy(x)[None], rate, n_fft=n_fft, hop=hop, bands=bands, power=power)

    theirs = reference(x, rate, n_fft, hop, bands, fmin=30, fmax=top, power=power)
    np.testing.assert_allclose(ours[0].numpy(), theirs, rtol=1e-4, atol=1e-6 * theirs.max())


@pytest.mark.parametrize("samples", [1, 2, 440, 441, 882, 883])
@pytest.mark.parametrize(("n_fft", "hop"), [(441, 220), (1024, 512), (4410, 2205), (441, 441)])
@pytest.mark.filterwarnings("ignore:n_fft=")  # librosa finds them short
def test_short_sounds_have_librosas_frames(samples: int, n_fft: int, hop: int):
    x = SOUND[:samples]

    with torch.no_grad():
        ours = mel_spectrogram(torch.from_numpy(x)[None], 44_100, n_fft=n_fft, hop=hop, bands=16)[0].numpy()

    theirs = reference(np.pad(x, (0, 9))[:samples], 44_100, n_fft, hop, 16, fmin=30, fmax=11_000)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6 * theirs.max())


@pytest.mark.parametrize(
    ("rate", "n_fft", "bands", "low", "high"), [(22_050, 1024, 80, 30, 11_000), (8_000, 256, 20, 0, 4_000)]
)
def test_filters_are_librosas(rate: int, n_fft: int, bands: int, low: float, high: float):
    theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands, fmin=low, fmax=high)

    np.testing.assert_allclose(mel_filters(rate, n_fft, bands, low, high), theirs, rtol=1e-5, atol=1e-9)


def test_levels_are_librosas():
    power = np.random.default_rng(1).uniform(0, 1, (3, 20, 7)).astype(np.float32) ** 20
    theirs = np.stack([librosa.power_to_db(p, ref=np.max, top_db=60) for p in power])

    np.testing.assert_allclose(power_to_db(torch.from_numpy(power), 60).numpy(), theirs, atol=1e-3)


def test_silence_is_at_the_floor():
    assert (power_to_db(torch.zeros(2, 3, 4), 70) == -70).all()


@pytest.mark.parametrize("gain", [1e-6, 1.0, 1e6])
def test_gain_does_not_change_levels(gain: float):
    power = torch.rand(2, 5, 6, generator=torch.Generator().manual_seed(0)) ** 20

    torch.testing.assert_close(power_to_db(gain * power), power_to_db(power), rtol=1e-4, atol=1e-4)


def test_levels_fade_to_the_floor_below_the_least_power():
    peaks = torch.tensor([1e-9, 1e-10, 1e-11, 1e-20])[:, None]

    torch.testing.assert_close(power_to_db(peaks)[:, 0], torch.tensor([0.0, 0.0, -10.0, -80.0]))
