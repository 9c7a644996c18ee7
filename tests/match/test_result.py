"""Candidates: apart by ear, best first; and how certain each parameter is."""

import numpy as np
import pytest

from patchflow.engines.tone import Tone
from patchflow.match.result import keep_apart, keep_distinct, pick_among, pick_distinct, uncertainty
from patchflow.match.scorer import Scored


def scored(levels_db: list[float], distance: list[float], points: np.ndarray | None = None) -> Scored:
    """Presets with flat spectrograms: the gap between two is the difference of their levels."""
    count = len(levels_db)
    mels = np.round(3 * np.array(levels_db)).astype(np.uint8)[:, None, None] * np.ones((1, 80, 20), np.uint8)
    points = np.random.default_rng(0).random((count, 3)) if points is None else points
    found_at = np.zeros((count, 2))
    sounds = np.full(count, None)
    distances = np.array(distance, float)
    coarse = -mels[:, ::4, 0].astype(np.float32) / 3
    return Scored(points, np.full(count, 60), distances, distances, np.zeros(count), mels, coarse, found_at, sounds)


def levels(found: Scored) -> list[float]:
    return (found.mels[:, 0, 0] / 3).round().tolist()


def test_what_sounds_like_a_better_one_is_no_parent():
    kept = keep_apart(None, scored([10, 11, 20, 21, 30], [1, 2, 3, 4, 5]), 2.0, 8)

    assert levels(kept) == [10, 20, 30]
    assert kept.distance.tolist() == [1, 3, 5]


def test_a_better_preset_takes_the_place_of_those_like_it():
    first = keep_apart(None, scored([10, 20], [3, 4]), 2.0, 8)

    assert levels(keep_apart(first, scored([11, 30], [2, 9]), 2.0, 8)) == [11, 20, 30]
    assert levels(keep_apart(first, scored([11, 30], [5, 9]), 2.0, 8)) == [10, 20, 30]


def test_of_parents_that_are_apart_the_best_are_kept():
    first = keep_apart(None, scored([10, 20, 30], [3, 4, 5]), 2.0, 3)

    kept = keep_apart(first, scored([40, 50, 60], [1, 4.5, 6]), 2.0, 3)

    assert levels(kept) == [40, 10, 20]


def test_nothing_sounds_alike_once_the_target_is_met():
    assert len(keep_apart(None, scored([10, 10, 10], [0, 1, 2]), 0.0, 8)) == 3


def test_presets_that_sound_nearly_the_same_are_kept_once():
    kept = keep_distinct(None, scored([10, 11, 20, 21, 30], [1, 2, 3, 4, 5]), 8)

    assert levels(kept) == [10, 20, 30]
    assert kept.distance.tolist() == [1, 3, 5]


def test_the_best_of_its_kind_is_kept_whenever_it_comes():
    first = keep_distinct(None, scored([10, 20], [3, 4]), 8)

    kept = keep_distinct(first, scored([11, 30], [2, 9]), 8)

    assert levels(kept) == [11, 20, 30]


def test_no_more_are_kept_than_wanted():
    kept = keep_distinct(None, scored([10, 20, 30, 40], [4, 3, 2, 1]), 2)

    assert levels(kept) == [40, 30]


def test_a_full_list_takes_only_better_ones():
    full = keep_distinct(None, scored([10, 20], [1, 2]), 2)

    assert levels(keep_distinct(full, scored([30, 40], [3, 1.5]), 2)) == [10, 40]
    assert levels(keep_distinct(full, scored([30], [3]), 2)) == [10, 20]


def test_candidates_are_apart_and_best_first():
    rng = np.random.default_rng(1)
    found = scored(list(rng.uniform(0, 40, 60)), sorted(rng.uniform(1, 9, 60)))

    chosen = pick_distinct(found, found.take(np.arange(1)), 5)

    heard = np.array(levels(chosen))
    assert len(chosen) == 5
    assert chosen.distance[0] == found.distance[0]
    assert (np.diff(chosen.distance) >= 0).all()
    assert (np.abs(heard[:, None] - heard) + 99 * np.eye(5)).min() >= 2


@pytest.mark.parametrize("count", [1, 2, 7])
def test_no_more_candidates_than_wanted(count: int):
    found = scored([0, 10, 20, 30, 40, 50, 60, 70], list(range(8)))

    assert len(pick_distinct(found, found.take(np.arange(1)), count)) == count


def test_kinds_that_the_best_have_not_are_added():
    best, others = scored([10, 10, 10], [1, 2, 3]), scored([10, 40], [1, 8], np.array([[0.5] * 3, [0.6] * 3]))

    assert levels(pick_distinct(best, others, 2)) == [10, 40]


def test_a_candidate_that_is_far_down_among_the_best_keeps_its_sound():
    found = scored([10, 40], [1, 8])
    others = found.take(np.arange(2))
    others.sounds[:] = [np.zeros(3), np.ones(3)]

    chosen = pick_distinct(found, others, 2)

    assert [sound.tolist() for sound in chosen.sounds] == [[0, 0, 0], [1, 1, 1]]


def test_the_bound_is_lowered_if_there_are_too_few():
    found = scored([10, 11, 12], [1, 2, 3])

    assert len(pick_distinct(found, found.take(np.arange(1)), 3)) == 3


def test_twins_by_ear_never_fill_the_list():
    found = scored([10, 10, 10], [1, 1, 1])

    assert len(pick_distinct(found, found.take(np.arange(1)), 3)) == 1


def test_no_preset_is_a_candidate_twice():
    found = scored([10, 30, 50], [1, 2, 3])

    chosen = pick_distinct(found, found.take(np.array([0, 2])), 8)

    assert len(np.unique(chosen.points, axis=0)) == len(chosen) == 3


def test_knobs_are_as_uncertain_as_they_spread():
    points = np.array([[0.25, 0.2, 0.5], [0.25, 0.4, 0.5], [0.25, 0.6, 0.5]])

    spread = uncertainty(scored([0, 0, 0], [1, 1.2, 1.4], points), Tone.space)

    assert spread == {"wave": 0, "decay": round(np.std([0.2, 0.4, 0.6]), 4), "gain": 0}


def test_choices_are_as_uncertain_as_they_disagree():
    points = np.tile([0.25, 0.5, 0.5], (4, 1))
    points[2:, 0] = 0.75

    assert uncertainty(scored([0] * 4, [1, 1, 1, 1], points), Tone.space)["wave"] == 0.5


def test_presets_that_are_far_worse_do_not_count():
    points = np.array([[0.25, 0.5, 0.5], [0.75, 0.9, 0.1]])

    assert set(uncertainty(scored([0, 0], [1, 9], points), Tone.space).values()) == {0}


def test_the_best_of_each_kind_is_picked_though_others_are_nearer_or_sound_the_same():
    near = scored([10, 20, 30], [1, 2, 3])
    far = scored([10, 20], [2.5, 9])

    assert pick_among([near, far], [0, 1], 3) == [(0, 0), (0, 1), (1, 0)]
    assert pick_among([near, far], [0, 1], 2) == [(0, 0), (1, 0)]
    assert pick_among([near, far], [0, 1], 1) == [(0, 0)]
    assert pick_among([far, near], [0, 1], 4) == [(1, 0), (1, 1), (0, 0), (1, 2)]


def test_pools_of_one_kind_are_picked_from_as_one():
    pools = [scored([10, 20], [3, 5]), scored([10.5, 40], [1, 7]), scored([10], [4])]

    assert pick_among(pools, [0, 0, 1], 3) == [(1, 0), (2, 0), (0, 1)]
