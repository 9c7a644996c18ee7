"""`patchflow.resynthesis.variants`: where a search may begin, and what it may move."""

import numpy as np
import pytest

from patchflow.engines import Note, engines
from patchflow.presets.vital import CORE, document_of, load_state
from patchflow.resynthesis import SEARCH_FREE, Options, variants
from patchflow.resynthesis.vital_patch import vital_document
from tests.resynthesis.recordings import RATE, harmonic, spectrum_gap, tone, white


def wavering(seconds: float = 0.6) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    semitones = 0.5 * np.sin(2 * np.pi * 5 * t)
    turn = 2 * np.pi * np.cumsum(330 * 2 ** (semitones / 12)) / RATE
    return harmonic(turn) + 0.1 * white(seconds)


def test_the_default_comes_first_and_alone():
    found = variants(wavering(), RATE)
    first = next(found)

    assert first.options == Options()
    assert first.words == f"two wavetables, {first.found.frames} frames"
    assert first.preset == first.found.vital()


def test_each_says_what_it_is_and_is_another():
    made = list(variants(wavering(), RATE))

    words = [each.words for each in made]
    assert len(set(words)) == len({each.preset.state for each in made}) == len(made) >= 5
    assert any("a loop of noise" in each for each in words)
    assert sum("steady pitch" in each for each in words) == 1


def test_what_has_no_pitch_is_not_kept_steady():
    made = list(variants(white(0.5), RATE))

    assert all(each.options.follows and each.options.harmonics for each in made)


def test_any_key_plays_it():
    for note, key in ((69.0, 57), (None, 100)):
        found = next(variants(tone(440.0), RATE, note=note, key=key))
        assert (found.key, found.found.track is not None) == (key, True)
        settings = vital_document(found.found)["settings"]
        assert settings["osc_1_transpose"] + settings["osc_1_tune"] == pytest.approx(69 - key, abs=0.05)


def test_a_point_of_the_core_and_the_state_are_the_whole_document():
    for each in variants(wavering(0.3), RATE):
        document = vital_document(each.found)["settings"]
        values = CORE.decode(CORE.encode(each.preset.values))
        again = document_of(values, load_state(each.preset.state))["settings"]

        for name, setting in document.items():
            if isinstance(setting, float):
                assert again[name] == pytest.approx(setting, rel=1e-5, abs=1e-5), name
            else:
                assert again[name] == setting, name


def test_what_walks_through_the_tables_may_not_be_moved():
    assert set(CORE.names) >= SEARCH_FREE
    assert {"osc_1.level", "volume", "filter_2.cutoff", "reverb.dry_wet", "env_1.release"} <= SEARCH_FREE
    for part in ("lfo_", "modulation_", "filter_1", "env_1.sustain", "osc_1.wave_frame", "osc_1.transpose"):
        assert not [name for name in SEARCH_FREE if name.startswith(part)]


@pytest.mark.slow
def test_another_key_plays_the_same_in_vital():
    vital = engines["vital"]()
    recorded = tone(440.0)
    heard = []
    for key in (69, 45, 110):
        preset = next(variants(recorded, RATE, note=69.0, key=key)).preset
        vital.build_on(preset.state)
        heard.append(vital.render(vital.space.encode(preset.values), Note(key, 100, 0.8, 0.8), RATE))

    assert spectrum_gap(heard[0], heard[1]) < 1
    assert spectrum_gap(heard[0], heard[2]) < 1
