"""Watching a validation loss: what is best, when it stalls, when to stop."""

import pytest

from patchflow.train.schedule import EarlyStopping


def watched(
    losses: list[float], *, plateau_patience: float = 1e9, patience: float = 0, settled: float = 0
) -> EarlyStopping:
    watch = EarlyStopping()
    for step, loss in enumerate(losses, 1):
        watch.see(loss, step, warming=step < settled)
        watch.halve(step, plateau_patience=plateau_patience)
        watch.stop(step, patience=patience)
        if watch.stopped:
            break
    return watch


def test_the_best_is_the_first_of_equal_ones():
    watch = watched([3, 1, 2, 1])

    assert (watch.best, watch.best_step) == (1, 2)


def test_what_is_no_number_is_never_the_best():
    assert watched([2, float("nan"), 3]).best == 2


def test_the_rate_is_halved_after_every_stall():
    assert [watched([1, *[2] * n], plateau_patience=3).halvings for n in range(8)] == [0, 0, 0, 1, 1, 1, 2, 2]


def test_falling_losses_never_halve():
    assert watched([5, 4, 3, 2, 1], plateau_patience=2).halvings == 0


def test_a_better_loss_begins_the_count_anew():
    assert watched([5, 6, 6, 4, 6, 6], plateau_patience=3).halvings == 0


def test_it_stops_when_patience_is_over():
    watch = watched([1, 2, 2, 2, 2, 2], patience=3)

    assert watch.stopped
    assert watch.halved_step == 0


def test_without_patience_it_goes_on():
    assert not watched([1, *[2] * 50]).stopped


@pytest.mark.parametrize("key", ["plateau_patience", "patience"])
def test_what_comes_before_the_weights_have_settled_does_not_count(key: str):
    watch = watched([1, *[2] * 9], settled=8, **{key: 3})

    assert (watch.halvings, watch.stopped) == (0, False)


def test_nothing_is_best_that_was_found_before_the_weights_have_settled():
    watch = watched([1, 2, 9, 7, 8], settled=3)

    assert (watch.best, watch.best_step) == (7, 4)


def test_the_newest_is_best_while_the_weights_grow():
    assert watched([1, 2, 3], settled=9).best == 3


def test_more_patience_lets_a_run_go_on():
    watch = watched([1, 2, 2, 2], patience=3)

    watch.resume(4, patience=5)

    assert not watch.stopped


def test_a_run_that_was_not_stopped_is_not_stopped_between_checks():
    watch = watched([1, 2, 2], patience=3)

    watch.resume(9, patience=3)

    assert not watch.stopped
