"""Recombining, the middle stage of a search: good moves are repeated, isles keep apart what is different."""

import numpy as np
import pytest

from patchflow.engines.tone import Tone
from patchflow.match import Target
from patchflow.match.proposals import FromLibrary, FromSpace, Move
from patchflow.match.recombine import Recombine, Variation
from patchflow.match.scorer import Outcome, Scored
from patchflow.presets import ParamSpace

from .conftest import draw, found


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
    used = np.zeros(len(stage.variation.moves))

    for _ in range(40):
        stage.ask(found(), 50)
        used = np.bincount(stage._used, minlength=len(used))
        stage.tell(Outcome(np.where(stage._used == 3, 0.5, 99.0), np.arange(50)))

    assert used[3] > 0.6 * used.sum()
    assert (used > 0).sum() > 1  # the others keep a chance


def test_a_move_that_only_repeats_what_is_known_is_not_used_more_often():
    stage = recombine()
    used = np.zeros(len(stage.variation.moves))

    for _ in range(40):
        stage.ask(found(), 50)
        used = used + np.bincount(stage._used, minlength=len(used))
        stage.tell(Outcome(np.full(50, 0.5), np.nonzero(stage._used != 3)[0]))

    assert used[3] == used.min()


def test_a_move_is_not_credited_for_children_that_are_worse_than_their_parents():
    stage = recombine()
    before = stage._credit.copy()

    for _ in range(5):
        stage.ask(found(), 50)
        stage.tell(Outcome(stage._parents + 0.001, np.arange(50)))

    np.testing.assert_allclose(stage._credit, 0.95**5 * before)


def test_a_child_is_played_on_the_note_of_its_parent():
    good = found()
    good.pitch[:] = range(60, 68)
    stage = recombine()
    stage.variation.moves = tuple(lambda parent, *_: parent for _ in stage.variation.moves)

    children, pitch = stage.ask(good, 200)

    np.testing.assert_array_equal(children, good.points[pitch - 60])
    assert set(pitch.tolist()) > {60, 61, 62}


class Doubling(FromSpace):
    """Knows one move, which doubles all values."""

    @property
    def moves(self) -> tuple[Move, ...]:
        return (lambda target, parents, rng: 2 * parents.points,)


def test_proposers_bring_moves_of_their_own():
    proposers = (FromSpace(Tone.space), Doubling(Tone.space))
    stage = Recombine(Variation(Tone.space, np.array([], int)), draw(*proposers), 8, np.random.default_rng(1))
    stage.draw.pool.extend(found().points)

    children, _ = stage.ask(found(), 200)

    doubled = (children[:, None] == 2 * found().points).all(2).any(1)
    assert (stage._used == 5).sum() > 10
    assert doubled[stage._used == 5].all()


class Marking(FromSpace):
    """Knows two moves, which write down how many children they make."""

    def __init__(self, space: ParamSpace) -> None:
        super().__init__(space)
        self.made: list[list[int]] = [[], []]

    @property
    def moves(self) -> tuple[Move, ...]:
        def move(number: int) -> Move:
            def make(target: Target, parents: Scored, rng: np.random.Generator) -> np.ndarray:
                self.made[number].append(len(parents))
                return parents.points

            return make

        return (move(0), move(1))


def test_moves_of_models_take_turns_and_none_is_left_out():
    marking = Marking(Tone.space)
    stage = Recombine(Variation(Tone.space, np.array([], int)), draw(marking), 8, np.random.default_rng(1))
    stage.draw.pool.extend(found().points)

    for _ in range(40):
        stage.ask(found(), 200)

    # Each in every fourth batch, and then with as many children as it would have had in four.
    assert [len(made) for made in marking.made] == [10, 10]
    own = len(stage.variation.moves)
    even = 40 * 200 / (own + 2)
    assert all(0.6 * even < sum(made) < 1.1 * even for made in marking.made)


def test_nothing_is_bred_before_anything_was_heard():
    with pytest.raises(ValueError, match="nothing was rendered yet"):
        recombine().ask(None, 4)
