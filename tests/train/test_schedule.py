"""Schedules: how long, how fast."""

import pytest

from patchflow.train import Recipe
from patchflow.train.schedule import Schedule


def test_epochs_are_as_many_steps_as_it_takes():
    assert Schedule(Recipe("b", "o", epochs=3, steps=0), epoch=7).steps == 21


def test_a_run_in_epochs_is_checked_after_each():
    assert Schedule(Recipe("b", "o", epochs=3, steps=0), epoch=7).every == 7
    assert Schedule(Recipe("b", "o"), epoch=7).every == 250
    assert Schedule(Recipe("b", "o", every=9, epochs=3), epoch=7).every == 9


def test_the_cosine_falls_from_the_largest_rate_to_a_hundredth():
    schedule = Schedule(Recipe("b", "o", steps=100, learning_rate=0.1, warmup_steps=0), epoch=1)
    rates = [schedule.learning_rate(step, 0.0, 0) for step in range(101)]

    assert rates == sorted(rates, reverse=True)
    assert (rates[0], rates[-1]) == pytest.approx((0.1, 0.001))


@pytest.mark.parametrize("halvings", [0, 1, 5])
def test_the_plateau_halves(halvings: int):
    schedule = Schedule(Recipe("b", "o", learning_rate=0.1, warmup_steps=0, schedule="plateau"), epoch=1)

    assert schedule.learning_rate(5_000, 0.0, halvings) == 0.1 / 2**halvings


def test_the_rate_rises_first():
    schedule = Schedule(Recipe("b", "o", learning_rate=0.1, warmup_steps=10, schedule="plateau"), epoch=1)

    assert [schedule.learning_rate(step, 0.0, 0) for step in (0, 4, 9, 50)] == pytest.approx([0.01, 0.05, 0.1, 0.1])


def test_the_clock_ends_a_run_as_well_as_its_steps():
    schedule = Schedule(Recipe("b", "o", steps=100, minutes=10), epoch=1)

    assert schedule.done(10, 5.0) == 0.5
    assert schedule.done(80, 5.0) == 0.8


def test_without_a_clock_warm_ups_count_epochs():
    assert Schedule(Recipe("b", "o", epochs=500, steps=0), epoch=10).warmed(1_000, 99.0, 100) == 100


@pytest.mark.parametrize("epochs", [500, 1_000_000])
def test_warm_ups_are_over_after_a_fifth_of_a_run_that_the_clock_ends(epochs: int):
    schedule = Schedule(Recipe("b", "o", epochs=epochs, steps=0, minutes=10), epoch=10)

    assert [schedule.warmed(30, minutes, 100) for minutes in (0.0, 1.0, 2.0)] == pytest.approx([3, 50, 100])


def test_warm_ups_that_take_half_of_the_epochs_take_half_of_the_minutes():
    schedule = Schedule(Recipe("b", "o", epochs=100, steps=0, minutes=10), epoch=10)

    assert schedule.warmed(0, 5.0, 50) == pytest.approx(50)


def test_a_clock_that_is_not_needed_does_not_hurry_warm_ups():
    schedule = Schedule(Recipe("b", "o", epochs=500, steps=0, minutes=1e6), epoch=10)

    assert schedule.warmed(1_000, 50.0, 100) == 100
