"""The sampler: whole groups are crossed, jitter is small, shares are kept; roles draw values as their blocks say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import patchflow
from patchflow.data.sampler import Roles, Sampler, crossover, jitter, read_roles, shuffle
from patchflow.engines import engines
from patchflow.engines.tone import Tone
from patchflow.errors import OptionError, UnknownName
from patchflow.presets import Choice, Knob, ParamSpace, Steps, dx7

SPACE = dx7.SPACE
BANK = SPACE.snap(np.random.default_rng(9).random((50, len(SPACE))))
EVEN = np.full(50, 1 / 50)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def among(points: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Whether each point is one of the bank's."""
    return (points[:, None] == bank[None]).all(2).any(1)


def test_a_child_has_whole_groups_of_its_parents(rng: np.random.Generator):
    a, b = np.zeros((200, len(SPACE))), np.ones((200, len(SPACE)))

    child = crossover(SPACE, a, b, rng)

    for members in SPACE.groups.values():
        assert np.isin(child[:, members].mean(1), [0, 1]).all()


def test_a_child_has_parts_of_both_parents(rng: np.random.Generator):
    child = crossover(SPACE, np.zeros((500, len(SPACE))), np.ones((500, len(SPACE))), rng)

    taken = np.array([child[:, members[0]].mean() for members in SPACE.groups.values()])

    assert np.abs(taken - 0.35).max() < 0.08


def test_groups_are_taken_independently(rng: np.random.Generator):
    child = crossover(SPACE, np.zeros((500, len(SPACE))), np.ones((500, len(SPACE))), rng)

    patterns = {tuple(row) for row in child[:, [members[0] for members in SPACE.groups.values()]]}

    assert len(patterns) > 50


def test_parents_are_only_read(rng: np.random.Generator):
    a, b = BANK[:10].copy(), BANK[10:20].copy()

    crossover(SPACE, a, b, rng)
    jitter(SPACE, a, rng)

    np.testing.assert_array_equal(a, BANK[:10])
    np.testing.assert_array_equal(b, BANK[10:20])


def test_jitter_stays_on_the_grid_of_the_cube(rng: np.random.Generator):
    edges = np.repeat([SPACE.snap(np.zeros(len(SPACE))), SPACE.snap(np.ones(len(SPACE)))], 50, axis=0)

    moved = jitter(SPACE, edges, rng, share=1.0, size=0.5)

    np.testing.assert_array_equal(moved, SPACE.snap(moved))
    assert ((moved >= 0) & (moved <= 1)).all()


def test_jitter_moves_about_its_share_of_the_ordered_parameters(rng: np.random.Generator):
    space = ParamSpace(tuple(Knob(f"k{i}", 0.0, 1.0) for i in range(100)))
    points = rng.random((100, 100))

    moved = jitter(space, points, rng, share=0.2) != points

    assert moved.mean() == pytest.approx(0.2, abs=0.02)


def test_jitter_moves_by_its_size(rng: np.random.Generator):
    space = ParamSpace(tuple(Knob(f"k{i}", 0.0, 1.0) for i in range(100)))
    points = np.full((100, 100), 0.5)

    moved = jitter(space, points, rng, share=1.0, size=0.05) - points

    assert moved.std() == pytest.approx(0.05, rel=0.05)
    assert abs(moved.mean()) < 0.005


def test_jitter_redraws_categories_rarely_and_evenly(rng: np.random.Generator):
    space = ParamSpace((Choice("wave", ("a", "b", "c", "d")), Steps("level", 0, 99)))
    points = np.tile(space.snap(np.array([0.0, 0.5])), (50_000, 1))

    wave = jitter(space, points, rng, share=0.4)[:, 0]
    changed = wave[wave != points[:, 0]]

    assert len(changed) == pytest.approx(50_000 * 0.04 * 3 / 4, rel=0.1)
    assert np.unique(changed, return_counts=True)[1] == pytest.approx(np.full(3, len(changed) / 3), rel=0.15)


def test_shuffling_keeps_the_marginals_and_breaks_the_structure(rng: np.random.Generator):
    bank = np.array([[0.1, 0.1, 0.1], [0.9, 0.9, 0.9]])

    points = shuffle(bank, 4000, rng)

    assert set(np.unique(points)) == {0.1, 0.9}
    assert np.abs(np.corrcoef(points.T) - np.eye(3)).max() < 0.06


@pytest.mark.parametrize(
    ("shares", "known"),
    [((1.0, 0.0, 0.0), 1.0), ((0.0, 0.0, 0.0), 0.0), ((0.5, 0.0, 0.0), 0.5), ((0.0, 0.0, 1.0), 0.0)],
)
def test_the_share_of_unchanged_presets_is_kept(
    shares: tuple[float, float, float], known: float, rng: np.random.Generator
):
    points = Sampler(SPACE, BANK, EVEN, *shares).draw(2000, rng)

    assert among(points, BANK).mean() == pytest.approx(known, abs=0.04)


def test_crossed_presets_are_made_of_groups_of_the_bank(rng: np.random.Generator):
    points = Sampler(SPACE, BANK, EVEN, 0.0, 1.0, 0.0).draw(100, rng)

    for members in SPACE.groups.values():
        assert among(points[:, members], BANK[:, members]).all()
    assert not among(points, BANK).all()


def test_jittered_presets_are_near_the_bank(rng: np.random.Generator):
    points = Sampler(SPACE, BANK, EVEN, 0.0, 0.0, 1.0).draw(100, rng)

    same = (points[:, None] == BANK[None]).mean(2).max(1)

    assert same.min() > 0.6
    assert same.max() < 1


def test_a_preset_is_drawn_as_often_as_it_weighs(rng: np.random.Generator):
    weights = np.r_[0.5, np.full(49, 0.5 / 49)]

    points = Sampler(SPACE, BANK, weights, 1.0, 0.0, 0.0).draw(4000, rng)

    assert (points == BANK[0]).all(1).mean() == pytest.approx(0.5, abs=0.03)


def test_presets_are_picked_as_numpy_picks_by_weight(rng: np.random.Generator):
    weights = np.arange(1.0, 51) / np.arange(1.0, 51).sum()
    other = np.random.default_rng(0)

    picked = Sampler(SPACE, BANK, weights)._pick(500, rng)

    np.testing.assert_array_equal(picked, other.choice(50, 500, p=weights))


@pytest.mark.parametrize(("shares", "kind"), [((1.0, 0.0, 0.0), 0), ((0.0, 1.0, 0.0), 1), ((0.0, 0.0, 1.0), 2)])
def test_a_deal_knows_which_presets_each_was_made_of(
    shares: tuple[float, float, float], kind: int, rng: np.random.Generator
):
    deal = Sampler(SPACE, BANK, EVEN, *shares).deal(200, rng)

    assert set(deal.kinds) == {kind}
    a, b = BANK[deal.sources[:, 0]], BANK[deal.sources[:, 1]]
    if kind == 1:
        assert ((deal.points == a) | (deal.points == b)).all()
    else:
        assert (deal.sources[:, 1] == -1).all()
        assert ((deal.points == a).mean(1) > 0.6).all()


def test_a_shuffled_preset_has_no_source(rng: np.random.Generator):
    deal = Sampler(SPACE, BANK, EVEN, 0.0, 0.0, 0.0).deal(50, rng)

    assert set(deal.kinds) == {3}
    assert (deal.sources == -1).all()


def test_the_same_generator_draws_the_same():
    sampler = Sampler(SPACE, BANK, EVEN)
    first, second = (sampler.draw(64, np.random.default_rng(5)) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert sampler.notes(64, np.random.default_rng(5)) == sampler.notes(64, np.random.default_rng(5))


def test_notes_are_in_range(rng: np.random.Generator):
    notes = Sampler(SPACE, BANK, EVEN).notes(5000, rng, length=2.5)

    assert {note.length for note in notes} == {2.5}
    assert (min(n.pitch for n in notes), max(n.pitch for n in notes)) == (24, 96)
    assert (min(n.velocity for n in notes), max(n.velocity for n in notes)) == (20, 127)
    assert 0.2 <= min(n.hold for n in notes) < 0.21
    assert 3.4 < max(n.hold for n in notes) <= 3.5


def test_the_commonest_notes_are_drawn_more_often(rng: np.random.Generator):
    notes = Sampler(SPACE, BANK, EVEN).notes(5000, rng)

    assert np.mean([note.pitch == 60 for note in notes]) == pytest.approx(0.25 + 0.75 / 73, abs=0.03)
    assert np.mean([note.velocity == 100 for note in notes]) == pytest.approx(0.6 + 0.4 / 108, abs=0.03)
    assert np.mean([note.hold == 3.0 for note in notes]) == pytest.approx(0.3, abs=0.03)


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
