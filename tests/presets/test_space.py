"""The parameter space: laws of encoding, and what it refuses."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patchflow.errors import PresetError, UnknownName
from patchflow.presets import Choice, Knob, ParamSpace, Steps, Value

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
