"""Spectra on a logarithmic scale: where tones fall, and that fine spectra tell cents at every pitch."""

import importlib
import math
from typing import Any

import pytest
import torch
from scipy.ndimage import convolve1d
from torch import Tensor

from patchflow.features.log_spectrum import PARTIALS, best_shift, compressed, fine_spectrum, halved, log_bands

RATE = 22_050


def tone(pitch: float, cents: float = 0.0) -> Tensor:
    """A second of a tone with overtones that grow softer, shape (1, T)."""
    t = torch.arange(RATE, dtype=torch.float64) / RATE
    f = 440 * 2 ** ((pitch - 69) / 12 + cents / 1200)
    partials = [torch.sin(2 * math.pi * k * f * t) / k for k in range(1, 30) if k * f < RATE / 2]
    return (0.2 * torch.stack(partials).sum(0))[None].float()


@pytest.mark.parametrize("place", [3, 20, 60, 89])
def test_a_tone_falls_into_the_band_around_it(place: int):
    centre = 55.0 * 2 ** ((place + 1) / 12)  # the first band is centred a step above its lower edge
    t = torch.arange(RATE) / RATE
    x = torch.sin(2 * math.pi * centre * t)[None]

    bands = log_bands(x, RATE, n_fft=4096, hop=1024, low=55.0, high=11_000.0, cents=100.0)

    assert bands.mean(2).argmax().item() == place


def test_every_band_hears_something():
    noise = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))

    bands = log_bands(noise, RATE, n_fft=4096, hop=1024, low=40.0, high=10_000.0, cents=50.0)

    assert bands.shape == (1, 190, 23)
    assert (bands.mean(2) > 0).all()


def test_loudness_is_the_cube_root_of_the_magnitude():
    power = torch.tensor([[[4.0, 4.0 / 8**2, 0.0]]])

    torch.testing.assert_close(compressed(power), torch.tensor([[[1.0, 0.5, 0.0]]]))


def test_silence_has_no_loudness():
    assert compressed(torch.zeros(1, 2, 3)).eq(0).all()


@pytest.mark.parametrize("pitch", [24, 36, 48, 60, 72, 84])
@pytest.mark.parametrize("cents", [-100, -33, 0, 4, 30, 50, 100, 700])
def test_the_shift_is_how_far_a_sound_is_out_of_tune(pitch: int, cents: int):
    shift = best_shift(fine_spectrum(tone(pitch, cents), RATE), fine_spectrum(tone(pitch), RATE))

    assert shift.cents.item() == pytest.approx(cents, abs=2)
    assert shift.agreement.item() > 0.8


@pytest.mark.parametrize("pitch", [24, 36, 48, 60, 72, 84])
def test_the_gain_grows_with_every_step_out_of_tune(pitch: int):
    target = fine_spectrum(tone(pitch), RATE)
    sounds = torch.cat([tone(pitch, cents) for cents in (0, 10, 20, 30, 50, 100)])

    gain = best_shift(fine_spectrum(sounds, RATE), target).gain

    assert gain[0].item() == pytest.approx(0, abs=1e-5)
    assert (gain.diff() > 0.02).all()


def test_a_brighter_sound_in_tune_gains_nothing():
    soft = tone(48)
    bright = torch.nn.functional.pad(soft.diff(dim=1), (0, 1))

    shift = best_shift(fine_spectrum(bright, RATE), fine_spectrum(soft, RATE))

    assert shift.gain.item() == pytest.approx(0, abs=0.02)
    assert abs(shift.cents.item()) <= 2


def test_silence_gains_nothing():
    shift = best_shift(fine_spectrum(torch.zeros(1, RATE), RATE), fine_spectrum(tone(60), RATE))

    assert shift.gain.item() == 0
    assert shift.agreement.item() == 0


def test_two_noises_have_no_partials_in_common():
    noise = torch.randn(2, 3 * RATE, generator=torch.Generator().manual_seed(0))
    fine = fine_spectrum(noise, RATE)

    assert best_shift(fine[:1], fine[1:]).agreement.item() < PARTIALS


def test_a_wider_look_finds_two_octaves_and_changes_nothing_nearer():
    low = fine_spectrum(tone(48), RATE)
    sounds = fine_spectrum(torch.cat([tone(48, cents) for cents in (-2400, -1200, 0, 40, 1200, 2400)]), RATE)

    wide = best_shift(sounds, low, most=2_500)

    assert wide.cents.tolist() == pytest.approx([-2400, -1200, 0, 40, 1200, 2400], abs=3)
    assert wide.cents[1:5].tolist() == best_shift(sounds, low).cents[1:5].tolist()


@pytest.mark.parametrize("octave", [-1200, 1200])
def test_an_octave_is_heard(octave: int):
    shift = best_shift(fine_spectrum(tone(48, octave), RATE), fine_spectrum(tone(48), RATE))

    assert shift.cents.item() == pytest.approx(octave, abs=2)
    assert shift.gain.item() > 0.1


def test_the_end_counts_as_the_beginning_does():
    # All of the sound is in the last samples, beyond the middle of the last whole step.
    x = torch.zeros(1, 6_100)
    x[0, -200:] = torch.randn(200, generator=torch.Generator().manual_seed(0))
    options = {"n_fft": 4096, "hop": 2048, "low": 40.0, "high": 10_000.0, "cents": 50.0}

    at_the_end = log_bands(x, RATE, **options)
    at_the_beginning = log_bands(x.flip(1), RATE, **options)

    assert at_the_end.amax().item() > 0.3 * at_the_beginning.amax().item()


@pytest.mark.parametrize("samples", [1, 2, 63, 64, 65, 4_410, 4_411])
def test_halved_is_every_other_sample_of_the_filtered_sound(samples: int):
    x = torch.randn(2, samples, generator=torch.Generator().manual_seed(samples), dtype=torch.float64)
    firwin: Any = importlib.import_module("scipy.signal").firwin  # its types are wrong
    filtered = convolve1d(x.numpy(), firwin(47, 0.5, window=("kaiser", 5.0)), mode="constant")

    torch.testing.assert_close(halved(x), torch.from_numpy(filtered[:, ::2]), rtol=0, atol=2e-3)


@pytest.mark.parametrize(("hz", "least", "most"), [(50, 0.999, 1.001), (4_900, 0.95, 1.01), (6_700, 0.0, 0.001)])
def test_halved_keeps_what_lies_below_5000_hz_and_nothing_folds_down(hz: int, least: float, most: float):
    x = torch.sin(2 * math.pi * hz * torch.arange(RATE) / RATE)[None]

    level = halved(x)[:, 100:-100].square().mean().mul(2).sqrt().item()

    assert least <= level <= most
