"""The parameters of Vital: those of the real synth, in units, exactly."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import patchflow
from patchflow.errors import PresetError, UnknownName
from patchflow.hosts import HostProcess
from patchflow.presets import Choice, Preset
from patchflow.presets.vital import (
    CORE,
    FULL,
    Macro,
    VitalControl,
    control_name,
    controls,
    destinations,
    document_of,
    load_state,
    sources,
    with_macros,
)

COUNTS = Path(patchflow.__file__).parent.parent / "benchmarks" / "results" / "vital_core.csv"
# What six presets or more change and the core still leaves out: chance, tempo, glide, order, and what needs a player.
LEFT_OUT = r"beats_per_minute|effect_chain_order|polyphony|legato|portamento_time|macro_control_1|osc_1_midi_track"
LEFT_OUT += r"|osc_1_detune_power|osc_\d_random_phase|modulation_(9|1\d)_amount|lfo_[45]_tempo"


@pytest.fixture(scope="module")
def described() -> Any:
    """What the real synth says."""
    with HostProcess("vita") as host:
        return host.ask("describe").facts


@pytest.mark.slow
def test_the_controls_are_those_of_the_real_synth(described: Any):
    assert list(controls().values()) == [
        VitalControl(**{**item, "options": tuple(item["options"])}) for item in described["controls"]
    ]
    assert (list(sources()), list(destinations())) == (described["sources"], described["destinations"])


def test_a_number_of_a_file_is_the_same_after_it_was_a_value():
    rng = np.random.default_rng(0)
    for control in controls().values():
        drawn = control.low + rng.random(20) * (control.high - control.low)
        drawn = np.float32(np.round(drawn) if control.discrete else drawn).astype(float)
        numbers = [control.low, control.default, control.high, *np.clip(drawn, control.low, control.high).tolist()]
        assert [control.number(control.value(number)) for number in numbers] == numbers, control.name


def test_every_control_and_every_modulation_is_a_parameter():
    assert {control_name(name) for name in FULL.names} >= set(controls())
    assert len(FULL) == 772 + 2 * 64


def test_the_core_is_part_of_all():
    assert set(CORE.names) < set(FULL.names)
    assert 100 <= len(CORE) <= 200


def test_the_core_has_what_presets_change_most():
    rows = list(csv.reader(COUNTS.read_text().splitlines()))[1:]

    missing = [name for name, count, core in rows if int(count) >= 6 and not core]

    assert [name for name in missing if not re.fullmatch(LEFT_OUT, name)] == []
    assert {name for name, _, core in rows if core} <= {control_name(name) for name in CORE.names}


@pytest.mark.parametrize("space", [CORE, FULL], ids=["core", "full"])
def test_notes_do_not_start_at_chance(space: Any):
    fresh = space.decode(space.default())

    assert {value for name, value in fresh.items() if name.endswith("random_phase")} <= {0, "Off"}
    assert not any("random_phase" in name for name in CORE.names)
    assert document_of(fresh, {})["settings"]["osc_1_random_phase"] == 0


@pytest.mark.parametrize(
    ("name", "number", "value", "unit"),
    [
        ("env_1_attack", 0.1495, 0.0004995, "s"),
        ("lfo_1_frequency", 1.0, 2.0, "Hz"),
        ("volume", 5473.04, -6.02, "dB"),
        ("delay_dry_wet", 0.5, 50.0, "%"),
        ("osc_1_tune", 0.25, 25.0, "cents"),
        ("osc_1_phase", 0.5, 180.0, "°"),
        ("filter_1_cutoff", 60.0, 0.0, "st"),
        ("chorus_delay_1", -9.0, 1.953125, "ms"),
    ],
)
def test_a_value_is_in_the_unit_of_the_panel(name: str, number: float, value: float, unit: str):
    assert controls()[name].value(number) == pytest.approx(value, rel=1e-3, abs=1e-3)
    assert controls()[name].parameter.unit == unit


def test_options_have_names_of_their_own():
    choices = [p for p in FULL.parameters if isinstance(p, Choice)]

    assert all(len(set(choice.options)) == len(choice.options) for choice in choices)
    assert controls()["osc_2_distortion_type"].value(8.0) == "FM <- Osc 3"
    assert controls()["delay_tempo"].value(9.0) == "1/8"


PRESET = Preset("vital", CORE.decode(CORE.default()) | {"filter_1.on": "On"}, name="M")


@pytest.mark.slow
def test_a_fresh_preset_has_the_lfos_and_the_sample_of_the_real_synths(described: Any):
    settings = document_of({}, {})["settings"]

    assert [settings[part] == described["preset"]["settings"][part] for part in ("lfos", "sample")] == [True, True]


def test_who_changes_a_document_changes_no_other():
    first = document_of({}, {})
    name = first["settings"]["lfos"][0]["name"]
    first["settings"]["lfos"][0]["name"] = "changed"
    first["settings"]["wavetables"][0]["name"] = "changed"

    second = document_of({}, {})["settings"]
    assert second["lfos"][0]["name"] == name
    assert second["wavetables"][0]["name"] != "changed"


@pytest.mark.slow
def test_the_real_synth_has_the_macros_that_were_written():
    preset = with_macros(PRESET, [Macro("Dark", {"filter_1.cutoff": -0.5, "osc_1.level": 0.25}, value=0.5)])
    text = json.dumps({**document_of(preset.values, load_state(preset.state)), "synth_version": "1.5.5"})

    with HostProcess("vita", {"preset": text}) as host:
        found = host.ask("describe").facts["preset"]

    settings = found["settings"]
    moved = {
        slot["destination"]: settings[f"modulation_{n}_amount"]
        for n, slot in enumerate(settings["modulations"], 1)
        if slot["source"] == "macro_control_1"
    }
    assert (found["macro1"], settings["macro_control_1"]) == ("Dark", 0.5)
    assert moved == {"filter_1_cutoff": -0.5, "osc_1_level": 0.25}


def test_a_macro_takes_the_place_of_what_its_knob_moved_and_no_other():
    once = with_macros(PRESET, [Macro("A", {"osc_1.level": 0.5}), Macro("B", {"osc_2.level": 0.5})])
    twice = with_macros(once, [Macro("C", {"volume": -0.5})])

    slots = load_state(twice.state)["settings"]["modulations"]
    used = [(slot["source"], slot["destination"]) for slot in slots if slot["source"]]
    assert sorted(used) == [("macro_control_1", "volume"), ("macro_control_2", "osc_2_level")]
    np.testing.assert_allclose(CORE.encode(twice.values), CORE.encode(PRESET.values), atol=1e-9)


@pytest.mark.parametrize(
    ("macro", "error", "said"),
    [
        (Macro("A", {"osc_1.level": 1.5}), PresetError, "osc_1.level: amount=1.5: not in"),
        (Macro("A", {}, value=-1), PresetError, "value=-1: not in"),
        (Macro("A", {"osc_1.on": 1.0}), UnknownName, "no parameter that Vital can modulate named 'osc_1.on'"),
    ],
)
def test_a_macro_that_cannot_be_is_refused(macro: Macro, error: type[Exception], said: str):
    with pytest.raises(error, match=said):
        with_macros(PRESET, [macro])


def test_there_are_four_macros_and_64_modulations():
    with pytest.raises(PresetError, match="5 macros: Vital has 4"):
        with_macros(PRESET, [Macro("A", {})] * 5)
    many = {control_name(name): 0.1 for name in destinations()[:65]}
    with pytest.raises(PresetError, match="no modulation is free, Vital has 64"):
        with_macros(PRESET, [Macro("A", many)])
