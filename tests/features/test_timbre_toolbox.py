"""The features are what the Timbre Toolbox defines, on sounds of which they are known."""

import numpy as np
import pytest

from patchflow.features.timbre_toolbox import TOOLBOX, on_log_scale, toolbox_features

RATE = 22_050
TIME = np.arange(2 * RATE) / RATE


def features(sound: np.ndarray) -> dict[str, float]:
    return dict(zip(TOOLBOX, toolbox_features(sound, RATE).tolist(), strict=True))


def partials(hz: float, *amplitudes: float) -> np.ndarray:
    waves = [amplitude * np.sin(2 * np.pi * hz * n * TIME) for n, amplitude in enumerate(amplitudes, 1)]
    return np.sum(waves, 0)


def test_there_are_46():
    assert len(set(TOOLBOX)) == 46


def test_partials_are_found_with_their_powers():
    found = features(partials(200, 1.0, 0.5, 0.0, 0.25))

    powers = np.zeros(20)
    powers[[0, 1, 3]] = 1, 0.25, 0.0625
    smooth = np.array([powers[0], *np.convolve(powers, np.ones(3) / 3, "valid"), powers[-2:].mean()])
    squares = powers**2
    assert found["F0_med"] == pytest.approx(200, abs=0.7)
    assert found["HarmErg_med"] == pytest.approx(squares.sum(), rel=0.02)
    assert found["HarmDev_med"] == pytest.approx(np.abs(powers - smooth).sum() / 20, rel=0.05)
    assert found["OddEvenRatio_med"] == pytest.approx(squares[::2].sum() / squares[1::2].sum(), rel=0.05)
    assert found["InHarm_med"] < 0.01


def test_spectral_moments_are_those_of_the_powers():
    found = features(partials(1000, 1.0, 0.0, 0.5))

    share = np.array([1, 0.25]) / 1.25
    centre = 1000 * share[0] + 3000 * share[1]
    spread = np.sqrt((np.array([1000 - centre, 3000 - centre]) ** 2 * share).sum())
    assert found["SpecCent_med"] == pytest.approx(centre, rel=0.01)
    assert found["SpecSpread_med"] == pytest.approx(spread, rel=0.02)
    assert found["SpecSkew_med"] == pytest.approx(
        ((1000 - centre) ** 3 * 0.8 + (3000 - centre) ** 3 * 0.2) / spread**3, rel=0.05
    )
    assert found["SpecRollOff_med"] == pytest.approx(3000, abs=60)
    assert found["SpecVar_med"] < 1e-3


def test_a_gain_changes_energies_and_nothing_else():
    sound = partials(250, 1.0, 0.4, 0.2) * np.exp(-2 * TIME)
    loud = features(sound)
    soft = features(0.5 * sound)

    powers = {"FrameErg": 2, "HarmErg": 4, "HarmDev": 2, "RMSEnv": 1}
    for name in TOOLBOX:
        if name in ("NoiseErg_med", "NoiseErg_IQR", "OddEvenRatio_IQR"):
            continue  # a power minus the square of one, as the toolbox has it; and what is next to nothing
        gain = 0.5 ** powers.get(name.partition("_")[0], 0)
        assert soft[name] == pytest.approx(gain * loud[name], rel=1e-3, abs=1e-6), name


def test_a_decay_has_its_slope_and_a_swell_its_attack():
    decay = features(partials(300, 1.0) * np.exp(-3 * TIME))
    swell = features(partials(300, 1.0) * np.minimum(TIME / 0.8, 1))

    assert decay["DecSlope"] == pytest.approx(-3, abs=0.5)  # the envelope is smoothed, and falls at its end
    assert decay["Rel"] < 0.6  # the level is below 0.4 of its peak from 0.31 s on, and the filter takes some time
    assert 10 ** swell["LAT"] == pytest.approx(0.72, abs=0.1)  # a tenth to the end of a ramp of 0.8 s
    assert swell["EffDur"] == pytest.approx(2 - 0.32, abs=0.1)
    assert swell["AttSlope"] == pytest.approx(1 / 0.8, rel=0.1)


def test_tremolo_is_found_with_its_rate():
    found = features(partials(300, 1.0) * (1 + 0.3 * np.sin(2 * np.pi * 4 * TIME)))

    assert found["FreqMod"] == pytest.approx(4, abs=0.2)
    assert found["AmpMod"] == pytest.approx(0.3 / np.sqrt(1 + (4 / 5) ** 6), rel=0.1)  # by the envelope's filter


def test_noise_has_no_pitch_and_a_flat_spectrum():
    noise = features(np.random.default_rng(0).standard_normal(2 * RATE))
    tone = features(partials(300, 1.0))

    assert noise["F0_med"] == noise["HarmErg_med"] == 0
    assert noise["SpecFlat_med"] > 0.4 > 0.01 > tone["SpecFlat_med"]


def test_silence_has_no_features():
    assert np.isnan(toolbox_features(np.zeros(RATE), RATE)).all()


def test_frequencies_and_energies_are_on_a_log_scale():
    row = np.arange(1.0, 47.0)
    scaled = on_log_scale(row, np.full(46, 0.5))

    by_name = dict(zip(TOOLBOX, zip(row, scaled, strict=True), strict=True))
    for name, floor in (("F0_med", 1.0), ("OddEvenRatio_IQR", 1.0), ("HarmErg_med", 0.5), ("AmpMod", 0.5)):
        assert by_name[name][1] == pytest.approx(np.log(by_name[name][0] + floor))
    for name in ("SpecCrest_med", "SpecSkew_IQR", "Att", "LAT", "DecSlope"):
        assert by_name[name][1] == by_name[name][0]
