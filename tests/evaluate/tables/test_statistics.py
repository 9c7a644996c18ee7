"""Statistics against scipy on the raw numbers, and against their definitions."""

import numpy as np
import pytest
from scipy import stats

from patchflow.evaluate.tables.claims import anova, holm, paired, unpaired


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2.0, size=shape)


def test_anova_is_the_ratio_of_mean_squares():
    groups = [numbers(20, seed=k) + 0.2 * k for k in range(3)]
    everything = np.concatenate(groups)
    between = sum(20 * (group.mean() - everything.mean()) ** 2 for group in groups) / 2
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / 57

    found = anova(groups)

    assert found
    assert (found.between, found.within) == (2, 57)
    assert found.f == pytest.approx(between / within)
    assert found.p == pytest.approx(stats.f.sf(between / within, 2, 57))


def test_there_is_no_variance_to_analyse_in_one_group():
    assert anova([numbers(20)]) is None


def test_pairs_are_compared_by_wilcoxons_test():
    first, second = numbers(2, 40)

    found = paired(first, second + 0.4)

    assert found.p == pytest.approx(stats.wilcoxon(first - second - 0.4)[1])
    assert found.difference == pytest.approx((first - second).mean() - 0.4)


def test_the_rank_correlation_is_the_share_of_ranks_for_less_those_against():
    gap = np.array([1.0, -2.0, 3.0, 4.0, 5.0, -6.0, 7.0])

    assert paired(gap, np.zeros(7)).rank == pytest.approx((1 + 3 + 4 + 5 + 7 - 2 - 6) / 28)


def test_turning_a_pair_round_turns_the_sign_alone():
    first, second = numbers(2, 30)
    there, back = paired(first, second), paired(second, first)

    assert (back.difference, back.rank, back.p) == pytest.approx((-there.difference, -there.rank, there.p))


def test_groups_are_compared_by_the_mann_whitney_test():
    first, second = numbers(30), numbers(40, seed=1) + 1

    found = unpaired(first, second)

    assert found.p == pytest.approx(stats.mannwhitneyu(first, second).pvalue)
    assert found.rank == pytest.approx(np.sign(first[:, None] - second).mean())


@pytest.mark.parametrize("compare", [paired, unpaired])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_too_few_numbers_have_no_p_value(compare, count: int):
    assert compare(numbers(count), numbers(count, seed=1)).p is None


def test_equal_pairs_have_no_p_value():
    assert paired(numbers(50), numbers(50)).p is None


def test_holm_rejects_as_his_procedure_does():
    chances = [0.001, 0.04, 0.012, 0.03, 0.8]
    rejected, ordered = set(), sorted(range(5), key=lambda k: chances[k])
    for place, k in enumerate(ordered):
        if chances[k] > 0.05 / (5 - place):
            break
        rejected.add(k)

    assert {k for k, p in enumerate(holm(chances)) if p <= 0.05} == rejected


def test_holm_keeps_the_order_and_never_exceeds_one():
    chances = np.random.default_rng(0).random(30)
    corrected = np.array(holm(chances.tolist()))

    assert (np.diff(corrected[np.argsort(chances)]) >= 0).all()
    assert corrected.max() <= 1
