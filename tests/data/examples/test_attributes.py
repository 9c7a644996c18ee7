"""Attributes: the extremes of the training sounds, whatever the others are like."""

import numpy as np
import pytest

from patchflow.data.examples.attributes import MEASURED_ATTRIBUTES, NAMED_ATTRIBUTE, kind_by_name, tags_of
from patchflow.features.descriptors import CHARACTER, UNITS

VALUES = np.random.default_rng(0).standard_normal((400, len(MEASURED_ATTRIBUTES)))
TRAINING = np.arange(300)


def test_the_wanted_share_of_the_training_sounds_gets_a_tag():
    tags = tags_of(VALUES, MEASURED_ATTRIBUTES, TRAINING, 0.31)[TRAINING]

    np.testing.assert_allclose((tags != 0).mean(0), 0.31, atol=0.01)
    np.testing.assert_allclose(tags.mean(0), 0, atol=0.01)


def test_other_sounds_do_not_decide_the_thresholds():
    changed = VALUES.copy()
    changed[300:] *= 100

    before, after = (tags_of(values, MEASURED_ATTRIBUTES, TRAINING, 0.31)[TRAINING] for values in (VALUES, changed))

    np.testing.assert_array_equal(before, after)


def test_training_sounds_do():
    changed = VALUES.copy()
    changed[:300] *= 100

    assert (
        tags_of(VALUES, MEASURED_ATTRIBUTES, TRAINING, 0.31) != tags_of(changed, MEASURED_ATTRIBUTES, TRAINING, 0.31)
    )[300:].any()


def test_the_first_end_is_for_small_values():
    order = VALUES[:, 0].argsort()

    tags = tags_of(VALUES, MEASURED_ATTRIBUTES, TRAINING, 0.31)[order, 0]

    assert (np.diff(tags) >= 0).all()
    assert (tags[0], tags[-1]) == (-1, 1)


@pytest.mark.parametrize(("training", "tagged"), [(TRAINING, 0.0), (TRAINING[:0], 0.31)])
def test_without_a_share_or_training_sounds_nothing_is_said(training: np.ndarray, tagged: float):
    assert not tags_of(VALUES, MEASURED_ATTRIBUTES, training, tagged).any()


def test_an_attribute_by_name_is_taken_as_it_is():
    named = kind_by_name(["TUB BELLS", "SyncLead", "Blue"])

    assert tags_of(named[:, None].astype(float), (NAMED_ATTRIBUTE,), np.arange(3), 0.31).ravel().tolist() == [-1, 1, 0]


def test_every_measure_is_one_that_is_made():
    assert {pair.measure for pair in MEASURED_ATTRIBUTES} <= {*UNITS, *CHARACTER}
