"""How well numbers separate two groups, against the definitions."""

import numpy as np
import pytest

from patchflow.evaluate.disentanglement import area_under_curve, balanced_accuracy, best_axis, classify, d_prime


def groups(gap: float, count: int = 200, size: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Normal positions, of which the second group is moved along dimension 2."""
    rng = np.random.default_rng(seed)
    positive = rng.random(count) < 0.3
    positions = rng.standard_normal((count, size))
    positions[positive, 2] += gap
    return positions, positive


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    rng = np.random.default_rng(0)
    values, positive = np.round(rng.standard_normal(60), 1), rng.random(60) < 0.4
    gaps = values[positive][:, None] - values[~positive]

    assert area_under_curve(values, positive) == pytest.approx(((gaps > 0) + 0.5 * (gaps == 0)).mean())


def test_d_prime_of_two_normal_groups_is_the_gap_of_their_means():
    positions, positive = groups(1.5, 20_000)

    assert d_prime(positions[:, 2], positive) == pytest.approx(1.5, abs=0.06)


def test_d_prime_without_spread_is_0():
    assert d_prime(np.ones(4), np.array([True, True, False, False])) == 0


def test_the_axis_is_chosen_and_turned_by_the_training_items():
    known, unknown = groups(-2.0), groups(-2.0, seed=1)

    axis = best_axis(known, unknown)

    assert axis.dimension == 2
    assert axis.auc == pytest.approx(1 - area_under_curve(unknown[0][:, 2], unknown[1]))
    assert axis.d_prime > 1


def test_noise_does_not_separate_unknown_items():
    known, unknown = groups(0.0, 400), groups(0.0, 4_000, seed=1)

    assert best_axis(known, unknown).auc == pytest.approx(0.5, abs=0.05)


def test_a_classifier_learns_what_is_separable():
    known, (features, positive) = groups(6.0, 2_000), groups(6.0, 5_000, seed=1)

    assert balanced_accuracy(classify(known, features), positive) > 0.99


def test_a_classifier_of_noise_is_at_chance_whatever_the_sizes_of_the_groups():
    known, (features, positive) = groups(0.0, 2_000), groups(0.0, 5_000, seed=1)

    assert balanced_accuracy(classify(known, features), positive) == pytest.approx(0.5, abs=0.04)


def test_scale_and_offset_of_features_do_not_matter():
    (x, positive), (features, _) = groups(1.0), groups(1.0, seed=1)
    moved = classify((1_000 * x - 7, positive), 1_000 * features - 7)

    assert (moved == classify((x, positive), features)).mean() > 0.99


def test_the_majority_alone_is_at_chance():
    assert balanced_accuracy(np.zeros(10, bool), np.arange(10) == 0) == 0.5
