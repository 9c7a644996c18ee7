"""The macro knobs of a Vital preset go along a path: exactly, where it is straight in the controls."""

from dataclasses import replace

import numpy as np
import pytest

from patchflow.engines import Note
from patchflow.explore.grid import Grid
from patchflow.explore.output.path_files import macro_preset
from patchflow.explore.path import Path, PathStep
from patchflow.presets.formats.vital import Vital as Format
from patchflow.presets.vital import CORE, load_state

pytestmark = pytest.mark.slow

NOTE = Note(hold=0.2, length=0.3)


def encoded(**values: float) -> np.ndarray:
    names = {name.replace("__", "."): value for name, value in values.items()}
    point = CORE.default()
    for name, value in names.items():
        point[CORE.index[name]] = value
    return point


def straight(corners: list[np.ndarray], grid: Grid) -> Path:
    points = grid.weights(len(corners)) @ np.stack(corners)
    steps = []
    for point, place in zip(points, grid.places, strict=True):
        steps.append(PathStep(CORE.decode(point), (float(place[0]), float(place[1])), {}, (0.0, 0.0), 0.0))
    names = tuple("ABCD"[: len(corners)])
    return Path("vital", NOTE, grid, names, "", tuple(steps), ())


A = encoded(osc_1__level=0.9, env_1__attack=0.0, osc_1__wave_frame=0.5)
B = encoded(osc_1__level=0.3, env_1__attack=0.3, osc_1__wave_frame=0.1)


def test_a_straight_path_is_played_by_one_knob():
    found = macro_preset(straight([A, B], Grid(1, 5)))

    assert found is not None
    assert (found.knobs, found.controls, found.bent, found.left) == (("B",), 3, (), ())
    assert max(found.errors) < 0.1
    again = Format().read(Format().write([found.preset])).presets[0]
    assert load_state(again.state)["macro1"] == "B"


def test_four_corners_are_played_by_three_knobs():
    c = encoded(osc_1__level=0.5, env_1__attack=0.1, osc_1__wave_frame=0.9)
    d = encoded(osc_1__level=0.7, env_1__attack=0.05, osc_1__wave_frame=0.3)
    found = macro_preset(straight([A, B, c, d], Grid(3, 3)))

    assert found is not None
    assert found.knobs == ("B", "C", "D")
    assert max(found.errors) < 0.1


def test_a_bend_and_a_switch_are_said_with_the_error():
    path = straight([A, B], Grid(1, 3))
    other = CORE.encode(path.steps[1].values)
    other[CORE.index["osc_1.level"]] = 0.05
    other[CORE.index["osc_2.on"]] = 0.75
    steps = (path.steps[0], replace(path.steps[1], values=CORE.decode(other)), path.steps[2])
    found = macro_preset(replace(path, steps=steps))

    assert found is not None
    assert found.bent == ("osc_1.level",)
    assert found.left == ("osc_2.on",)
    assert found.errors[0] < 0.1
    assert found.errors[1] > 1


def test_a_path_of_switches_alone_has_no_knob():
    other = A.copy()
    other[CORE.index["osc_2.on"]] = 0.75

    assert macro_preset(straight([A, other], Grid(1, 3))) is None
