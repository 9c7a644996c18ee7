"""Drawing, the first stage of a search: every note is tried, every proposer asked."""

from collections import Counter

import numpy as np
import pytest

from patchflow.engines.tone import Tone
from patchflow.match import Target
from patchflow.match.proposals import FromSpace, Proposer

from .conftest import GUESSES, draw, found


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
