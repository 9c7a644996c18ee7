"""Presets moved by cents with parameters that transpose, and what that makes of Vital and of subsets."""

from typing import Any

import numpy as np
import pytest

from patchflow.engines import _tuners, engines
from patchflow.engines._tuners import Tuner, tuned
from patchflow.engines.vital import Vital
from patchflow.engines.vital_full import VitalFull
from patchflow.presets import Choice, Knob, ParamSpace, Steps, Value

SPACE = ParamSpace(
    (
        Steps("octave", -1, 1, default=0),
        Steps("key", -12, 12, default=0),
        Knob("tune", -50, 50, default=0.0),
        Knob("other", 0, 1, default=0.5),
    )
)
TUNERS = (
    Tuner((0,), (-1200, 0, 1200)),
    Tuner((1,), tuple(range(-1200, 1201, 100))),
    Tuner((2,), (-50, 50)),
)


def moved(space: ParamSpace, cents: float, start: dict[str, Value], *locked: str) -> dict[str, Value]:
    point = space.encode({**space.decode(space.default()), **start})
    free = np.array([name not in locked for name in space.names])
    return space.decode(tuned(point[None], np.array([cents]), TUNERS, space, free)[0])


def height(values: dict[str, Value]) -> float:
    return 1200 * float(values["octave"]) + 100 * float(values["key"]) + float(values["tune"])


@pytest.mark.parametrize("start", [{}, {"tune": 40.0}, {"key": 11}, {"octave": -1, "key": -12, "tune": -30.0}])
@pytest.mark.parametrize("cents", [0, 20, 30, -50, 150, -730, 2_650, -9_999])
def test_coarse_ones_come_near_and_the_fine_one_makes_up_for_the_rest(cents: float, start: dict[str, Value]):
    before = height({"octave": 0, "key": 0, "tune": 0.0, **start})

    values = moved(SPACE, cents, start)

    assert height(values) == pytest.approx(np.clip(before + cents, -2_450, 2_450))
    assert values["other"] == 0.5


def test_nothing_coarse_moves_where_a_fine_one_is_enough():
    assert moved(SPACE, 0, {}) == SPACE.decode(SPACE.default())
    assert moved(SPACE, -45, {}) == pytest.approx({"octave": 0, "key": 0, "tune": -45.0, "other": 0.5})
    assert moved(SPACE, 20, {"tune": 40}) == pytest.approx({"octave": 0, "key": 1, "tune": -40.0, "other": 0.5})


def test_what_is_locked_stays():
    assert moved(SPACE, 730, {}, "key", "octave") == {"octave": 0, "key": 0, "tune": 50.0, "other": 0.5}
    assert moved(SPACE, 730, {}, "octave", "tune") == {"octave": 0, "key": 7, "tune": 0.0, "other": 0.5}
    assert moved(SPACE, 730, {}, *SPACE.names) == SPACE.decode(SPACE.default())


def test_of_many_stepped_ones_the_coarsest_and_the_finest_move(monkeypatch: pytest.MonkeyPatch):
    calls = []
    stepped = _tuners._stepped

    def counted(*args: Any) -> tuple[np.ndarray, np.ndarray]:
        calls.append(args)
        return stepped(*args)

    monkeypatch.setattr(_tuners, "_stepped", counted)
    sizes = (1200, 700, 500, 300, 200, 100, 10)
    space = ParamSpace(tuple(Steps(f"by {size}", -1, 1, default=0) for size in sizes))
    tuners = [Tuner((place,), (-size, 0, size)) for place, size in enumerate(sizes)]

    found = space.decode(tuned(space.default()[None], np.array([1_190.0]), tuners, space)[0])

    assert {name: value for name, value in found.items() if value} == {"by 1200": 1, "by 10": -1}
    assert space.decode(tuned(space.default()[None], np.array([300.0]), tuners, space)[0])["by 300"] == 0
    assert len(calls) <= 2 * (3 + 9 + 27 + 27)
    # What is locked takes no place: another moves instead.
    free = np.array([False, False, True, True, True, True, True])
    locked = space.decode(tuned(space.default()[None], np.array([300.0]), tuners, space, free)[0])
    assert {name: value for name, value in locked.items() if value} == {"by 500": 1, "by 200": -1}


def test_curves_are_read_both_ways():
    space = ParamSpace((Knob("bend", 0, 1, default=0.5),))
    rising = Tuner((0,), (-400, -100, 0, 100, 400))
    falling = Tuner((0,), (400, 100, 0, -100, -400))

    for cents, place in ((50, 0.625), (250, 0.875), (-400, 0.0), (900, 1.0)):
        up = tuned(space.default()[None], np.array([cents]), [rising], space)
        down = tuned(space.default()[None], np.array([cents]), [falling], space)
        np.testing.assert_allclose(up, [[place]])
        np.testing.assert_allclose(down, [[1 - place]])


def test_stairs_are_moved_from_step_to_step():
    space = ParamSpace((Knob("octave", 0, 1, default=0.5), Knob("tune", -1, 1, default=0.0)))
    stairs = Tuner((0,), (-1200, -1200, -1200, 0, 0, 0, 1200, 1200, 1200))
    tune = Tuner((1,), (-100, 100))

    for cents, octave, tuned_to in ((1_230, 0.875, 0.3), (-1_300, 0.125, -1.0), (550, 0.45, 1.0), (0, 0.45, 0.0)):
        point = space.encode({"octave": 0.45, "tune": 0.0})[None]
        found = space.decode(tuned(point, np.array([cents]), [stairs, tune], space)[0])
        assert found == pytest.approx({"octave": octave, "tune": tuned_to})


def test_what_moves_together_keeps_its_distance():
    space = ParamSpace(tuple(Knob(f"tune {n}", -50, 50, default=0.0) for n in range(3)))
    points = np.array([[0.5, 0.9, 0.2], [0.5, 0.9, 0.2]])
    moving = np.array([[True, True, False], [True, False, False]])

    found = tuned(points, np.array([30, 30]), [Tuner((0, 1, 2), (-50, 50), moving)], space)

    np.testing.assert_allclose(found, [[0.6, 1.0, 0.2], [0.8, 0.9, 0.2]])


def vital_values(engine: Vital | VitalFull, cents: float, *locked: str, **start: Value) -> dict[str, Value]:
    """What is changed."""
    space = engine.space
    own = {name.replace("__", "."): value for name, value in start.items()}
    before = {**space.decode(space.default()), **own}
    free = np.array([name not in locked for name in space.names])
    after = space.decode(engine.transposed(space.encode(before)[None], np.array([cents]), free)[0])
    return {name: value for name, value in after.items() if value != pytest.approx(before[name])}


def test_vital_is_moved_as_a_voice_and_tuned_by_its_oscillators():
    found = vital_values(Vital(), 1_230, osc_2__on="On", osc_2__tune=-10.0)

    assert found == pytest.approx({"voice_transpose": 12, "osc_1.tune": 30.0, "osc_2.tune": 20.0})


def test_vital_full_has_a_tuning_of_its_own():
    assert vital_values(VitalFull(), -330) == pytest.approx({"voice_transpose": -3, "voice_tune": -30.0})


def test_an_oscillator_that_is_borrowed_from_is_tuned_with_the_others():
    kinds = Vital.space.parameters[Vital.space.index["osc_1.distortion_type"]]
    assert isinstance(kinds, Choice)
    borrowing = next(option for option in kinds.options if option.endswith("<- Osc 2"))

    found = vital_values(Vital(), 20, osc_1__distortion_type=borrowing)

    assert found == pytest.approx({"osc_1.tune": 20.0, "osc_2.tune": 20.0, "osc_3.tune": 20.0})


def test_vitals_oscillators_are_transposed_where_its_voice_is_locked():
    assert vital_values(Vital(), 700, "voice_transpose") == {"osc_1.transpose": 7}
    assert vital_values(Vital(), 700, "voice_transpose", "osc_1.transpose", "osc_1.tune") == {}
    # rounded to a scale, they would not move as they should
    assert "osc_1.transpose" not in vital_values(VitalFull(), 700, "voice_transpose", osc_1__transpose_quantize=1)


def test_a_subset_is_moved_with_what_is_free():
    small = engines["dexed_16"]()
    before = small.space.default()

    after = small.transposed(before[None], np.array([730.0]))[0]

    changed = small.space.decode(after).items() - small.space.decode(before).items()
    assert changed == {("transpose", 7)}
    assert small.tuning_step == 100
    assert engines["dexed"]().tuning_step == 12.5
    assert engines["tone"]().tuning_step is None


TWO = ParamSpace(
    (
        Knob("mix", 0, 1, default=0.5),
        Choice("sync", ("off", "on"), default="off"),
        Steps("octave", -1, 1, default=0),
        Knob("tune", -100, 100, default=0.0),
    )
)
SECOND_ALONE = ((0, 1.0), (1, 0.25))
OF_THE_SECOND = (
    Tuner((2,), (-1200, 0, 1200), needs=SECOND_ALONE),
    Tuner((3,), (-100, 100), needs=SECOND_ALONE),
)


def of_two(cents: float, start: dict[str, Value], *locked: str) -> dict[str, Value]:
    """What is changed in a synth of two oscillators, of which the second has a tuning."""
    before = {**TWO.decode(TWO.default()), **start}
    free = np.array([name not in locked for name in TWO.names])
    after = TWO.decode(tuned(TWO.encode(before)[None], np.array([cents]), OF_THE_SECOND, TWO, free)[0])
    return {name: value for name, value in after.items() if value != pytest.approx(before[name])}


@pytest.mark.parametrize(
    ("start", "changed"),
    [
        # the first is heard, which is as high as the key says
        ({"mix": 0.3, "tune": -20.0, "octave": 1}, {"mix": 1.0, "tune": 30.0, "octave": 0}),
        ({"mix": 0.9, "tune": -20.0, "sync": "on"}, {"mix": 1.0, "tune": 30.0, "sync": "off"}),
        # the second is heard already
        ({"mix": 0.8, "tune": -20.0, "octave": 1}, {"mix": 1.0, "tune": 10.0}),
        ({"mix": 1.0, "tune": -20.0, "octave": -1}, {"tune": 10.0}),
    ],
)
def test_what_a_tuner_needs_is_set_and_what_was_heard_is_tuned(start: dict[str, Value], changed: dict[str, Value]):
    assert of_two(30, start) == pytest.approx(changed)


def test_what_a_tuner_needs_is_left_where_it_is_locked():
    assert of_two(30, {"mix": 0.3}, "mix") == {}
    assert of_two(30, {"mix": 0.3, "sync": "on"}, "sync") == {}
    assert of_two(30, {"mix": 0.3}, "sync") == pytest.approx({"mix": 1.0, "tune": 30.0})
    assert of_two(30, {"mix": 1.0}, "mix", "sync") == pytest.approx({"tune": 30.0})


def test_locked_steps_of_a_part_are_made_up_for():
    assert of_two(30, {"mix": 0.3, "octave": 1}, "octave") == {}
    assert of_two(1_180, {"mix": 0.3, "octave": 1}, "octave") == pytest.approx({"mix": 1.0, "tune": -20.0})


def test_nothing_else_is_changed_for_what_cannot_be_heard():
    assert of_two(4, {"mix": 0.3}) == {}
    assert of_two(0, {"mix": 0.3, "tune": 50.0}) == {}
    assert of_two(4, {"mix": 1.0}) == pytest.approx({"tune": 4.0})


def test_what_always_transposes_comes_first():
    always = Tuner((3,), (-100, 100))
    seconds = Tuner((2,), (-1200, 0, 1200), needs=SECOND_ALONE)

    for cents, wanted in ((60, {"tune": 60.0}), (1_260, {"mix": 1.0, "octave": 1, "tune": 60.0})):
        found = TWO.decode(tuned(TWO.default()[None], np.array([cents]), [seconds, always], TWO)[0])
        assert found == pytest.approx({**TWO.decode(TWO.default()), **wanted})
