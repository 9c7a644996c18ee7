"""The Dexed engine where it goes beyond the contract: what a DX7 is known to do."""

import numpy as np
import pytest

from patchflow.engines import Note
from patchflow.engines.dexed import Dexed
from patchflow.presets import Value

RATE = 44_100
ALL_OFF: dict[str, Value] = {f"op{n}.output": 0 for n in range(1, 7)}


NOTE = Note(69, 100, 1.0, 1.0)


def play(note: Note = NOTE, **changes: Value) -> np.ndarray:
    values = {
        **Dexed.space.decode(Dexed.space.default()),
        **{name.replace("_", ".", 1): v for name, v in changes.items()},
    }
    return Dexed().render(Dexed.space.encode(values), note, RATE)


def loudest_hz(sound: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax() * RATE / len(sound))


def test_a_voice_with_all_operators_off_is_silent():
    values = {**Dexed.space.decode(Dexed.space.default()), **ALL_OFF}
    sound = Dexed().render(Dexed.space.encode(values), Note(hold=0.5, length=1.0), RATE)

    assert np.abs(sound).max() < 1e-3


@pytest.mark.parametrize(("pitch", "hz"), [(57, 220), (69, 440), (81, 880)])
def test_middle_a_is_440_hz(pitch: int, hz: float):
    assert loudest_hz(play(Note(pitch, 100, 1.0, 1.0))) == pytest.approx(hz, abs=1.5)


@pytest.mark.parametrize(("coarse", "factor"), [(0, 0.5), (1, 1), (2, 2), (3, 3)])
def test_coarse_multiplies_the_frequency(coarse: int, factor: float):
    assert loudest_hz(play(op1_coarse=coarse)) == pytest.approx(440 * factor, abs=1.5)


def test_fixed_mode_does_not_follow_the_key():
    low, high = (loudest_hz(play(Note(p, 100, 1.0, 1.0), op1_mode="fixed", op1_coarse=2)) for p in (48, 84))

    assert low == high == pytest.approx(100, abs=1.5)


def test_modulation_adds_overtones():
    plain, bright = play(), play(op2_output=80)

    def overtones(sound: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(sound)) ** 2
        return float(spectrum[600:].sum() / spectrum.sum())

    assert overtones(plain) < 0.01
    assert overtones(bright) > 0.1


def test_operators_two_to_six_are_the_ones_named_so():
    # all are carriers in algorithm 32, so each is heard at its own ratio
    ratios: dict[str, Value] = {f"op{n}_coarse": n for n in range(1, 7)}

    found = [
        loudest_hz(play(NOTE, algorithm="32", op1_output=0, **{f"op{n}_output": 99}, **ratios)) for n in range(2, 7)
    ]

    assert found == pytest.approx([440 * n for n in range(2, 7)], abs=1.5)
