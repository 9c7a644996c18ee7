"""The scorer: the metric of what the engine plays, in the order asked for, whatever the threads."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from patchflow.engines import Note, Renderer
from patchflow.engines.tone import Tone
from patchflow.errors import EngineError, RenderError
from patchflow.match import Budget, Matcher
from patchflow.match.arms import Arm
from patchflow.match.proposals import FromSpace
from patchflow.match.scorer import SCREEN, Scored, Scorer, faintness
from patchflow.metrics.log_mel_l1 import log_mel, log_mel_l1
from patchflow.metrics.perceptual import Reference, perceptual

from .conftest import RATE, Watched, make_target, point_of

MakeScorer = Callable[..., Scorer]

POINTS = Tone.space.snap(np.random.default_rng(0).random((23, 3)))
PITCH = np.random.default_rng(1).integers(40, 80, 23)


def test_the_true_preset_is_at_distance_0(scorer_of: MakeScorer):
    point = point_of("saw", 0.2, -3.0)

    scored = scorer_of(make_target(point)).score(point[None], [60])

    assert scored.distance.tolist() == pytest.approx([0], abs=1e-5)


def test_the_distance_is_the_metric_of_what_is_played(scorer_of: MakeScorer):
    scorer = scorer_of(make_target())
    target = torch.from_numpy(scorer.target.samples)[None]

    scored = scorer.score(POINTS, PITCH)

    for point, pitch, distance in zip(POINTS, PITCH, scored.distance, strict=True):
        sound = torch.from_numpy(Tone().render(point, scorer.note(pitch), RATE))[None]
        faint = faintness(sound.numpy())[0]
        assert distance == pytest.approx(perceptual(sound, target, RATE).item() + faint, abs=1e-3)


def test_of_two_presets_that_sound_alike_the_one_that_can_be_heard_is_nearer(scorer_of: MakeScorer):
    loud, quieter, faint = (point_of("saw", 0.2, gain) for gain in (-3.0, -20.0, -50.0))

    scored = scorer_of(make_target(quieter)).score(np.stack([loud, quieter, faint]), [60, 60, 60])

    assert scored.distance[:2].tolist() == pytest.approx([0, 0], abs=1e-3)
    assert scored.distance[2] > 0.9
    assert (scored.distance - scored.faint)[2] == pytest.approx(0, abs=0.1)


def test_the_order_is_that_of_the_presets(scorer_of: MakeScorer):
    scorer = scorer_of(make_target())
    together = scorer.score(POINTS, PITCH)

    alone = [scorer.score(POINTS[i : i + 1], PITCH[i : i + 1]) for i in range(len(POINTS))]

    np.testing.assert_array_equal(together.points, POINTS)
    np.testing.assert_array_equal(together.pitch, PITCH)
    np.testing.assert_allclose(together.distance, np.concatenate([one.distance for one in alone]), atol=1e-4)


def test_the_level_is_log_mel_l1(scorer_of: MakeScorer):
    scorer = scorer_of(make_target())
    target = torch.from_numpy(scorer.target.samples)[None]

    scored = scorer.score(POINTS, PITCH)

    for sound, level in zip(scored.sounds, scored.level, strict=True):
        assert level == pytest.approx(log_mel_l1(torch.from_numpy(sound)[None], target, RATE).item(), abs=1e-3)


def test_a_preset_that_nobody_hears_is_farther_than_one_that_is_close(scorer_of: MakeScorer):
    faint, close = point_of("saw", 0.2, -60.0), point_of("saw", 0.23, -3.0)

    scored = scorer_of(make_target(point_of("saw", 0.2, -3.0))).score(np.stack([faint, close]), [60, 60])

    assert scored.distance[0] > scored.distance[1]


def test_the_number_of_threads_does_not_matter(scorer_of: MakeScorer):
    one, three = (scorer_of(make_target(), threads=threads).score(POINTS, PITCH) for threads in (1, 3))

    np.testing.assert_array_equal(one.distance, three.distance)
    np.testing.assert_array_equal(one.mels, three.mels)


def test_every_preset_is_played_on_its_note_as_the_target_was(scorer_of: MakeScorer, watched: type[Watched]):
    scorer = scorer_of(make_target(), watched)

    scorer.score(POINTS, PITCH)

    assert sorted(note.pitch for _, note, _ in watched.heard) == sorted(PITCH.tolist())
    assert {(note.velocity, note.hold, note.length, rate) for _, note, rate in watched.heard} == {(100, 0.3, 0.5, RATE)}


def test_spectrograms_are_kept_to_a_sixth_of_a_decibel(scorer_of: MakeScorer):
    scorer = scorer_of(make_target())

    scored = scorer.score(POINTS, PITCH)

    for point, pitch, mel in zip(POINTS, PITCH, scored.mels, strict=True):
        exact = log_mel(torch.from_numpy(Tone().render(point, scorer.note(pitch), RATE))[None])[0].numpy()
        np.testing.assert_allclose(mel / -3, exact, atol=1 / 6 + 1e-3)


def test_a_screening_plays_a_share_of_the_note(scorer_of: MakeScorer, watched: type[Watched]):
    scorer_of(make_target(), watched).screen(POINTS, PITCH)

    assert {(note.length, note.hold) for _, note, _ in watched.heard} == {(SCREEN * 0.5, 0.3)}
    assert len(watched.heard) == len(POINTS)


def test_a_screening_is_the_cheap_part_of_the_metric_of_the_beginning(scorer_of: MakeScorer):
    scorer = scorer_of(make_target())
    beginning = torch.from_numpy(scorer.target.samples[: round(SCREEN * 0.5 * RATE)])

    distance = scorer.screen(POINTS, PITCH)

    for point, pitch, gap in zip(POINTS, PITCH, distance, strict=True):
        note = replace(scorer.note(pitch), length=SCREEN * 0.5)
        sound = torch.from_numpy(Tone().render(point, note, RATE))[None]
        assert gap == pytest.approx(Reference(beginning).least(log_mel(sound)).item(), abs=1e-3)


@pytest.mark.parametrize(
    ("overhead", "length", "share"),
    [(0.0, 0.5, 0.2), (1.5, 1.5, 0.6), (1.5, 0.5, 0.8), (2.0, 8.0, 0.36), (0.0, 0.03, 1.0)],
)
def test_a_screening_costs_the_sound_it_plays_and_the_overhead_of_a_whole_note(
    overhead: float, length: float, share: float, scorer_of: MakeScorer
):
    assert scorer_of(make_target(length=length)).screening(overhead) == pytest.approx(share)


@pytest.mark.parametrize("length", [0.0105, 0.03, 0.049, 0.051, 0.1, 0.25])
def test_very_short_targets_can_be_screened(length: float, scorer_of: MakeScorer):
    distance = scorer_of(make_target(length=length)).screen(np.stack([point_of(), point_of("saw")]), [60, 60])

    assert distance[0] == pytest.approx(0, abs=1e-5)
    assert distance[1] > 0.1


@pytest.mark.parametrize("length", [0.0105, 0.03, 0.1])
def test_very_short_targets_will_do(length: float, scorer_of: MakeScorer):
    scored = scorer_of(make_target(length=length)).score(np.stack([point_of(), point_of("saw")]), [60, 60])

    assert scored.distance[0] == pytest.approx(0, abs=1e-5)
    assert scored.distance[1] > 0.1


def test_taking_and_joining_keep_presets_together(scorer_of: MakeScorer):
    scored = scorer_of(make_target()).score(POINTS, PITCH)
    rows = np.random.default_rng(2).permutation(len(POINTS))

    shuffled = scored.take(rows[:10]).join(scored.take(rows[10:]))

    for name in set(Scored.__dataclass_fields__) - {"sounds"}:
        np.testing.assert_array_equal(getattr(shuffled, name), getattr(scored, name)[rows])
    assert [id(sound) for sound in shuffled.sounds] == [id(scored.sounds[row]) for row in rows]


def test_the_sound_of_each_preset_is_kept(scorer_of: MakeScorer):
    target = make_target()

    scored = scorer_of(target).score(np.stack([point_of("saw"), point_of()]), [60, 60])

    np.testing.assert_allclose(scored.sounds[1], target.samples, atol=1e-6)


class Brittle(Tone):
    """A tone engine that cannot play a saw."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        if point[0] > 0.5:
            raise RenderError("brittle: crashed (SIGSEGV)")
        return super().render(point, note, rate)


def test_a_preset_that_cannot_be_played_is_infinitely_far_and_reported(scorer_of: MakeScorer):
    scorer = scorer_of(make_target(), Brittle)

    scored = scorer.score(POINTS, PITCH)

    np.testing.assert_array_equal(np.isinf(scored.distance), POINTS[:, 0] > 0.5)
    assert {str(fault) for fault in scorer.faults} == {"brittle: crashed (SIGSEGV)"}


def test_a_synth_that_plays_nothing_is_an_error(scorer_of: MakeScorer):
    scorer = scorer_of(make_target(), Brittle)

    with pytest.raises(RenderError, match="SIGSEGV"):
        scorer.score(np.repeat(point_of("saw")[None], 3, 0), [60, 60, 60])


def test_what_cannot_be_played_is_no_candidate():
    brittle = Matcher([Arm("brittle", Brittle, Renderer(Brittle), [FromSpace(Tone.space)])])

    result = brittle.match_target(make_target(), Budget(renders=64), candidates=8)

    assert {candidate.preset.values["wave"] for candidate in result.candidates} == {"sine"}
    assert set(result.faults) == {"brittle: crashed (SIGSEGV)"}


class Slow(Tone):
    """A tone engine that takes a twentieth of a second for a note, and notes its limits."""

    limits: ClassVar[list[float]] = []

    def limit(self, until: float) -> None:
        """See `Engine.limit`."""
        self.limits.append(until)

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        time.sleep(0.05)
        return super().render(point, note, rate)


def test_what_there_is_no_time_for_is_missed_and_no_fault(scorer_of: MakeScorer):
    scorer = scorer_of(make_target(), Slow)
    scorer.until = time.monotonic() + 0.12

    distance = scorer.score(POINTS, PITCH).distance

    assert 2 <= np.isfinite(distance).sum() <= 8  # two threads; the whole batch takes ten times as long
    assert scorer.missed == np.isinf(distance).sum()
    assert scorer.faults == []
    assert time.monotonic() < scorer.until + 0.5


def test_something_is_played_even_if_the_time_is_over(scorer_of: MakeScorer):
    scorer = scorer_of(make_target(), Slow)
    scorer.until = time.monotonic() - 1

    assert np.isfinite(scorer.score(POINTS, PITCH).distance).any()


def test_a_synth_is_told_when_the_time_is_over_as_soon_as_it_has_played_once(scorer_of: MakeScorer):
    Slow.limits.clear()
    scorer = scorer_of(make_target(), Slow, 1)
    scorer.until = time.monotonic() + 60

    scorer.score(POINTS[:3], PITCH[:3])

    assert [limit - scorer.until for limit in Slow.limits] == pytest.approx([np.inf, 0.3, 0.3])


class Mortal(Tone):
    """A tone engine that is lost after some notes."""

    lives: ClassVar[int] = 5

    def __init__(self) -> None:
        self.played = 0

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        self.played += 1
        if self.played > self.lives:
            raise EngineError("mortal: died 6 times in a row")
        return super().render(point, note, rate)


def test_a_synth_that_is_lost_keeps_what_it_has_played(scorer_of: MakeScorer):
    scorer = scorer_of(make_target(), Mortal, 1)

    distance = scorer.score(POINTS, PITCH).distance

    assert np.isfinite(distance).tolist() == [True] * 5 + [False] * (len(POINTS) - 5)
    assert str(scorer.lost) == "mortal: died 6 times in a row"


def test_a_synth_that_is_lost_before_it_played_is_an_error(scorer_of: MakeScorer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Mortal, "lives", 0)

    with pytest.raises(EngineError, match="died 6 times"):
        scorer_of(make_target(), Mortal).score(POINTS, PITCH)


def test_a_match_with_a_synth_that_is_lost_ends_with_the_best_so_far():
    mortal = Matcher([Arm("mortal", Mortal, Renderer(Mortal), [FromSpace(Tone.space)])])

    result = mortal.match_target(make_target(), Budget(renders=640), candidates=2)

    assert (result.complete, result.stopped) == (False, "mortal: died 6 times in a row")
    assert result.renders < 64
    best = result.candidates[0]
    assert best.sound is not None
    np.testing.assert_array_equal(best.sound, Tone().render(best.point, best.note, RATE))
