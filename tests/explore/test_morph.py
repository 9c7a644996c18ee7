"""A morph leads from one preset to the other evenly, and says what it cannot do."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from patchflow.engines import Note, engines
from patchflow.errors import OptionError, PresetError, UnknownName
from patchflow.explore import RATE
from patchflow.explore.audio_space import HeardSpace
from patchflow.explore.morph import grid_of, morph
from patchflow.explore.path import Path
from patchflow.presets import Preset

NOTE = Note(hold=0.3, length=0.5)


def tone(name: str = "Tone", **values: float | str) -> Preset:
    return Preset("tone", {"wave": "saw", "decay": 1.0, "gain": -10.0, **values}, name=name)


def morphed(*ends: Preset, **options: object) -> Path:
    return morph(ends, note=NOTE, renders=200, **{"steps": 4, **options})  # type: ignore[arg-type]


def test_the_ends_are_the_presets_themselves():
    a = tone(gain=-40.0, wave="sine")
    b = tone(decay=0.1)
    path = morphed(a, b, steps=5)

    for step, preset in ((path.steps[0], a), (path.steps[-1], b)):
        assert step.values["wave"] == preset.values["wave"]
        assert step.values["gain"] == pytest.approx(preset.values["gain"])
        assert step.values["decay"] == pytest.approx(preset.values["decay"])
    assert path.steps[0].to_ends[0] < 1e-6
    assert path.steps[-1].to_ends[1] < 1e-6


def test_loudness_moves_in_equal_steps():
    path = morphed(tone(gain=-40.0), tone(gain=-10.0))

    loudness = [step.sound["loudness"] for step in path.steps]
    assert np.diff(loudness).tolist() == pytest.approx([10, 10, 10], abs=0.5)
    assert path.moving[0].name == "gain"


def test_heard_steps_are_equal_where_the_synth_can():
    path = morphed(tone(decay=0.03), tone(decay=1.0), steps=7)

    assert max(path.heard) < 1.6 * np.mean(path.heard)
    assert max(path.heard) == path.heard[path.largest_step]


def test_a_switch_is_thrown_once():
    path = morphed(tone(wave="sine"), tone(wave="saw"), steps=8)

    waves = [step.values["wave"] for step in path.steps]
    assert sum(a != b for a, b in pairwise(waves)) == 1


def test_the_same_seed_gives_the_same_path():
    first, second = (morphed(tone(decay=0.05), tone(wave="sine"), seed=3) for _ in range(2))

    assert first == second


def test_four_corners_are_those_of_the_square():
    corners = [tone(gain=-40.0), tone(gain=-10.0), tone(gain=-40.0, decay=0.1), tone(gain=-10.0, decay=0.1)]
    path = morphed(*corners, steps=9)

    assert (path.grid.rows, path.grid.columns) == (3, 3)
    for place, corner in zip((0, 2, 6, 8), corners, strict=True):
        assert path.steps[place].values["gain"] == pytest.approx(corner.values["gain"])
        assert path.steps[place].values["decay"] == pytest.approx(corner.values["decay"])
    middle = path.steps[4].values
    assert middle["gain"] == pytest.approx(-25, abs=3)


def test_a_locked_parameter_stays_as_in_the_first():
    path = morphed(tone(wave="sine", gain=-40.0), tone(wave="saw"), lock={"wave": None, "decay": 0.5})

    assert {step.values["wave"] for step in path.steps} == {"sine"}
    assert [step.values["decay"] for step in path.steps] == pytest.approx([0.5] * 4)


def dexed(name: str, **values: int | str) -> Preset:
    space = engines["dexed"].space
    given = {key.replace("__", "."): value for key, value in values.items()}
    return Preset("dexed", {**space.decode(space.default()), **given}, name=name)


def test_ends_of_one_pitch_stay_in_tune():
    a = dexed("A", op2__output=60)
    b = dexed("B", algorithm="2", op2__output=80, op1__rate1=60, op4__output=70)
    note = Note(hold=0.5, length=0.6)
    path = morph([a, b], note=note, steps=6, renders=250)

    engine = engines["dexed"]()
    sounds = np.stack([engine.render(engine.space.encode(step.values), note, RATE) for step in path.steps])
    cents = HeardSpace(sounds[[0, -1]]).cents(sounds)
    assert np.nanmax(np.abs(cents)) < 10
    assert np.isfinite(cents).sum() >= 4


@pytest.mark.parametrize(
    ("ends", "options", "why"),
    [
        ([tone("A"), tone("B")], {}, r"'A' and 'B' sound the same \(0.0 dB apart\)"),
        ([tone(), tone(gain=-40.0)], {"lock": {"gain": None}}, "lock gain: leaves nothing to move"),
        ([tone(), tone(gain=-40.0)], {"steps": 2}, r"steps=2: not in \[3, 512\]"),
        ([tone(), tone(gain=-40.0)], {"renders": 10}, "renders=10: not at least 200"),
        ([tone()] * 3, {}, "3 presets: a morph is between 2, or among 4"),
    ],
)
def test_what_leads_nowhere_is_refused(ends, options, why):
    with pytest.raises(OptionError, match=why):
        morph(ends, **{"note": NOTE, "renders": 200, **options})


def test_a_preset_that_cannot_be_heard_is_refused():
    quiet = Note(hold=0.02, length=0.03, velocity=1)

    with pytest.raises(PresetError, match="Faint: cannot be heard on note 60"):
        morph([tone(), tone("Faint", gain=-60.0)], note=quiet, renders=200)


def shift_by_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a tone that plays as many keys higher as its state is long."""
    synth = engines["tone"]
    plain = synth.render

    def build_on(engine: Any, state: bytes) -> None:
        engine.higher = len(state)

    def render(engine: Any, point: np.ndarray, note: Note, rate: int) -> np.ndarray:
        return plain(engine, point, replace(note, pitch=note.pitch + getattr(engine, "higher", 0)), rate)

    monkeypatch.setattr(synth, "build_on", build_on)
    monkeypatch.setattr(synth, "render", render)


def test_an_end_that_is_another_sound_with_the_state_of_the_first_is_refused(monkeypatch):
    shift_by_state(monkeypatch)
    a = tone("A", gain=-40.0)
    b = replace(tone("B", decay=0.2), state=b"seven..")

    with pytest.raises(PresetError, match=r"B: holds other things beyond its parameters.* than A.*dB from itself"):
        morphed(a, b)


def test_a_state_that_does_not_matter_is_that_of_the_first():
    a = replace(tone("A", gain=-40.0), state=b"first")
    b = replace(tone("B"), state=b"other")

    assert {preset.state for preset in morphed(a, b).presets} == {b"first"}


def test_presets_of_two_synths_are_refused():
    with pytest.raises(PresetError, match=r"'Tone' is for 'tone' and 'Other' for 'dexed'"):
        morphed(tone(), dexed("Other"))


def test_a_lock_of_nothing_is_refused():
    with pytest.raises(UnknownName, match="cutoff"):
        morphed(tone(), tone(gain=-40.0), lock={"cutoff": None})


def test_a_square_needs_rows():
    assert (grid_of(25, 4).rows, grid_of(25, 4).columns) == (5, 5)
    with pytest.raises(OptionError, match="steps=31"):
        grid_of(31, 4)


def test_a_search_ends_where_there_are_few_presets():
    path = morphed(tone(wave="sine"), tone(wave="saw"), lock={"decay": None, "gain": None})
    assert {step.values["wave"] for step in path.steps} == {"sine", "saw"}


def test_two_of_four_corners_may_be_the_same():
    a = tone(gain=-40.0)
    path = morphed(a, tone(decay=0.1), a, tone(wave="sine"), steps=9)

    assert path.steps[0].values == path.steps[6].values
    assert path.steps[0].values["gain"] == pytest.approx(-40.0)
    assert path.steps[8].values["wave"] == "sine"
