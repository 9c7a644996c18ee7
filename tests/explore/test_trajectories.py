"""Borrowing takes sections over one after another, and steering goes as far as was asked."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from patchflow.explore.good_presets import Donors, LatentWalk
from patchflow.explore.player import Heard
from patchflow.explore.trajectories import (
    Crossover,
    HeardPoint,
    LatentTrajectory,
    Origin,
    Trajectory,
    crossovers,
    points_at,
    steer,
)
from patchflow.presets import Choice, Knob, ParamSpace

SPACE = ParamSpace(
    (
        Knob("a.level", 0.0, 1.0, group="a"),
        Choice("a.wave", ("x", "y"), group="a"),
        Knob("b.level", 0.0, 1.0, group="b"),
        Choice("b.wave", ("x", "y"), group="b"),
    )
)
START = np.array([0.0, 0.25, 0.0, 0.25])
DONOR = Donors(np.array([[0.8, 0.75, 0.4, 0.75]]), ("draw 1",))
BLOCKS = {"a": np.array([0, 1]), "b": np.array([2, 3])}
ALL = np.ones(4, bool)


def trajectories(count: int = 1, **settings: float) -> list[Crossover]:
    return crossovers(SPACE, START, BLOCKS, DONOR, count, rng=np.random.default_rng(0), elsewhere=0.0, **settings)


def test_share_0_is_the_preset_and_1_has_all_sections_of_the_donor():
    (trajectory,) = trajectories()
    assert trajectory.at(0.0).tolist() == START.tolist()
    assert trajectory.at(1.0).tolist() == DONOR.points[0].tolist()
    assert trajectory.sources(0.0) == ()
    assert {source.section for source in trajectory.sources(1.0)} == {"a", "b"}


def test_at_a_stop_one_section_is_whole_and_the_other_as_it_was():
    (trajectory,) = trajectories()
    assert trajectory.stops == (0.5,)
    point = trajectory.at(0.5)
    (source,) = trajectory.sources(0.5)
    other = "b" if source.section == "a" else "a"
    assert source == Origin(source.section, "draw 1", 1.0)
    assert point[BLOCKS[source.section]].tolist() == DONOR.points[0][BLOCKS[source.section]].tolist()
    assert point[BLOCKS[other]].tolist() == START[BLOCKS[other]].tolist()


def test_a_part_of_a_section_is_between_and_options_switch_once():
    (trajectory,) = trajectories()
    first = BLOCKS[trajectory.sources(0.5)[0].section]
    shares = np.linspace(0, 0.5, 51)
    points = np.stack([trajectory.at(share) for share in shares])
    np.testing.assert_allclose(points[:, first[0]], 2 * shares * DONOR.points[0][first[0]], atol=1e-9)
    assert set(points[:, first[1]]) == {0.25, 0.75}
    assert (np.diff(points[:, first[1]]) >= 0).all()


def test_a_donor_that_changes_nothing_makes_no_way():
    same = Donors(START[None], ("draw 1",))
    assert crossovers(SPACE, START, BLOCKS, same, 5, rng=np.random.default_rng(0)) == []


def test_a_section_may_come_from_one_of_the_same_shape_and_says_so():
    trajectory = crossovers(SPACE, START, BLOCKS, DONOR, 1, rng=np.random.default_rng(0), elsewhere=1.0)[0]
    moved = {source.origin for source in trajectory.sources(1.0)}
    for source, section in (("b", "a"), ("a", "b")):
        if f"{source} of draw 1" in moved:
            assert trajectory.at(1.0)[BLOCKS[section]].tolist() == DONOR.points[0][BLOCKS[source]].tolist()
    assert moved & {"a of draw 1", "b of draw 1"}


def test_a_walk_begins_at_the_preset_ends_at_the_draw_and_keeps_what_may_not_move():
    # the map from latents to presets is the identity, so the walk can be followed
    walk = LatentWalk("walk 1", np.array([0.6, 0.25, 0.2, 0.25]), np.array([0.1, 0.75, 0.9, 0.75]), lambda z: z)
    trajectory = LatentTrajectory(walk, "all")
    free = np.array([True, True, False, True])
    begin, end = points_at([trajectory, trajectory], np.array([0.0, 1.0]), SPACE, START, free)
    assert begin.tolist() == START.tolist()
    np.testing.assert_allclose(end, [0.1, 0.75, START[2], 0.75])
    middle = walk.latent(0.5)
    np.testing.assert_allclose(middle, (walk.start + walk.end) / np.sqrt(2))


class Line(Trajectory):
    """A trajectory on which nothing but the share matters."""

    def sources(self, share: float) -> tuple[Origin, ...]:
        return ()


def heard_at(values: np.ndarray) -> Heard:
    sounds = np.where(np.isfinite(values), 1.0, 0.0)[:, None].astype(np.float32)
    return Heard(values[:, None], sounds, values[:, None], np.zeros(len(values)))


def steered(curve: Callable[[float], float], goal: float) -> tuple[list[HeardPoint], list[float]]:
    played: list[float] = []

    def play(on: Sequence[Trajectory], shares: np.ndarray) -> Heard:
        played.extend(shares.tolist())
        return heard_at(np.array([curve(share) for share in shares]))

    return steer([Line()] * 3, goal, 0.5, play, lambda heard: heard.distance[:, 0]), played


@pytest.mark.parametrize("power", [1, 3, 0.4])
def test_steering_lands_within_the_tolerance_on_any_rising_curve(power: float):
    trials, _ = steered(lambda share: 30 * share**power, 12.0)
    assert len(trials) == 3
    assert all(abs(trial.value - 12.0) <= 0.5 for trial in trials)


def test_a_way_that_is_too_short_is_played_once_and_gives_its_end():
    trials, played = steered(lambda share: 5 * share, 12.0)
    assert [trial.value for trial in trials] == [5.0, 5.0, 5.0]
    assert played == [1.0, 1.0, 1.0]


def test_what_cannot_be_heard_is_too_far():
    trials, _ = steered(lambda share: np.inf if share > 0.5 else 30 * share, 12.0)
    assert all(abs(trial.value - 12.0) <= 0.5 for trial in trials)


def test_on_a_step_the_nearer_side_is_given():
    trials, _ = steered(lambda share: 4.0 if share < 0.3 else 20.0, 11.0)
    assert all(trial.value == 4.0 for trial in trials)


def test_whole_sections_are_tried_first():
    (trajectory,) = trajectories()
    played = []

    def play(on, shares):
        played.extend(shares.tolist())
        return heard_at(30 * shares)

    steer([trajectory], 15.0, 0.5, play, lambda heard: heard.distance[:, 0])
    assert played == [1.0, 0.5]
