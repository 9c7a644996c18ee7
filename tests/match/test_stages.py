"""Stages: drawing tries every note, tuning plays again in tune, once, recombining breeds what is good."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from patchflow.engines import Note
from patchflow.engines.tone import Tone
from patchflow.match import Target
from patchflow.match.proposals import FromLibrary, FromSpace, Move, Proposer
from patchflow.match.scorer import Outcome, Scored, Scorer
from patchflow.match.stages import Recombine, Tune, Variation
from patchflow.presets import ParamSpace

from .conftest import GUESSES, RATE, draw, found, make_target, point_of


class Marked(Proposer):
    """Proposes presets of which all values are the same number."""

    def __init__(self, mark: float, most: int = 1_000) -> None:
        self.mark, self.most = mark, most

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        return np.full((min(count, self.most), 3), self.mark)


def test_the_first_draw_tries_every_note():
    _, pitch = draw(FromSpace(Tone.space)).ask(None, 16)

    assert set(pitch.tolist()) == {60, 72, 48}
    assert pitch[0] == 60


@pytest.mark.parametrize("count", [1, 2, 3, 16])
@pytest.mark.parametrize("first", [True, False])
def test_no_more_are_drawn_than_may_be_rendered(count: int, first: bool):
    points, pitch = draw(FromSpace(Tone.space), Marked(0.5)).ask(None if first else found(), count)

    assert points.shape == (count, 3)
    assert len(pitch) == count


def test_notes_are_tried_as_often_as_they_are_likely():
    _, pitch = draw(FromSpace(Tone.space)).ask(found(), 3000)

    counts = Counter(pitch.tolist())

    assert [counts[note] / 3000 for note in (60, 72, 48)] == pytest.approx([0.6, 0.3, 0.1], abs=0.03)


def test_proposers_have_equal_shares():
    points, _ = draw(Marked(0.1), Marked(0.2), Marked(0.3), guesses=GUESSES[:1]).ask(found(), 30)

    assert Counter(points[:, 0].tolist()) == {0.1: 10, 0.2: 10, 0.3: 10}


def test_a_proposer_that_has_little_leaves_notes_and_presets_in_step():
    points, pitch = draw(Marked(0.1, most=2), FromSpace(Tone.space)).ask(found(), 40)

    assert len(points) == len(pitch)
    assert (points[:, 0] == 0.1).sum() <= 6


def test_what_was_drawn_is_the_pool():
    stage = draw(FromSpace(Tone.space))

    points = np.concatenate([stage.ask(found(), 5)[0] for _ in range(3)])

    np.testing.assert_array_equal(np.stack(stage.pool), points)


MakeScorer = Callable[..., Scorer]

POINT = point_of("saw", 0.3, -6.0)
ALL = np.arange(3)


class Transposed(Tone):
    """A tone engine that writes down by how many cents it is asked to transpose."""

    asked: list[float]

    def transposed(self, points: np.ndarray, cents: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """See `Engine.transposed`; turns the gain instead, so that the points can be told."""
        self.asked += cents.tolist()
        assert free is not None
        assert free.tolist() == [True, True, True]
        moved = points.copy()
        moved[:, -1] = 0.25
        return moved


@pytest.fixture
def engine() -> Transposed:
    made = Transposed()
    made.asked = []
    return made


@pytest.fixture
def scorer(scorer_of: MakeScorer) -> Scorer:
    return scorer_of(make_target(POINT, pitch=60, length=1.0, guesses=GUESSES))


def played(scorer: Scorer, *pitch: int) -> Scored:
    return scorer.score(np.tile(POINT, (len(pitch), 1)), pitch)


@pytest.mark.parametrize("semitones", [-12, -7, -1, 1, 5, 12])
def test_a_preset_on_the_wrong_key_is_tried_on_the_right_one(engine: Transposed, scorer: Scorer, semitones: int):
    tune = Tune(engine, scorer, ALL, any_key=True)

    assert tune.ready(played(scorer, 60 + semitones))
    points, pitch = tune.ask(None, 8)

    assert pitch.tolist() == [60 + semitones, 60]
    assert engine.asked == pytest.approx([-100 * semitones, 0], abs=5)
    assert points[0, -1] == 0.25


def test_a_key_that_the_user_told_stays(engine: Transposed, scorer: Scorer):
    tune = Tune(engine, scorer, ALL, any_key=False)

    assert tune.ready(played(scorer, 57))

    assert tune.ask(None, 8)[1].tolist() == [57]
    assert engine.asked == pytest.approx([300], abs=5)


def test_what_is_in_tune_is_left_alone(engine: Transposed, scorer: Scorer):
    assert not Tune(engine, scorer, ALL, any_key=True).ready(played(scorer, 60))
    assert engine.asked == []


def test_a_preset_is_measured_once(engine: Transposed, scorer: Scorer):
    tune = Tune(engine, scorer, ALL, any_key=True)
    found = played(scorer, 62)
    assert tune.ready(found)
    tune.ask(None, 8)

    assert not tune.ready(found)
    assert tune.ready(found.join(played(scorer, 63)))


def test_no_more_are_asked_for_than_may_be_rendered(engine: Transposed, scorer: Scorer):
    tune = Tune(engine, scorer, ALL, any_key=True)
    tune.ready(played(scorer, 62, 63))

    assert len(tune.ask(None, 3)[0]) == 3
    assert tune.ready(played(scorer, 62, 63))  # the fourth is still to be asked for
    assert len(tune.ask(None, 3)[0]) == 1


@pytest.mark.parametrize("pitched", [True, False])
def test_a_target_without_a_pitch_leaves_nothing_to_tune(engine: Transposed, scorer_of: MakeScorer, pitched: bool):
    target = replace(make_target(POINT, length=1.0, guesses=GUESSES), pitched=pitched)
    scorer = scorer_of(target)

    assert Tune(engine, scorer, ALL, any_key=True).ready(played(scorer, 62)) == pitched


def test_noise_is_not_in_tune_with_anything(engine: Transposed, scorer_of: MakeScorer):
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    scorer = scorer_of(replace(make_target(POINT, length=1.0, guesses=GUESSES), samples=noise))

    assert not Tune(engine, scorer, ALL, any_key=True).ready(played(scorer, 62))


def test_the_note_that_is_tuned_is_the_one_that_was_played(engine: Transposed, scorer: Scorer):
    found = played(scorer, 64)

    assert found.sounds[0] is not None
    np.testing.assert_array_equal(found.sounds[0], Tone().render(POINT, Note(64, 100, 0.6, 1.0), RATE))


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
