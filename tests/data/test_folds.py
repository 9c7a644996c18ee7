"""Folds: families are never divided, parts never overlap, and chance is the seed's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchflow.data.bank import PARTS, deal

families = st.lists(st.integers(0, 12), min_size=1, max_size=80).map(np.array)


@given(families, st.integers(2, 6), st.floats(0, 0.5), st.integers(0, 99))
def test_a_family_is_never_divided(family: np.ndarray, folds: int, valid: float, seed: int):
    parts = deal(family, folds, valid, seed)

    for number in np.unique(family):
        assert (parts[family == number] == parts[family == number][0]).all()


@given(families, st.integers(2, 6), st.integers(0, 99))
def test_everything_is_tested_in_exactly_one_fold(family: np.ndarray, folds: int, seed: int):
    parts = deal(family, folds, 0.1, seed)

    assert ((parts == PARTS.index("test")).sum(1) == 1).all()


def test_folds_are_of_about_equal_size_though_families_are_not():
    family = np.repeat(np.arange(60), np.random.default_rng(0).integers(1, 30, 60))

    sizes = (deal(family, 5, 0.1, 0) == PARTS.index("test")).sum(0)

    assert np.ptp(sizes) <= 2


def test_validation_has_about_its_share_of_the_rest():
    parts = deal(np.arange(1000), 5, 0.1, 0)

    assert ((parts == PARTS.index("valid")).sum(0) == 80).all()


def test_a_family_that_is_too_large_for_validation_is_for_training():
    family = np.array([0] * 50 + list(range(1, 51)))

    parts = deal(family, 2, 0.1, 0)

    assert not (parts[0] == PARTS.index("valid")).any()


def test_a_chain_of_sounds_that_would_fill_a_fold_is_learned_from_in_all_of_them():
    family = np.array([0] * 300 + list(range(1, 701)))

    parts = deal(family, 5, 0.1, 0)

    assert (parts[family == 0] == PARTS.index("train")).all()
    assert ((parts == PARTS.index("test")).sum(0) == 140).all()
    assert ((parts == PARTS.index("valid")).sum(0) == 86).all()


def test_a_family_that_is_a_quarter_of_a_fold_is_tested():
    family = np.array([0] * 250 + list(range(1, 4751)))

    assert (deal(family, 5, 0.1, 0)[0] == PARTS.index("test")).sum() == 1


def test_the_seed_decides():
    deals = [deal(np.arange(50), 5, 0.1, seed) for seed in (0, 0, 1)]

    np.testing.assert_array_equal(deals[0], deals[1])
    assert (deals[0] != deals[2]).any()


@pytest.mark.parametrize("valid", [0.0, 0.5])
def test_one_family_alone_is_tested_once_and_trained_on_otherwise(valid: float):
    parts = deal(np.zeros(3, int), 3, valid, 0)

    assert sorted(parts[0].tolist()) == [PARTS.index("train"), PARTS.index("train"), PARTS.index("test")]
