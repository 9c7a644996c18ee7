"""Polishing, the last stage of a search: sweeps find what helps."""

import numpy as np
import pytest

from patchflow.engines import engines
from patchflow.engines.tone import Tone
from patchflow.match.polish import Polish, audible_parameters, families
from patchflow.match.scorer import Outcome, Scored
from patchflow.presets import Knob, ParamSpace, dx7

from .conftest import scored

GOAL = np.array([0.3, 0.62, 0.81, 0.44])


class Bowl(Tone):
    """An engine of four knobs that need not be played."""

    space = ParamSpace(tuple(Knob(f"k{i}", 0.0, 1.0) for i in range(4)))


def polished(free: list[int], rounds: int = 300) -> tuple[Polish, Scored]:
    """Polishes towards `GOAL`, measured by the largest and the mean gap."""
    stage = Polish(Bowl(), np.array(free), np.random.default_rng(0))
    best = scored(np.full((1, 4), 0.5), np.array([np.abs(0.5 - GOAL).sum()]))
    for _ in range(rounds):
        points, _ = stage.ask(best, 8)
        distance = np.abs(points - GOAL).sum(1)
        stage.tell(Outcome(distance, np.arange(len(distance))))
        if distance.min() < best.distance[0]:
            best = scored(points[[distance.argmin()]], distance[[distance.argmin()]])
    return stage, best


def test_polishing_arrives():
    _, best = polished([0, 1, 2, 3])

    assert best.distance[0] < 0.01


def test_polishing_moves_only_what_is_free():
    _, best = polished([1, 3])

    np.testing.assert_allclose(best.points[0], [0.5, GOAL[1], 0.5, GOAL[3]], atol=0.005)


def test_polishing_knows_when_nothing_helps_any_more():
    stage, best = polished([0, 1, 2, 3])

    assert stage.stuck(best)
    assert not stage.stuck(scored(best.points + 0.1, best.distance))


class Plain(Bowl):
    """Four knobs that are no family."""

    space = ParamSpace(tuple(Knob(name, 0.0, 1.0) for name in "abcd"))


def middle(distance: float = 1.0) -> Scored:
    """All four knobs in the middle, as the best preset."""
    return scored(np.full((1, 4), 0.5), np.array([distance]), pitch=57)


def test_a_sweep_moves_each_parameter_and_each_family_once():
    points, pitch = Polish(Bowl(), np.arange(4), np.random.default_rng(0)).ask(middle(), 100)

    moved = [tuple(np.nonzero(row)[0].tolist()) for row in points != 0.5]
    assert sorted(moved) == [(0,), (0, 1, 2, 3), (1,), (2,), (3,)]
    assert set(pitch.tolist()) == {57}


def test_a_family_with_a_locked_member_stays():
    points, _ = Polish(Bowl(), np.array([0, 1, 3]), np.random.default_rng(0)).ask(middle(), 100)

    assert ((points != 0.5).sum(1) == 1).all()


def test_families_differ_in_one_number():
    found = [[dx7.SPACE.names[i] for i in members] for members in families(dx7.SPACE)]

    assert [f"op{n}.coarse" for n in range(1, 7)] in found
    assert [f"op2.level{i}" for i in range(1, 5)] in found
    assert not any("algorithm" in members for members in found)
    assert families(Plain.space) == []


def test_what_does_not_help_is_tried_in_the_other_direction():
    stage = Polish(Plain(), np.arange(4), np.random.default_rng(0))
    first, _ = stage.ask(middle(), 100)
    stage.tell(Outcome(np.full(4, 2.0), np.arange(4)))

    second, _ = stage.ask(middle(), 100)

    np.testing.assert_allclose(second, 1 - first)


def test_what_helped_is_tried_together_from_the_best_of_the_batch():
    stage = Polish(Plain(), np.arange(4), np.random.default_rng(0))
    points, _ = stage.ask(middle(), 100)
    stage.tell(Outcome(np.array([0.7, 2.0, 0.8, 0.9]), np.arange(4)))

    combined, _ = stage.ask(scored(points[[0]], np.array([0.7])), 100)

    shifts = points - 0.5
    np.testing.assert_allclose(combined[0], points[0] + shifts[2])
    np.testing.assert_allclose(combined[1], points[0] + shifts[2] + shifts[3])
    assert not np.isclose(combined, points[0] + shifts[1]).all(1).any()  # what did not help is not among them


def test_what_helps_no_more_is_not_combined_again():
    stage = Polish(Plain(), np.arange(4), np.random.default_rng(0))
    points, _ = stage.ask(middle(), 100)
    stage.tell(Outcome(np.array([0.7, 2.0, 0.8, 0.9]), np.arange(4)))
    best = scored(points[[0]], np.array([0.7]))
    combined, _ = stage.ask(best, 100)
    stage.tell(Outcome(np.full(len(combined), 2.0), np.arange(len(combined))))

    again, _ = stage.ask(best, 100)

    assert ((again != points[0]).sum(1) == 1).all()


def test_a_locked_space_leaves_nothing_to_polish():
    stage = Polish(Bowl(), np.array([], int), np.random.default_rng(0))
    best = scored(np.full((1, 4), 0.5), np.array([1.0]))

    points, _ = stage.ask(best, 8)

    np.testing.assert_array_equal(points, best.points)
    assert stage.stuck(best)


def test_what_is_switched_off_is_not_audible():
    audible = dict(zip(dx7.SPACE.names, audible_parameters(engines["dexed"](), dx7.SPACE.default()), strict=True))

    assert audible["op1.output"]
    assert audible["op1.coarse"]
    assert audible["op2.output"]  # it could be switched on
    assert not audible["op2.coarse"]
    assert not audible["lfo.speed"]


def test_all_of_a_synth_without_such_knowledge_is_audible():
    assert audible_parameters(Tone(), Tone.space.default()).all()


def test_nothing_is_polished_before_anything_was_heard():
    with pytest.raises(ValueError, match="nothing was rendered yet"):
        Polish(Tone(), np.arange(3), np.random.default_rng(0)).ask(None, 4)
