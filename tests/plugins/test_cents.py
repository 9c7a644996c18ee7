"""Which parameters transpose, measured with sounds that are known: values that make no sound stop nothing."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch

from patchflow.engines import Control, Note
from patchflow.plugins.cents import Spectra, with_cents
from patchflow.plugins.kinds import ParameterKind
from patchflow.plugins.trial import NOTE, TRIAL_RATE, Trial

THIRDS = tuple(place / 6 for place in range(7))
SWITCH = Control(0, "key", "steps", 0.0, options=tuple("abcdefg"), values=THIRDS)
KNOB = Control(0, "bend", "knob", 0.0)


class Tones(Trial):
    """Plays a tone with partials, as many cents above its key as the value says, and nothing where it says None."""

    def __init__(self, height: Callable[[float], float | None]):
        self.height = height

    def tried(self, values: Mapping[int, float], note: Note = NOTE) -> np.ndarray:
        time = np.arange(note.samples(TRIAL_RATE)) / TRIAL_RATE
        cents = self.height(values.get(0, 0.0))
        if cents is None:
            return np.zeros_like(time)
        hz = 440 * 2 ** ((note.pitch - 69) / 12 + cents / 1200)
        partials = [np.sin(2 * np.pi * k * hz * time) / k for k in range(1, 7) if k * hz < TRIAL_RATE / 2]
        return np.sum(partials, 0).astype(np.float32)


def measured(control: Control, height: Callable[[float], float | None]) -> tuple[float, ...]:
    """The cents that are found."""
    kind = ParameterKind(control.kind, control.options, control.values)
    (found,) = with_cents(Spectra(Tones(height)), [control], [kind], lambda progress: None)
    return found.cents


@pytest.mark.parametrize("silent", [None, 2, 3])
def test_a_switch_is_measured_beyond_a_value_that_is_silent(silent: int | None):
    def height(value: float) -> float | None:
        place = round(6 * value)
        return None if place == silent else 400.0 * place

    assert measured(SWITCH, height) == (0, 400, 800, 1200, 1600, 2000, 2400)


@pytest.mark.parametrize("silent", [None, 1 / 16, 3 / 16])
def test_a_falling_knob_is_measured_beyond_a_value_that_is_silent(silent: float | None):
    assert measured(KNOB, lambda value: None if value == silent else -2400 * value) == (0, -2400)


def test_moves_that_change_nothing_are_played_together_and_found_to_be_what_they_are():
    played: list[Mapping[int, float]] = []

    class Counted(Tones):
        def tried(self, values: Mapping[int, float], note: Note = NOTE) -> np.ndarray:
            played.append(values)
            return super().tried({0: values.get(30, 0.0)}, note)

    moves = [(index, 0.2) for index in range(64)]
    spectra = Spectra(Counted(lambda value: 1200 * value))

    spectra.play_moves({}, moves, lambda done: None)

    assert len(played) < len(moves) / 3
    known = len(played)
    fresh = spectra.of({})
    assert fresh is not None
    differ = []
    for index, value in moves:
        moved = spectra.of({index: value})
        assert moved is not None
        if not torch.equal(moved, fresh):
            differ.append(index)
    assert differ == [30]
    assert len(played) == known


def test_a_knob_that_transposes_nothing_has_no_cents():
    assert measured(KNOB, lambda value: 0.0) == ()
