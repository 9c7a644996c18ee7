"""Progress is a share of a stage, and needs nobody who listens."""

import dataclasses

import pytest

from patchflow import match
from patchflow.progress import Progress, ignore


@pytest.mark.parametrize(("done", "total", "share"), [(0, 4, 0.0), (1, 4, 0.25), (4, 4, 1.0), (5, 4, 1.0), (0, 0, 1.0)])
def test_a_share_is_from_0_to_1(done: float, total: float, share: float):
    assert Progress("render", done, total, "sounds").share == share


def test_without_a_total_what_is_done_is_the_share():
    assert Progress("polish", 0.25).share == 0.25


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Progress("render", 1, 2).done = 2  # type: ignore[misc]


def test_nobody_has_to_listen():
    assert ignore(Progress("render", 1, 2)) is None


def test_a_search_tells_of_itself_by_the_same():
    assert match.Progress is Progress
