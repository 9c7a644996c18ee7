"""Parameters and the space of all: laws of encoding, and what they refuse."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patchflow.errors import PresetError, UnknownName
from patchflow.presets import Choice, Knob, Parameter, ParamSpace, Steps, Value

CUTOFF = Knob("cutoff", 20.0, 20_000.0, unit="Hz", log=True)
GAIN = Knob("gain", -60.0, 0.0, unit="dB")
ATTACK = Knob("attack", 0.0, 32.0, unit="s", power=4.0)
VOLUME = Knob("volume", -80.0, 6.0, unit="dB", power=0.5)
DETUNE = Steps("detune", -7, 7)
WAVE = Choice("wave", ("sine", "saw", "square"))

NOT_A_NUMBER: list[Value] = [math.nan, math.inf, -math.inf, True, "1", "", 10**400, -(10**400)]


@given(st.floats(0, 1))
@pytest.mark.parametrize("knob", [CUTOFF, GAIN, ATTACK, VOLUME], ids=lambda knob: knob.name)
def test_knob_round_trip_from_the_cube(knob: Knob, u: float):
    assert knob.unit_value(knob.number(knob.value(u))) == pytest.approx(u, abs=1e-12)


@given(st.floats(0, 1), st.floats(0, 1))
@pytest.mark.parametrize("knob", [CUTOFF, GAIN, ATTACK, VOLUME], ids=lambda knob: knob.name)
def test_knob_rises(knob: Knob, u: float, v: float):
    low, high = sorted((u, v))

    assert knob.value(low) <= knob.value(high)


@pytest.mark.parametrize("knob", [CUTOFF, GAIN, ATTACK, VOLUME], ids=lambda knob: knob.name)
@pytest.mark.parametrize("u", [-1.0, -1e-9, 0.0, 1.0, 1 + 1e-9, 2.0])
def test_knob_stays_in_its_range(knob: Knob, u: float):
    assert knob.value(u) == (knob.low if u <= 0 else knob.high)


def test_equal_steps_of_a_logarithmic_knob_are_equal_ratios():
    values = [CUTOFF.value(u) for u in (0.0, 0.25, 0.5, 0.75, 1.0)]

    assert np.diff(np.log(values)) == pytest.approx([math.log(1000) / 4] * 4)


def test_the_value_of_a_knob_with_a_power_rises_with_it():
    assert [ATTACK.value(u) for u in (0.0, 0.5, 1.0)] == [0.0, 2.0, 32.0]


@pytest.mark.parametrize(
    "settings", [{"power": 0.0}, {"power": -1.0}, {"power": 2.0, "log": True, "low": 1.0}], ids=str
)
def test_a_power_that_makes_no_sense_is_a_bug(settings: dict):
    with pytest.raises(ValueError, match="power="):
        Knob(**{"name": "x", "low": 0.0, "high": 2.0, **settings})


@pytest.mark.parametrize("value", range(-7, 8))
def test_steps_round_trip_exactly(value: int):
    assert DETUNE.value(DETUNE.unit_value(DETUNE.number(value))) == value


@pytest.mark.parametrize("option", WAVE.options)
def test_choice_round_trip_exactly(option: str):
    assert WAVE.value(WAVE.unit_value(WAVE.number(option))) == option


@given(st.integers(1, 200), st.data(), st.floats(0.001, 0.999))
def test_a_cell_holds_one_value(count: int, data: st.DataObject, place: float):
    steps = Steps("steps", 0, count - 1)
    index = data.draw(st.integers(0, count - 1))

    assert steps.value((index + place) / count) == index


@pytest.mark.parametrize("u", [-0.5, 0.0, 1.0, 1.5])
@pytest.mark.parametrize("parameter", [DETUNE, WAVE], ids=lambda parameter: parameter.name)
def test_a_discrete_value_outside_the_cube_is_the_nearest(parameter: Steps | Choice, u: float):
    end = parameter.unit_value(0.0 if u <= 0 else parameter.cells - 1.0)

    assert parameter.value(u) == parameter.value(end)


def test_cells_count_the_values():
    assert (CUTOFF.cells, DETUNE.cells, WAVE.cells) == (0, 15, 3)


@pytest.mark.parametrize("value", [2, 2.0])
def test_a_whole_float_is_a_step(value: float):
    assert DETUNE.number(value) == 9


@pytest.mark.parametrize("value", [*NOT_A_NUMBER, 19.99, 20_001])
def test_knob_names_what_it_refuses(value: Value):
    with pytest.raises(PresetError, match=r"^cutoff=.*: not in \[20, 20000\] Hz$"):
        CUTOFF.number(value)


@pytest.mark.parametrize("value", [*NOT_A_NUMBER, -8, 8, 0.5])
def test_steps_name_what_they_refuse(value: Value):
    with pytest.raises(PresetError, match=r"^detune=.*: not a whole number in \[-7, 7\]$"):
        DETUNE.number(value)


@pytest.mark.parametrize("value", ["sin", "", 0, 1.0, True])
def test_choice_names_what_it_refuses(value: Value):
    with pytest.raises(PresetError, match=r"^wave=.*: not one of sine, saw, square$"):
        WAVE.number(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Knob("x", 1.0, 1.0),
        lambda: Knob("x", 2.0, 1.0),
        lambda: Knob("x", math.nan, 1.0),
        lambda: Knob("x", 0.0, 1.0, log=True),
        lambda: Steps("x", 1, 0),
        lambda: Choice("x", ()),
        lambda: Choice("x", ("a", "a")),
    ],
    ids=["empty", "upside down", "not a number", "log of 0", "no step", "no option", "an option twice"],
)
def test_an_impossible_parameter_is_a_bug_of_the_caller(make: Callable[[], Parameter]):
    with pytest.raises(ValueError, match=r"^x: "):
        make()


SPACE = ParamSpace(
    (
        Choice("wave", ("sine", "saw"), group="osc", default="saw"),
        Steps("octave", -2, 2, group="osc", default=0),
        Knob("cutoff", 20.0, 20_000.0, unit="Hz", log=True, group="filter", default=1_000.0),
        Knob("gain", -60.0, 0.0, unit="dB"),
    )
)
VALUES: dict[str, Value] = {"wave": "sine", "octave": 1, "cutoff": 440.0, "gain": -6.0}

points = arrays(float, (3, 4), elements=st.floats(0, 1))


def test_values_round_trip():
    assert SPACE.decode(SPACE.encode(VALUES)) == pytest.approx(VALUES)


def test_order_of_the_values_does_not_matter():
    backwards = dict(reversed(VALUES.items()))

    np.testing.assert_array_equal(SPACE.encode(backwards), SPACE.encode(VALUES))


@given(points)
def test_snapping_is_decoding_and_encoding(some: np.ndarray):
    again = [SPACE.encode(SPACE.decode(point)) for point in some]

    np.testing.assert_allclose(SPACE.snap(some), again, atol=1e-12)


@given(points)
def test_snapping_twice_is_snapping_once(some: np.ndarray):
    once = SPACE.snap(some)

    np.testing.assert_array_equal(SPACE.snap(once), once)


def test_categories_are_choices_alone():
    assert SPACE.categorical.tolist() == [True, False, False, False]


def test_an_empty_space_has_no_categories():
    assert (~ParamSpace(()).categorical).tolist() == []


def test_snapping_clips_to_the_cube():
    far = SPACE.snap(np.array([[-3.0, -3.0, -3.0, -3.0], [3.0, 3.0, 3.0, 3.0]]))

    np.testing.assert_allclose(far, [[0.25, 0.1, 0.0, 0.0], [0.75, 0.9, 1.0, 1.0]])


def test_default_is_each_parameters_own():
    assert SPACE.decode(SPACE.default()) == pytest.approx(
        {"wave": "saw", "octave": 0, "cutoff": 1_000.0, "gain": -60.0}
    )


def test_a_name_selects_one_and_a_group_selects_all_of_it():
    assert SPACE.select("octave") == (1,)
    assert SPACE.select("osc") == (0, 1)
    assert SPACE.groups == {"osc": (0, 1), "filter": (2,)}


def test_an_unknown_selection_suggests_a_parameter_or_a_group():
    with pytest.raises(UnknownName, match="Did you mean 'filter'"):
        SPACE.select("filtr")


@pytest.mark.parametrize("name", VALUES)
def test_a_missing_value_is_named(name: str):
    with pytest.raises(PresetError, match=f"^{name}: missing"):
        SPACE.encode({key: value for key, value in VALUES.items() if key != name})


def test_a_value_too_many_is_named():
    with pytest.raises(UnknownName, match="no parameter named 'octav'. Did you mean 'octave'"):
        SPACE.encode({**VALUES, "octav": 1})


def test_a_value_out_of_range_is_named_with_its_range():
    with pytest.raises(PresetError, match=re.escape("gain=1.0: not in [-60, 0] dB")):
        SPACE.encode({**VALUES, "gain": 1.0})


def test_a_point_of_another_length_is_refused():
    with pytest.raises(ValueError, match="shorter|longer"):
        SPACE.decode(np.zeros(3))


def test_two_parameters_of_one_name_are_refused():
    with pytest.raises(ValueError, match="share a name"):
        ParamSpace((Steps("x", 0, 1), Knob("x", 0.0, 1.0)))
