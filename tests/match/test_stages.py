"""Drawing, which tries every note and asks every proposer; and tuning: presets out of tune are played again, once."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from patchflow.engines import Note
from patchflow.engines.tone import Tone
from patchflow.match import Target
from patchflow.match.proposals import FromSpace, Proposer
from patchflow.match.scorer import Scored, Scorer
from patchflow.match.stages import Tune

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
