"""Candidates as they sound beside their target."""

from dataclasses import replace

import numpy as np
import pytest

from patchflow.audio.loudness import loudness
from patchflow.engines import Note, engines
from patchflow.match import Candidate
from patchflow.match.output.rendition import RENDITION_RATE, Rendition, rank_by_sound, side_by_side, sound_of
from patchflow.presets import Preset

TONE = engines["tone"]()
NOTE = Note(69, 100, 0.3, 0.4)


def candidate(**values: object) -> Candidate:
    full = {"wave": "sine", "decay": 0.3, "gain": -12.0, **values}
    return Candidate(Preset("tone", full), TONE.space.encode(full), NOTE, {}, 1, 0.1)


def target(gain: float = 1.0) -> np.ndarray:
    return gain * TONE.render(candidate().point, NOTE, RENDITION_RATE)


def play(candidates: list[Candidate], target: np.ndarray, *, pitched: bool = True) -> tuple[Rendition, ...]:
    return rank_by_sound(candidates, [sound_of(TONE, each) for each in candidates], target, pitched=pitched)


def test_the_nearest_comes_first():
    saw, far, same = candidate(wave="saw"), candidate(decay=4.0), candidate()

    played = play([saw, far, same], target())

    assert played[0].candidate is same
    assert played[0].distance.value == pytest.approx(0, abs=1e-3)
    assert [p.candidate for p in played[1:]] == [far, saw]


def test_one_that_cannot_be_heard_is_not_the_best_though_it_is_nearest():
    faint, heard = candidate(gain=-60.0), candidate(decay=0.303)

    played = play([faint, heard], target())

    near, nearest = (each.distance.value for each in played)
    assert near is not None
    assert nearest is not None
    assert nearest < near < 1.5
    assert [each.candidate for each in played] == [heard, faint]


def test_each_is_as_loud_as_the_target_and_says_by_which_gain():
    (played,) = play([candidate(gain=-40.0)], target())

    assert loudness(played.sound, RENDITION_RATE) == pytest.approx(loudness(target(), RENDITION_RATE), abs=0.1)
    assert played.gain_db == pytest.approx(28, abs=0.1)


def test_what_is_measured_is_what_is_heard():
    quiet, loud = (play([candidate(gain=gain)], target())[0] for gain in (-40.0, -6.0))

    assert [d.value for d in quiet.distances] == pytest.approx([d.value for d in loud.distances], rel=1e-3, abs=1e-4)


def test_none_clips_beside_a_target_that_does():
    (played,) = play([candidate()], target(gain=20))

    assert np.abs(played.sound).max() <= 1


def test_all_are_as_loud_as_the_one_that_reaches_least():
    click = candidate(decay=0.01)
    played = play([click, candidate()], target(gain=3.0))
    levels = [loudness(each.sound, RENDITION_RATE) for each in played]

    assert levels[0] == pytest.approx(levels[1], abs=0.1)
    assert levels[0] < loudness(target(gain=3.0), RENDITION_RATE) - 1
    assert max(np.abs(each.sound).max() for each in played) <= 1


def test_the_loudness_of_the_preset_itself_is_kept():
    (played,) = play([candidate(gain=-40.0)], target())

    assert played.loudness == pytest.approx(loudness(target(), RENDITION_RATE) - 28, abs=0.1)


def test_the_word_and_the_tuning_are_those_of_the_sound():
    same, flat = play([candidate(), replace(candidate(), note=replace(NOTE, pitch=67))], target())

    assert (same.closeness, same.verdict.tuning) == ("the same", "in tune")
    assert flat.verdict.cents == pytest.approx(-200, abs=15)
    assert play([candidate()], target(), pitched=False)[0].verdict.cents is None


def test_no_more_than_six_candidates_are_heard_side_by_side():
    played = play([candidate()] * 8, target())

    seconds = len(side_by_side(target(), played)) / RENDITION_RATE

    assert seconds == pytest.approx(12 * 0.4 + 11 * 0.5)
