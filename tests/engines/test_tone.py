"""The tone engine against the maths it stands for."""

import numpy as np
import pytest

from patchflow.engines import Note
from patchflow.engines.tone import Tone

RATE = 16_000
NOTE = Note(69, 127, hold=1.0, length=1.0)


def play(wave: str = "sine", decay: float = 4.0, gain: float = 0.0, note: Note = NOTE) -> np.ndarray:
    return Tone().render(Tone.space.encode({"wave": wave, "decay": decay, "gain": gain}), note, RATE)


def test_sine_is_a_decaying_sine_at_440_hz():
    t = np.arange(RATE) / RATE

    np.testing.assert_allclose(play(decay=0.5), np.sin(2 * np.pi * 440 * t) * np.exp(-t / 0.5), atol=1e-5)


@pytest.mark.parametrize(("pitch", "hz"), [(57, 220), (69, 440), (81, 880)])
def test_an_octave_doubles_the_frequency(pitch: int, hz: int):
    spectrum = np.abs(np.fft.rfft(play(note=Note(pitch, 127, 1.0, 1.0))))

    assert spectrum.argmax() == hz


def test_gain_is_in_decibels():
    assert np.abs(play(gain=-20.0)).max() == pytest.approx(0.1 * np.abs(play()).max(), rel=1e-5)


def test_saw_has_overtones_and_sine_has_none():
    saw, sine = (np.abs(np.fft.rfft(play(wave) * np.hanning(RATE))) for wave in ("saw", "sine"))

    assert saw[880] == pytest.approx(saw[440] / 2, rel=0.05)
    assert sine[880] < 1e-3 * sine[440]


def test_release_takes_20_milliseconds_for_a_factor_e():
    sound = play("saw", note=Note(69, 127, hold=0.1, length=0.2))
    held = play("saw", note=Note(69, 127, hold=0.2, length=0.2))
    at = round(0.12 * RATE)

    assert sound[at] == pytest.approx(held[at] / np.e, rel=1e-3)
