"""The stages of a search: every note is tried, good moves are repeated, sweeps find what helps."""

from collections import Counter

import numpy as np
import pytest

from patchflow.engines import engines
from patchflow.engines.tone import Tone
from patchflow.match import NoteGuess, Target
from patchflow.match.polish import Polish, audible_parameters
from patchflow.match.proposals import FromLibrary, FromSpace, Proposer
from patchflow.match.scorer import Scored
from patchflow.match.stages import Draw, Recombine
from patchflow.match.variation import Variation
from patchflow.presets import Knob, ParamSpace, dx7

from .conftest import make_target

GUESSES = (NoteGuess(60, 0.6), NoteGuess(72, 0.3), NoteGuess(48, 0.1))


class Marked(Proposer):
    """Proposes presets of which all values are the same number."""

    def __init__(self, mark: float, most: int = 1_000) -> None:
        self.mark, self.most = mark, most

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        return np.full((min(count, self.most), 3), self.mark)


def scored(points: np.ndarray, distance: np.ndarray, pitch: int = 60) -> Scored:
    count = len(points)
    return Scored(points, np.full(count, pitch), distance, np.zeros((count, 80, 4), np.uint8), np.zeros((count, 2)))


def draw(*proposers: Proposer, guesses: tuple[NoteGuess, ...] = GUESSES) -> Draw:
    return Draw(make_target(guesses=guesses), proposers, np.random.default_rng(0))


def found() -> Scored:
    return scored(np.random.default_rng(3).random((8, 3)), np.arange(1.0, 9.0))


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
        stage.tell(np.where(stage._used == 3, 0.5, 99.0), np.ones(50, bool))

    assert used[3] > 0.6 * used.sum()
    assert (used > 0).sum() > 1  # the others keep a chance


def test_a_move_that_only_repeats_what_is_known_is_not_used_more_often():
    stage = recombine()
    used = np.zeros(len(stage.variation.moves) + 1)

    for _ in range(40):
        stage.ask(found(), 50)
        used = used + np.bincount(stage._used, minlength=len(used))
        stage.tell(np.full(50, 0.5), stage._used != 3)

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


@pytest.mark.parametrize("stage", ["recombine", "polish"])
def test_nothing_is_varied_before_anything_was_heard(stage: str):
    later = recombine() if stage == "recombine" else Polish(Tone(), np.arange(3), np.random.default_rng(0))

    with pytest.raises(ValueError, match="nothing was rendered yet"):
        later.ask(None, 4)


GOAL = np.array([0.3, 0.62, 0.81, 0.44])


class Bowl(Tone):
    """An engine of four knobs that need not be played."""

    space = ParamSpace(tuple(Knob(f"k{i}", 0.0, 1.0) for i in range(4)))


def polished(free: list[int], rounds: int = 300) -> tuple[Polish, Scored]:
    """Polishes towards `GOAL`, measured by the largest and the mean gap."""
    stage = Polish(Bowl(), np.array(free), np.random.default_rng(0))
    best = scored(np.full((1, 4), 0.5), np.array([np.abs(0.5 - GOAL).sum()]))
    for _ in range(rounds):
        points, _ = stage.ask(best, 8)
        distance = np.abs(points - GOAL).sum(1)
        stage.tell(distance, np.ones(len(distance), bool))
        if distance.min() < best.distance[0]:
            best = scored(points[[distance.argmin()]], distance[[distance.argmin()]])
    return stage, best


def test_polishing_arrives():
    _, best = polished([0, 1, 2, 3])

    assert best.distance[0] < 0.01


def test_polishing_moves_only_what_is_free():
    _, best = polished([1, 3])

    np.testing.assert_allclose(best.points[0], [0.5, GOAL[1], 0.5, GOAL[3]], atol=0.005)


def test_polishing_knows_when_nothing_helps_any_more():
    stage, best = polished([0, 1, 2, 3])

    assert stage.stuck(best)
    assert not stage.stuck(scored(best.points + 0.1, best.distance))


def test_the_first_sweep_moves_one_parameter_at_a_time():
    stage = Polish(Bowl(), np.arange(4), np.random.default_rng(0))

    points, pitch = stage.ask(scored(np.full((1, 4), 0.5), np.array([1.0]), pitch=57), 100)

    assert ((points != 0.5).sum(1) == 1).all()
    assert sorted(np.nonzero(points != 0.5)[1].tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert set(pitch.tolist()) == {57}


def test_a_locked_space_leaves_nothing_to_polish():
    stage = Polish(Bowl(), np.array([], int), np.random.default_rng(0))
    best = scored(np.full((1, 4), 0.5), np.array([1.0]))

    points, _ = stage.ask(best, 8)

    np.testing.assert_array_equal(points, best.points)
    assert stage.stuck(best)


def test_what_is_switched_off_is_not_audible():
    audible = dict(zip(dx7.SPACE.names, audible_parameters(engines["dexed"](), dx7.SPACE.default()), strict=True))

    assert audible["op1.output"]
    assert audible["op1.coarse"]
    assert audible["op2.output"]  # it could be switched on
    assert not audible["op2.coarse"]
    assert not audible["lfo.speed"]


def test_all_of_a_synth_without_such_knowledge_is_audible():
    assert audible_parameters(Tone(), Tone.space.default()).all()
