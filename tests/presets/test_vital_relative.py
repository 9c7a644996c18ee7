"""Presets of `vital` as presets of `vital_full` and back: both are the same file."""

import json
from dataclasses import replace

import numpy as np
import pytest

from patchflow.engines import load_presets
from patchflow.engines.vital import Vital as Engine
from patchflow.errors import PresetError
from patchflow.presets import Preset, check, write_presets
from patchflow.presets.formats.vital import Vital
from patchflow.presets.vital import FULL, SPACES, as_synth
from tests.vital_files import document, packed

CORE_PRESET = Vital().read(packed(document(modulation_12_amount=0.25))).presets[0]


def test_all_that_is_a_parameter_becomes_a_value():
    full = as_synth(CORE_PRESET, "vital_full")

    check(full, FULL)
    assert full.synth == "vital_full"
    assert full.values["modulation_4.destination"] == "filter_fx_cutoff"  # beyond the core
    assert full.values["modulation_12.source"] == "lfo_4"
    assert full.values["osc_1.random_phase"] == 100.0


def test_what_is_no_parameter_stays_in_the_state():
    state = json.loads(as_synth(CORE_PRESET, "vital_full").state)

    assert state["settings"]["wavetables"][0]["name"] == "Mine"
    assert state["macro2"] == "DIRT"
    assert "osc_1_random_phase" not in state["settings"]


def test_both_make_the_same_file():
    assert Vital().write([as_synth(CORE_PRESET, "vital_full")]) == Vital().write([CORE_PRESET])


def test_there_and_back_nothing_has_changed():
    assert as_synth(as_synth(CORE_PRESET, "vital_full"), "vital") == CORE_PRESET


@pytest.mark.parametrize("seed", range(3))
def test_nothing_of_a_full_preset_is_lost_in_the_core(seed: int):
    point = FULL.snap(np.random.default_rng(seed).random(len(FULL)))
    full = as_synth(as_synth(Preset("vital_full", FULL.decode(point), "M"), "vital"), "vital_full")

    again = as_synth(as_synth(full, "vital"), "vital_full")

    np.testing.assert_allclose(FULL.encode(full.values), point, atol=1e-5)
    assert again == full


def test_labels_come_along():
    full = as_synth(replace(CORE_PRESET, tags=("warm",)), "vital_full")

    assert (full.name, full.author, full.category, full.tags) == ("Mine", "Ann", "Lead", ("warm",))


def test_a_preset_of_another_synth_is_refused():
    with pytest.raises(PresetError, match="Ping: is for 'tone', not one of vital, vital_full"):
        as_synth(Preset("tone", {}, "Ping"), "vital")


def test_an_engine_takes_over_what_is_its_relatives_and_nothing_else():
    assert Engine().unpack(as_synth(CORE_PRESET, "vital_full")) == CORE_PRESET
    with pytest.raises(PresetError, match="no presets that only it understands"):
        Engine().unpack(Preset("tone", {}, "Ping"))


@pytest.mark.parametrize("synth", SPACES)
@pytest.mark.parametrize("name", ["a.vital", "a.json"])
def test_files_are_read_for_the_synth_that_is_asked_for(synth: str, name: str, tmp_path):
    write_presets(tmp_path / name, [CORE_PRESET])

    assert load_presets(tmp_path / name, synth).presets == (as_synth(CORE_PRESET, synth),)
