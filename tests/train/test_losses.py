"""Terms of a loss: weights grow as they should, names are checked."""

import pytest

from patchflow.errors import ModelError, UnknownName
from patchflow.train.schedule import Terms, check_finite

TERMS = Terms(("sound", "latent", "tags"), {"latent": 0.5}, {"latent": 100, "tags": 10})


@pytest.mark.parametrize(("epoch", "latent"), [(0, 0.0), (25, 0.125), (50, 0.25), (100, 0.5), (300, 0.5)])
def test_a_weight_grows_linearly_from_nothing(epoch: float, latent: float):
    assert TERMS.at(epoch)["latent"] == pytest.approx(latent)


def test_a_term_that_is_not_named_has_weight_one_from_the_start():
    assert TERMS.at(0)["sound"] == 1.0


def test_the_longest_warm_up_settles_them():
    assert TERMS.settled == 100
    assert Terms(("sound",), {}, {}).settled == 0


def test_the_total_has_the_final_weights():
    assert TERMS.total({"sound": 1.0, "latent": 2.0, "tags": 4.0}) == 6.0


def test_what_is_no_term_is_no_part_of_the_total():
    assert TERMS.total({"sound": 1.0, "latent": 2.0, "tags": 4.0, "error": 9.0}) == 6.0


@pytest.mark.parametrize("tables", [({"latnt": 1.0}, {}), ({}, {"latnt": 1.0})])
def test_an_unknown_term_is_refused_with_those_there_are(tables):
    with pytest.raises(UnknownName, match="no term of the model's loss named 'latnt'. Did you mean 'latent'"):
        Terms(("sound", "latent"), *tables)


def test_a_term_that_is_no_number_is_named_with_its_step():
    with pytest.raises(ModelError, match="loss: latent=nan at step 7: stopped; all is lost"):
        check_finite([("sound", 1.0), ("latent", float("nan"))], 7, "all is lost")
