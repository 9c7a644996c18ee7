"""Roles: every value is drawn where its block says, later steps win, and what is wrong in a file is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import patchflow
from patchflow.data.roles import Roles, read_roles
from patchflow.engines import engines
from patchflow.engines.tone import Tone
from patchflow.errors import OptionError, UnknownName

COMMITTED = sorted((Path(patchflow.__file__).parent.parent / "recipes" / "roles").glob("*.toml"))


def table(**blocks: Any) -> dict[str, Any]:
    """One role of tone, which chooses among these blocks evenly."""
    steps = [{"one_of": dict.fromkeys(blocks, 1)}]
    return {"synth": "tone", "blocks": blocks, "roles": {"lead": {"weight": 1, "steps": steps}}}


def drawn(content: dict[str, Any], count: int = 200) -> list[dict[str, Any]]:
    points = Roles(Tone.space, content).draw(count, np.random.default_rng(0)).points
    return [dict(Tone.space.decode(point)) for point in points]


def test_values_are_drawn_evenly_on_their_own_scale():
    linear = [preset["decay"] for preset in drawn(table(a={"decay": {"even": [0.1, 1.1]}}), 2000)]
    steep = [preset["decay"] for preset in drawn(table(a={"decay": {"log": [0.1, 1.0]}}), 2000)]

    assert min(linear) >= 0.1 - 1e-9
    assert max(linear) <= 1.1 + 1e-9
    assert abs(np.mean(linear) - 0.6) < 0.03
    assert abs(np.median(steep) - 0.1**0.5) < 0.03


def test_what_no_step_sets_stays_as_in_the_fresh_preset():
    fresh = Tone.space.decode(Tone.space.default())

    presets = drawn(table(a={"wave": "saw"}, none={}))

    assert {preset["decay"] for preset in presets} == {fresh["decay"]}
    assert {preset["wave"] for preset in presets} == {"saw", fresh["wave"]}


def test_a_later_step_wins():
    content = table(a={"wave": "saw", "gain": -6.0}, b={"wave": "sine"})
    content["roles"]["lead"]["steps"] = [{"one_of": {"a": 1}}, {"one_of": {"b": 1}}]

    assert {(preset["wave"], preset["gain"]) for preset in drawn(content, 5)} == {("sine", -6.0)}


def test_blocks_and_roles_are_chosen_by_weight():
    content = table(a={"wave": "saw"}, b={"wave": "sine"})
    content["roles"]["lead"]["steps"] = [{"one_of": {"a": 3, "b": 1}}]
    content["roles"]["other"] = {"weight": 3, "steps": []}

    found = Roles(Tone.space, content).draw(4000, np.random.default_rng(0))
    waves = [Tone.space.decode(point)["wave"] for point in found.points[found.roles == 0]]

    assert abs(np.mean(found.roles == 1) - 0.75) < 0.03
    assert abs(np.mean([wave == "saw" for wave in waves]) - 0.75) < 0.05


def test_a_group_is_put_before_the_names():
    block = {"on": "On", "wave_frame": 0}
    steps = [{"group": "osc_2", "one_of": {"sine": 1}}]
    content = {"synth": "vital", "blocks": {"sine": block}, "roles": {"bass": {"weight": 1, "steps": steps}}}
    space = engines["vital"].space

    preset = space.decode(Roles(space, content).draw(1, np.random.default_rng(0)).points[0])

    assert (preset["osc_2.on"], preset["osc_2.wave_frame"]) == ("On", 0.0)


def test_the_same_seed_draws_the_same():
    roles = Roles(Tone.space, table(a={"decay": {"even": [0.1, 1.1]}}))

    first = roles.draw(9, np.random.default_rng(3)).points
    second = roles.draw(9, np.random.default_rng(3)).points

    np.testing.assert_array_equal(first, second)


def test_a_value_that_is_not_allowed_is_refused_when_the_file_is_read():
    with pytest.raises(OptionError, match=r"wave='violin'"):
        Roles(Tone.space, table(a={"wave": "violin"}))
    with pytest.raises(OptionError, match=r"decay=99"):
        Roles(Tone.space, table(a={"decay": {"even": [0.1, 99]}}))
    with pytest.raises(OptionError, match=r"wave=.*not a continuous parameter"):
        Roles(Tone.space, table(a={"wave": {"even": ["saw", "sine"]}}))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"even": [2]}, "not two rising numbers"),
        ({"log": [0.5, 0.1]}, "not two rising numbers above 0"),
        ({"near": [0.1, 0.2]}, r"not \{even = \[low, high\]\}"),
        ({}, r"not \{even = \[low, high\]\}"),
        ({"one_of": []}, r"not \{even = \[low, high\]\}"),
    ],
)
def test_what_draws_nothing_is_refused(value: Any, message: str):
    with pytest.raises(OptionError, match=message):
        Roles(Tone.space, table(a={"decay": value}))


def test_unknown_names_are_named():
    unknown_block = table(a={})
    unknown_block["roles"]["lead"]["steps"] = [{"one_of": {"brigth": 1}}]

    with pytest.raises(UnknownName, match="no block named 'brigth'"):
        Roles(Tone.space, unknown_block)
    with pytest.raises(UnknownName, match="no parameter named 'deacy'"):
        Roles(Tone.space, table(a={"deacy": 1}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["roles"]["lead"].pop("weight"), "weight: missing"),
        (lambda content: content["roles"]["lead"].update(weight=-1), r"lead=-1: not a number of at least 0"),
        (lambda content: content["roles"]["lead"].update(steps=[3]), r"roles.lead: step 3: not a table"),
        (lambda content: content["roles"]["lead"].update(steps=[{"one_of": {}}]), "roles.lead: no weight above 0"),
        (lambda content: content["roles"].clear(), "roles: no weight above 0"),
        (lambda content: content.pop("blocks"), "blocks: missing"),
        (lambda content: content["blocks"].update(a=3), "blocks.a=3: not a table"),
    ],
)
def test_a_file_of_another_shape_is_refused(change: Callable[[dict[str, Any]], Any], message: str):
    content = table(a={})
    change(content)

    with pytest.raises(OptionError, match=message):
        Roles(Tone.space, content)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_roles_are_those_of_their_synth(path: Path):
    space = engines[path.stem].space

    roles = read_roles(path, space, path.stem)

    points = roles.draw(50, np.random.default_rng(0)).points
    np.testing.assert_array_equal(points, space.snap(points))
    assert len(roles.names) >= 10
    with pytest.raises(OptionError, match="not the roles of 'tone'"):
        read_roles(path, space, "tone")
