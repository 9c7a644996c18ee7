"""A clock counts the time of a search, and not the time in which somebody holds it up."""

import time

import pytest

from patchflow.match.limits import Budget, Clock


def test_no_time_passes_while_a_clock_is_stopped():
    clock = Clock(Budget(seconds=0.5))
    until = clock.until
    with clock.stopped():
        time.sleep(0.6)

    assert clock.seconds < 0.4
    assert not clock.is_over
    assert clock.until - until == pytest.approx(0.6, abs=0.2)


def test_a_clock_goes_on_when_what_stopped_it_raises():
    clock = Clock(Budget(seconds=10.0))

    def interrupt() -> None:
        with clock.stopped():
            time.sleep(0.1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    before = clock.seconds
    time.sleep(0.05)

    assert before < 0.1
    assert clock.seconds > before
