"""A preset as bytes: exact, small, and damage is noticed."""

import numpy as np
import pytest

from patchflow.engines import engines
from patchflow.errors import PresetError
from patchflow.presets import Choice, Knob, ParamSpace, Steps, dx7
from patchflow.presets.library._database import Damaged
from patchflow.presets.library._vectors import Vectors, describe_space, space_from
from patchflow.presets.vital import CORE

SPACES = {
    "dexed": dx7.SPACE,
    "tone": engines["tone"].space,
    "many steps": ParamSpace((Steps("n", -5, 100_000), Knob("k", -1.0, 1.0), Choice("c", ("x", "y")))),
    "knob": ParamSpace((Knob("k", 1.0, 9.0, log=True),)),
    "power": ParamSpace((Knob("k", -1.0, 9.0, power=4.0), Knob("l", -80.0, 6.0, power=0.5))),
    "vital": CORE,
}


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest) -> ParamSpace:
    return SPACES[request.param]


@pytest.fixture
def presets(space: ParamSpace) -> list[dict]:
    return [space.decode(point) for point in np.random.default_rng(0).random((50, len(space)))]


def test_unpacking_gives_exactly_what_was_packed(space: ParamSpace, presets: list[dict]):
    vectors = Vectors(space)

    assert [vectors.unpack(vectors.pack(values)) for values in presets] == presets


def test_points_are_those_of_the_space(space: ParamSpace, presets: list[dict]):
    vectors = Vectors(space)

    points = vectors.points([vectors.pack(values) for values in presets])

    np.testing.assert_allclose(points, [space.encode(values) for values in presets], rtol=0, atol=1e-12)


def test_a_described_space_packs_alike(space: ParamSpace, presets: list[dict]):
    again = Vectors(space_from(describe_space(space)))

    assert [again.pack(values) for values in presets] == [Vectors(space).pack(values) for values in presets]


def test_a_dx7_voice_takes_145_bytes():
    assert len(Vectors(dx7.SPACE).pack(dx7.SPACE.decode(dx7.SPACE.default()))) == 145


def test_spaces_with_other_ranges_are_described_differently():
    descriptions = {describe_space(ParamSpace((Steps("n", 0, high),))) for high in (1, 2)}

    assert len(descriptions) == 2


def test_what_does_not_fit_is_not_packed():
    with pytest.raises(PresetError, match="k=10"):
        Vectors(SPACES["knob"]).pack({"k": 10})


@pytest.mark.parametrize("data", [b"", bytes(144), b"\xff" * 145])
def test_damaged_bytes_are_noticed(data: bytes):
    with pytest.raises(Damaged):
        Vectors(dx7.SPACE).unpack(data)


@pytest.mark.parametrize("number", [np.nan, np.inf, 0.5, -1.0])
def test_a_damaged_knob_is_noticed(number: float):
    with pytest.raises(Damaged):
        Vectors(SPACES["knob"]).points([np.float64(number).tobytes()])


@pytest.mark.parametrize(
    "text", ["", "{}x", "[1]", '[["knob"]]', '[["knob","a",1,0,false]]', '[["steps","a","b","c"]]']
)
def test_a_damaged_description_is_noticed(text: str):
    with pytest.raises(Damaged):
        space_from(text)
