"""Polishing, the last stage of a search: sweeps find what helps."""

import numpy as np
import pytest

from patchflow.engines import engines
from patchflow.engines.tone import Tone
from patchflow.match.polish import Polish, audible_parameters
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


def test_the_first_sweep_moves_one_parameter_at_a_time():
    stage = Polish(Bowl(), np.arange(4), np.random.default_rng(0))

    points, pitch = stage.ask(scored(np.full((1, 4), 0.5), np.array([1.0]), pitch=57), 100)

    assert ((points != 0.5).sum(1) == 1).all()
    assert sorted(np.nonzero(points != 0.5)[1].tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert set(pitch.tolist()) == {57}


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
