"""Matching on top of a preset of one's own: what it holds beyond the parameters is heard and kept."""

from dataclasses import replace

import numpy as np
import pytest

from patchflow.audio import Sound
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import OptionError, PresetError
from patchflow.match import Matcher, NoteGuess, Target
from patchflow.match.limits import Budget
from patchflow.match.proposals import FromPreset
from patchflow.presets import Preset
from patchflow.presets.formats.vital import Vital
from patchflow.presets.vital import CORE
from tests.vital_files import document, packed

from .conftest import make_target, point_of

RATE = 22_050
NOTE = Note(48, 100, hold=0.3, length=0.5)


@pytest.fixture(scope="module")
def mine() -> Preset:
    """A preset with its own wavetable."""
    return Vital().read(packed(document(osc_1_random_phase=0.0))).presets[0]


@pytest.fixture(scope="module")
def its_sound(mine: Preset) -> Target:
    engine = engines["vital"]()
    engine.build_on(mine.state)
    samples = engine.render(CORE.encode(mine.values), NOTE, RATE)
    return Target(samples, RATE, (NoteGuess(48, 0.9),), NOTE.hold, "mine.wav")


@pytest.fixture(scope="module")
def on_mine(mine: Preset) -> Matcher:
    return Matcher.load("vital", on=mine)


@pytest.mark.slow
def test_a_preset_whose_own_sound_is_the_target_is_found_at_0_db(on_mine: Matcher, its_sound: Target):
    best = on_mine.match_target(its_sound, Budget(renders=16)).candidates[0]

    assert best.distances["log_mel_l1"] < 1e-6


@pytest.mark.slow
def test_without_its_rest_it_is_not(mine: Preset, its_sound: Target):
    bare = Matcher.load("vital", on=replace(mine, state=b""))

    best = bare.match_target(its_sound, Budget(renders=16)).candidates[0]

    assert best.distances["log_mel_l1"] > 0.5


@pytest.mark.slow
def test_every_candidate_keeps_what_the_preset_holds(on_mine: Matcher, its_sound: Target, mine: Preset):
    candidates = on_mine.match_target(its_sound, Budget(renders=60)).candidates

    assert len(candidates) > 1
    assert {(c.preset.state, c.preset.author, c.preset.name) for c in candidates} == {(mine.state, "Ann", "mine")}


@pytest.mark.slow
def test_what_is_locked_without_a_value_stays_as_it_is_in_the_preset(on_mine: Matcher, its_sound: Target):
    result = on_mine.match(
        Sound(its_sound.samples, RATE), renders=40, note=48, lock={"osc_2": None, "modulation_1.amount": None}
    )

    for candidate in result.candidates:
        assert candidate.preset.values["osc_2.on"] == "On"
        assert candidate.preset.values["modulation_1.amount"] == pytest.approx(0.5)


def test_the_preset_comes_first_and_others_are_drawn_around_it():
    point = CORE.snap(np.random.default_rng(1).random(len(CORE)))

    points = FromPreset(CORE, point).propose(make_target(), 60, 400, np.random.default_rng(0))

    np.testing.assert_array_equal(points[0], point)
    assert points.shape == (400, len(CORE))
    assert 0.5 < (points[1:] == point).mean() < 0.95


def test_a_preset_of_another_synth_is_refused():
    with pytest.raises(PresetError, match="Saw: is for 'tone', not 'vital'"):
        Matcher.load("vital", on=Preset("tone", {}, name="Saw"))


def test_a_synth_whose_presets_are_nothing_but_parameters_is_refused():
    with pytest.raises(OptionError, match="presets of 'tone' hold nothing but its parameters"):
        Matcher.load("tone", on=Preset("tone", Tone.space.decode(point_of())))
