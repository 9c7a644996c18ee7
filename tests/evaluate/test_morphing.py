"""The measures of morphs by their definitions, and the comparison by a test that is worked out by hand."""

import numpy as np
import pytest

from patchflow.evaluate.morphing import Corpus, compare_morphs, nonlinearity, nonsmoothness
from patchflow.features.timbre_toolbox import TOOLBOX

PLACES = np.linspace(0, 1, 9)[:, None]


def test_a_line_is_smooth_and_linear():
    line = 3 * PLACES - 1

    np.testing.assert_allclose(nonsmoothness(line), 0, atol=1e-9)
    np.testing.assert_allclose(nonlinearity(line, line[0], line[-1]), 0, atol=1e-12)


def test_a_parabola_has_its_second_derivative():
    for steps in (5, 9, 33):
        place = np.linspace(0, 1, steps)[:, None]
        np.testing.assert_allclose(nonsmoothness(5 * place**2), 10)


def test_a_jump_counts_with_the_square_of_the_steps():
    jump = (PLACES >= 0.5).astype(float)

    # second differences are 1 and -1 at the jump, of seven, and 1/h^2 is 64
    np.testing.assert_allclose(nonsmoothness(jump), 64 * np.sqrt(2 / 7))
    errors = jump - PLACES
    np.testing.assert_allclose(nonlinearity(jump, jump[0], jump[-1]), np.sqrt((errors**2).mean()))


def test_a_morph_that_begins_with_another_sound_is_not_linear():
    line = np.zeros((3, 1))

    np.testing.assert_allclose(nonlinearity(line, np.array([1.0]), np.array([0.0])), np.sqrt((1 + 0.25) / 3))


def test_features_are_in_deviations_of_the_corpus():
    rng = np.random.default_rng(0)
    corpus = rng.lognormal(size=(500, len(TOOLBOX)))
    scale = Corpus.of(corpus)

    scores = scale.z_scores(corpus)
    np.testing.assert_allclose(scores.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(scores.std(0), 1)
    unknown = corpus[:1].copy()
    unknown[0, 3] = np.nan
    assert scale.z_scores(unknown)[0, 3] == pytest.approx(np.median(scores[:, 3]))


def test_sounds_without_features_do_not_count_in_the_corpus():
    corpus = np.random.default_rng(0).lognormal(size=(50, len(TOOLBOX)))
    silent = np.full((1, len(TOOLBOX)), np.nan)

    np.testing.assert_array_equal(Corpus.of(np.concatenate([corpus, silent])).mean, Corpus.of(corpus).mean)


def test_change_is_the_mean_over_features_of_their_own():
    reference = np.array([[1.0, 10.0], [3.0, 10.0]])
    ours = np.array([[1.0, 5.0], [2.0, 5.0]])

    found = compare_morphs(ours, reference, ("a", "b"))

    assert found.by_feature == pytest.approx({"a": -0.25, "b": -0.5})
    assert found.change == pytest.approx(-0.375)


def test_better_is_by_signed_ranks_on_one_side():
    # Of five pairs that are all better, the chance is 1 in 2^5 = .031; of four, 1 in 2^4 = .0625.
    reference = np.ones((5, 4))
    gains = np.array([1, 2, 3, 4, 5.0]) / 10
    one_worse = np.array([-1, 2, 3, 4, 0.0]) / 10
    ours = 1 - np.stack([gains, -gains, one_worse, np.zeros(5)], 1)

    found = compare_morphs(ours, reference, ("better", "worse", "unsure", "same"))

    assert (found.improved, found.worse) == (1, 1)
