"""Recombining, the middle stage of a search: good moves are repeated, isles keep apart what is different."""

import numpy as np
import pytest

from patchflow.engines.tone import Tone
from patchflow.match import Target
from patchflow.match.proposals import FromLibrary, FromSpace
from patchflow.match.recombine import Recombine
from patchflow.match.scorer import Outcome, Scored
from patchflow.match.variation import Variation

from .conftest import draw, found, scored


def recombine(keep: int = 8) -> Recombine:
    rng = np.random.default_rng(0)
    stage = draw(FromLibrary(rng.random((20, 3))))
    stage.ask(None, 20)
    return Recombine(Variation(Tone.space, np.array([], int)), stage, keep, rng)


def test_as_many_children_are_bred_as_asked_for():
    points, pitch = recombine().ask(found(), 40)

    assert points.shape == (40, 3)
    assert pitch.shape == (40,)


def test_children_are_played_on_notes_of_good_presets():
    good = found()
    good.pitch[:] = [60, 60, 60, 72, 72, 60, 60, 60]

    _, pitch = recombine().ask(good, 200)

    assert set(pitch.tolist()) == {60, 72}


def test_only_the_kept_presets_are_parents():
    good = found()
    good.pitch[:2], good.pitch[2:] = 60, 99

    _, pitch = recombine(keep=2).ask(good, 200)

    assert set(pitch.tolist()) == {60}


def test_a_move_that_succeeds_is_used_more_often():
    stage = recombine()
    used = np.zeros(len(stage.variation.moves) + 1)

    for _ in range(40):
        stage.ask(found(), 50)
        used = np.bincount(stage._used, minlength=len(used))
        stage.tell(Outcome(np.where(stage._used == 3, 0.5, 99.0), np.arange(50), None))

    assert used[3] > 0.6 * used.sum()
    assert (used > 0).sum() > 1  # the others keep a chance


def test_a_move_that_only_repeats_what_is_known_is_not_used_more_often():
    stage = recombine()
    used = np.zeros(len(stage.variation.moves) + 1)

    for _ in range(40):
        stage.ask(found(), 50)
        used = used + np.bincount(stage._used, minlength=len(used))
        stage.tell(Outcome(np.full(50, 0.5), np.nonzero(stage._used != 3)[0], None))

    assert used[3] == used.min()


def test_a_child_is_played_on_the_note_of_its_parent():
    good = found()
    good.pitch[:] = range(60, 68)
    stage = recombine()
    stage.variation.moves = tuple(lambda parent, *_: parent for _ in stage.variation.moves)

    children, pitch = stage.ask(good, 200)

    np.testing.assert_array_equal(children, good.points[pitch - 60])
    assert set(pitch.tolist()) > {60, 61, 62}


class Doubling(FromSpace):
    """Its relatives of a preset have all values doubled."""

    def vary(self, target: Target, pitch: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        assert len(pitch) == len(points)
        return 2 * points


def test_proposers_know_relatives_of_good_presets():
    proposers = (FromSpace(Tone.space), Doubling(Tone.space))
    stage = Recombine(Variation(Tone.space, np.array([], int)), draw(*proposers), 8, np.random.default_rng(1))
    stage.draw.pool.extend(found().points)

    children, _ = stage.ask(found(), 200)

    points = found().points
    known, doubled = ((children[:, None] == wanted).all(2).any(1) for wanted in (points, 2 * points))
    assert doubled[stage._used == 6].all()
    assert known[stage._used == 5].all()  # a proposer without a model gives the preset itself
    assert (stage._used == 6).sum() > 10


def test_nothing_is_bred_before_anything_was_heard():
    with pytest.raises(ValueError, match="nothing was rendered yet"):
        recombine().ask(None, 4)


def still(stage: Recombine) -> Recombine:
    """Without moves, so that children are their parents."""
    stage.variation.moves = tuple(lambda parent, *_: parent for _ in stage.variation.moves)
    return stage


def rows_of(children: np.ndarray, of: Scored) -> set[int]:
    return {int(np.argmax((child == of.points).all(1))) for child in children}


def test_isles_take_turns_and_share_no_preset():
    stage, good = still(recombine()), found()
    stage.settle(2)

    turns = [rows_of(stage.ask(good, 100)[0], good) for _ in range(4)]

    assert turns == [{0, 2, 4, 6}, {1, 3, 5, 7}] * 2


def test_what_an_isle_hears_stays_on_it():
    stage, good = still(recombine(keep=4)), found()
    stage.settle(2)
    stage.ask(good, 10)
    new = scored(np.full((1, 3), 0.123), np.array([0.5]))
    stage.tell(Outcome(np.full(10, 9.0), np.arange(1), new))

    other, same = (stage.ask(good, 100)[0] for _ in range(2))

    assert (same == 0.123).all(1).any()
    assert not (other == 0.123).all(1).any()
    assert len(stage.isles[0]) == 4  # the worst has gone


def test_joined_isles_hold_the_best_of_both():
    stage, good = still(recombine(keep=3)), found()
    stage.settle(4)
    stage.ask(good, 10)

    stage.settle(2)

    assert [isle.distance.tolist() for isle in stage.isles] == [[1, 2, 5], [3, 4, 7]]


def test_the_last_isle_knows_what_other_stages_found():
    stage, good = still(recombine()), found()
    stage.settle(2)
    stage.ask(good, 10)
    better = good.join(scored(np.full((1, 3), 0.321), np.array([0.1]))).best(8)

    stage.settle(1)

    assert (stage.ask(better, 100)[0] == 0.321).all(1).any()


def test_more_isles_than_presets_are_not_needed():
    stage, good = recombine(), found().take(np.arange(2))
    stage.settle(4)

    stage.ask(good, 10)

    assert [len(isle) for isle in stage.isles] == [1, 1]
