"""Which parameters transpose while others have certain values, measured with two oscillators that are known."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from patchflow.engines import Control, Note
from patchflow.plugins.cents import Spectra, with_cents
from patchflow.plugins.kinds import ParameterKind
from patchflow.plugins.needs import with_needs
from patchflow.plugins.trial import NOTE, TRIAL_RATE, Trial

MIX = Control(0, "mix", "knob", 0.5)
TUNE = Control(1, "tune", "knob", 0.5)
SYNC = Control(2, "sync", "choice", 0.0, options=("off", "on"), values=(0.0, 1.0))
OCTAVE = Control(3, "octave", "steps", 0.5, options=("low", "middle", "high"), values=(0.0, 0.5, 1.0))
LEVEL = Control(4, "level", "knob", 1.0)
CONTROLS = (MIX, TUNE, SYNC, OCTAVE, LEVEL)
CURVE = (-300.0, 300.0)
OCTAVES = (-1200.0, 0.0, 1200.0)


@cache
def partials(hz: float, samples: int, power: float) -> np.ndarray:
    time = np.arange(samples) / TRIAL_RATE
    return np.sum([np.sin(2 * np.pi * k * hz * time + k) / k**power for k in range(1, 9) if k * hz < 20_000], 0)


class TwoOscillators(Trial):
    """Plays two oscillators, of which the second has an octave and a tuning, unless it is synchronised.

    Args:
        whole: Whether the tuning is that of both.
    """

    def __init__(self, *, whole: bool = False):
        self.whole = whole

    def tried(self, values: Mapping[int, float], note: Note = NOTE) -> np.ndarray:
        mix, tune, sync, octave, level = (values.get(control.index, control.default) for control in CONTROLS)
        cents = 600 * (tune - 0.5)
        hz = 440 * 2 ** ((note.pitch - 69) / 12)
        first = hz * 2 ** (cents / 1200 if self.whole else 0)
        second = hz if sync else hz * 2 ** (2 * (octave - 0.5) + cents / 1200)
        samples = note.samples(TRIAL_RATE)
        sound = (1 - mix) * partials(first, samples, 1.2) + mix * partials(second, samples, 0.8)
        return ((0.2 + level) * sound).astype(np.float32)


def measured(trial: Trial, *controls: Control) -> list[tuple[str, tuple[float, ...], tuple[tuple[str, float], ...]]]:
    """What is found of the controls that transpose."""
    kinds = [ParameterKind(control.kind, control.options, control.values) for control in CONTROLS]
    told = []
    spectra = Spectra(trial)
    found = with_cents(spectra, controls, kinds, lambda progress: None)
    found = with_needs(spectra, found, kinds, lambda progress: told.append(progress.share))
    assert told == sorted(told)
    assert all(0 <= share <= 1 for share in told)
    return [(control.name, control.cents, control.needs) for control in found if control.cents]


def test_one_oscillator_is_tuned_while_it_is_alone_and_free():
    needs = (("mix", 1.0), ("sync", 0.0))

    found = measured(TwoOscillators(), *CONTROLS)

    assert found == [("tune", CURVE, needs), ("octave", OCTAVES, needs)]


def test_what_transposes_always_needs_nothing():
    assert measured(TwoOscillators(whole=True), *CONTROLS) == [("tune", CURVE, ())]


def test_steps_alone_are_not_made_to_transpose():
    fixed = Control(TUNE.index, TUNE.name, "fixed", TUNE.default)

    assert measured(TwoOscillators(), MIX, fixed, SYNC, OCTAVE, LEVEL) == []


def test_a_mixer_that_may_not_move_leaves_nothing_to_tune_with():
    fixed = Control(MIX.index, MIX.name, "fixed", MIX.default)

    assert measured(TwoOscillators(), fixed, TUNE, SYNC, OCTAVE, LEVEL) == []
