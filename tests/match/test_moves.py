"""The moves of the search: what they may take from whom, and what they may not touch."""

from collections.abc import Callable

import numpy as np
import pytest

from patchflow.engines.tone import Tone
from patchflow.match.stages import Variation, favoured
from patchflow.presets import Knob, ParamSpace, dx7

SPACE = dx7.SPACE
GOOD = SPACE.snap(np.random.default_rng(1).random((20, len(SPACE))))
POOL = SPACE.snap(np.random.default_rng(2).random((30, len(SPACE))))
LOCKED = np.array([0, 5, 134])
MOVES = ("swap_groups", "mix", "difference", "step", "borrow")

Move = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def children(move: str, count: int = 200, locked: np.ndarray = LOCKED) -> np.ndarray:
    make: Move = getattr(Variation(SPACE, locked), move)
    rng = np.random.default_rng(0)
    return np.stack([make(GOOD[k % len(GOOD)], GOOD, POOL, rng) for k in range(count)])


def nearest_parents(born: np.ndarray) -> np.ndarray:
    """Of each child the good preset that it shares most values with."""
    return GOOD[(born[:, None] == GOOD).sum(2).argmax(1)]


def test_all_moves_are_used():
    assert tuple(move.__name__ for move in Variation(SPACE, LOCKED).moves) == MOVES


@pytest.mark.parametrize("move", MOVES)
def test_parents_are_only_read(move: str):
    good, pool = GOOD.copy(), POOL.copy()

    children(move, 50)

    np.testing.assert_array_equal(good, GOOD)
    np.testing.assert_array_equal(pool, POOL)


@pytest.mark.parametrize("move", MOVES)
def test_the_same_generator_makes_the_same_children(move: str):
    np.testing.assert_array_equal(children(move, 20), children(move, 20))


@pytest.mark.parametrize("move", MOVES)
def test_most_children_differ_from_all_parents(move: str):
    born = children(move)

    known = (born[:, None] == GOOD).all(2).any(1)

    assert known.mean() < 0.3


@pytest.mark.parametrize("move", MOVES)
def test_children_of_one_parent_are_possible(move: str):
    rng = np.random.default_rng(0)

    born = [getattr(Variation(SPACE, LOCKED), move)(GOOD[0], GOOD[:1], POOL[:1], rng) for _ in range(20)]

    assert np.stack(born).shape == (20, len(SPACE))


def test_operators_can_stand_in_for_each_other_and_nothing_else_can():
    variation = Variation(SPACE, LOCKED)
    groups = list(SPACE.groups)

    for i, alike in variation.alike.items():
        names = {groups[j] for j in alike}
        assert names == ({f"op{n}" for n in range(1, 7)} if groups[i].startswith("op") else {groups[i]})


def test_swapping_moves_whole_groups():
    variation = Variation(SPACE, LOCKED)
    parents = np.concatenate([GOOD, POOL])

    for child in children("swap_groups"):
        for block, members in enumerate(variation.blocks):
            places = [parents[:, variation.blocks[other]] for other in variation.alike[block]]
            assert (np.concatenate(places) == child[members]).all(1).any()


def test_swapping_sometimes_moves_an_operator_to_another_place():
    born = children("swap_groups")
    parents = np.concatenate([GOOD, POOL])
    op1 = list(SPACE.groups["op1"])

    at_home = (born[:, None, op1] == parents[:, op1]).all(2).any(1)

    assert 0.02 < (~at_home).mean() < 0.3


def test_mixing_takes_every_value_from_its_own_place():
    assert (children("mix")[:, None] == GOOD).any(1).all()


def test_mixing_has_two_parents_at_most():
    for child in children("mix", 50):
        state = child != GOOD[(child == GOOD).sum(1).argmax()]
        assert (child[state] == GOOD[:, state]).all(1).any()


def test_differences_leave_categories_alone():
    categories = np.array([hasattr(parameter, "options") for parameter in SPACE.parameters])
    born = children("difference")

    assert (born[:, None, categories] == GOOD[:, categories]).all(2).any(1).all()


def test_a_step_moves_one_to_five_values_but_no_locked_one():
    born = children("step")

    changed = born != nearest_parents(born)

    assert not changed[:, LOCKED].any()
    assert set(changed.sum(1)) <= {0, 1, 2, 3, 4, 5}
    assert changed.sum(1).mean() > 2


def test_a_step_of_an_ordered_value_is_at_least_one_cell():
    ordered = np.array([not hasattr(parameter, "options") for parameter in SPACE.parameters])
    born = children("step")

    shift = np.abs(born - nearest_parents(born))[:, ordered] * SPACE.cells[ordered]

    assert shift[shift > 0].min() >= 1 - 1e-9


def test_a_borrowed_value_is_the_pools_and_no_locked_one():
    born = children("borrow")
    parents = nearest_parents(born)

    changed = born != parents

    assert not changed[:, LOCKED].any()
    assert set(changed.sum(1)) <= set(range(9))
    assert ((born[:, None] == POOL) | ~changed[:, None]).all(2).any(1).all()


@pytest.mark.parametrize("move", MOVES)
def test_a_child_has_more_of_its_parent_than_of_others(move: str):
    born = children(move, 400)
    shared = (born[:, None] == GOOD).sum(2)

    assert (shared.argmax(1) == np.arange(400) % len(GOOD)).mean() > 0.7


def test_the_first_are_favoured():
    rank = favoured(20, 4000, np.random.default_rng(0))

    assert (rank.min(), rank.max()) == (0, 19)
    assert (rank < 10).mean() == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("move", MOVES)
def test_a_wholly_locked_space_breaks_nothing(move: str):
    assert children(move, 5, np.arange(len(SPACE))).shape == (5, len(SPACE))


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("space", [Tone.space, ParamSpace((Knob("a", 0.0, 1.0), Knob("b", 0.0, 1.0)))])
def test_small_spaces_with_and_without_groups_will_do(move: str, space: ParamSpace):
    rng = np.random.default_rng(0)
    good, pool = rng.random((2, 5, len(space)))

    child = getattr(Variation(space, np.array([1])), move)(good[0], good, pool, rng)

    assert child.shape == (len(space),)
    assert np.isfinite(child).all()


def test_without_groups_every_parameter_is_its_own_block():
    variation = Variation(ParamSpace((Knob("a", 0.0, 1.0), Knob("b", 0.0, 1.0))), np.array([], int))

    assert [block.tolist() for block in variation.blocks] == [[0], [1]]
