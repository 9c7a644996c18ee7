"""Descriptors against librosa's, and against what they are meant to tell."""

import math

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from patchflow.features.descriptors import UNITS, describe

RATE = 22_050
TIME = torch.arange(RATE) / RATE


def tone(hz: float, overtones: int = 1) -> Tensor:
    partials = torch.stack([torch.sin(2 * math.pi * hz * k * TIME) / k for k in range(1, overtones + 1)])
    return 0.3 * partials.sum(0)


def noise() -> Tensor:
    return 0.1 * torch.randn(RATE, generator=torch.Generator().manual_seed(0))


def measured(*sounds: Tensor) -> dict[str, list[float]]:
    return {name: value.tolist() for name, value in describe(torch.stack(sounds), RATE).items()}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("brightness", librosa.feature.spectral_centroid),
        ("bandwidth", librosa.feature.spectral_bandwidth),
        ("rolloff", librosa.feature.spectral_rolloff),
    ],
)
def test_spectral_moments_are_librosas(ours: str, theirs):
    x = (noise() * torch.linspace(1, 0.1, RATE) + tone(300, 8)).numpy()
    magnitude = np.abs(librosa.stft(x, n_fft=2048, hop_length=512))

    frames = theirs(S=magnitude, sr=RATE)[0]

    energy = np.square(magnitude).sum(0)
    assert measured(torch.from_numpy(x))[ours] == pytest.approx(
        [float((frames * energy).sum() / energy.sum())], rel=1e-3
    )


def test_noisiness_is_librosas_flatness():
    x = (noise() + tone(300)).numpy()
    magnitude = np.abs(librosa.stft(x, n_fft=2048, hop_length=512))

    frames = librosa.feature.spectral_flatness(S=magnitude)[0]

    energy = np.square(magnitude).sum(0)
    assert measured(torch.from_numpy(x))["noisiness"] == pytest.approx(
        [float((frames * energy).sum() / energy.sum())], rel=1e-3
    )


@pytest.mark.parametrize("name", ["brightness", "bandwidth", "rolloff"])
def test_more_overtones_are_brighter(name: str):
    dull, bright = measured(tone(200), tone(200, 20))[name]

    assert bright > 1.5 * dull


def test_noise_is_noisy_and_a_tone_is_not():
    tonal, noisy = measured(tone(440, 5), noise())["noisiness"]

    assert tonal < 0.01
    assert noisy > 0.3


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.5])
def test_attack_is_the_time_of_the_rise(seconds: float):
    swell = tone(500) * (TIME / seconds).clamp_max(1)

    assert measured(swell)["attack"] == pytest.approx([0.8 * seconds], abs=0.006)


def test_a_sweep_moves_and_steady_or_dying_sounds_hardly_do():
    sweep = 0.3 * torch.sin(2 * math.pi * (200 * TIME + 1500 * TIME.square()))

    moving, steady, dying, rushing = measured(sweep, tone(300, 9), tone(300, 9) * torch.exp(-3 * TIME), noise())[
        "movement"
    ]

    assert moving > 10 * max(steady, dying)
    assert moving > 1.5 * rushing


def test_twice_the_amplitude_is_six_db_louder_and_nothing_else():
    once, twice = measured(tone(300, 4)), measured(2 * tone(300, 4))

    assert twice["loudness"][0] - once["loudness"][0] == pytest.approx(20 * math.log10(2), abs=1e-3)
    for name in set(UNITS) - {"loudness"}:
        assert twice[name] == pytest.approx(once[name], rel=1e-3)


def test_silence_has_values():
    values = measured(torch.zeros(RATE))

    assert values.pop("loudness") == [-100.0]
    assert all(math.isfinite(value) for (value,) in values.values())


@pytest.mark.parametrize("samples", [1, 100, 3_000])
def test_short_sounds_have_values(samples: int):
    values = describe(tone(400)[None, :samples], RATE)

    assert all(torch.isfinite(value).all() for value in values.values())


def test_one_sound_does_not_change_another():
    together, alone = measured(tone(300), noise()), measured(tone(300))

    assert {name: value[0] for name, value in together.items()} == pytest.approx(
        {name: value[0] for name, value in alone.items()}, rel=1e-4, abs=1e-6
    )
