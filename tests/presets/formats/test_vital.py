"""Vital's own files: nothing is lost, nothing is bent, and the real synth plays what is written."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from patchflow.engines import Note
from patchflow.engines.vital import Vital as Engine
from patchflow.errors import PresetError, UnknownName
from patchflow.hosts import HostProcess
from patchflow.presets import Preset
from patchflow.presets.formats.vital import Vital
from patchflow.presets.vital import CORE, FULL, values_of
from tests.vital_files import document, packed

RATE = 22_050
NOTE = Note(48, 90, hold=0.3, length=0.5)
FRESH = Preset("vital", CORE.decode(CORE.default()), name="Fresh")


def read(content: dict[str, Any]) -> Preset:
    (preset,) = Vital().read(packed(content)).presets
    return preset


def rejection(**settings: Any) -> str:
    (rejected,) = Vital().read(packed(document(**settings))).rejected
    return rejected.reason


def test_names_author_and_style_are_the_presets():
    preset = read(document())

    assert (preset.name, preset.author, preset.category) == ("Mine", "Ann", "Lead")


def test_controls_and_modulations_are_values():
    values = read(document()).values

    assert values["osc_2.on"] == "On"
    assert (values["modulation_1.source"], values["modulation_1.destination"]) == ("env_2", "filter_1_cutoff")
    assert values["modulation_1.amount"] == 0.5


def test_what_the_core_cannot_say_of_a_modulation_is_other():
    assert read(document()).values["modulation_4.destination"] == "other"


@pytest.mark.parametrize("space", [CORE, FULL], ids=["core", "full"])
def test_all_that_was_in_a_file_is_in_the_next(space: Any):
    before = document()
    preset = read(before)
    values = preset.values if space is CORE else values_of(before, FULL)
    synth = "vital" if space is CORE else "vital_full"

    after = json.loads(Vital().write([replace(preset, synth=synth, values=values)]))

    before["settings"]["wavetables"][0]["version"] = "1.5.5"
    wrong = {key for key, value in before.items() if after[key] != value} - {"settings"}
    settings = {key for key, value in before["settings"].items() if not same(after["settings"][key], value)}
    assert wrong | settings == set()


def same(one: Any, other: Any) -> bool:
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return one == pytest.approx(other, rel=1e-6) if numbers else one == other


def test_a_fresh_preset_has_no_state():
    assert Vital().read(Vital().write([FRESH])).presets[0].state == b""


def test_what_is_written_says_a_version_that_vital_opens():
    data = Vital().write([read(document())])

    assert b"99999.9.9" not in data
    assert json.loads(data)["synth_version"] == "1.5.5"


def test_what_vita_wrote_is_read_with_a_note():
    report = Vital().read(packed({**document(), "synth_version": "99999.9.9"}))

    assert report.presets[0].name == "Mine"
    assert "99999.9.9" in report.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize(("random_phase", "passing"), [(0.0, 0), (1.0, 0), (1.0, 40)])
def test_the_real_synth_plays_an_export_like_the_file_and_so_does_the_engine(random_phase: float, passing: int):
    original = packed(document(osc_1_random_phase=random_phase))
    (preset,) = Vital().read(original).presets
    engine = Engine(passing)
    engine.build_on(preset.state)

    sound = engine.render(CORE.encode(preset.values), NOTE, RATE)

    assert np.abs(sound).max() > 0.01
    np.testing.assert_array_equal(sound, played(original))
    np.testing.assert_array_equal(sound, played(Vital().write([preset])))


@pytest.mark.slow
def test_its_own_wavetables_are_heard():
    preset = read(document())
    engine = Engine()
    without = engine.render(CORE.encode(preset.values), NOTE, RATE)

    engine.build_on(preset.state)

    assert np.abs(engine.render(CORE.encode(preset.values), NOTE, RATE) - without).max() > 0.01


def played(data: bytes) -> np.ndarray:
    """What Vital makes of a file, without any help of ours."""
    asked = {"pitch": NOTE.pitch, "velocity": NOTE.velocity, "hold": NOTE.hold, "length": NOTE.length + 1 / RATE}
    with HostProcess("vita") as host:
        return np.frombuffer(host.ask("render", asked, data, rate=RATE).data, np.float32)[: NOTE.samples(RATE)]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"filter_1_cutoff": 999.0}, r"filter_1_cutoff=999.0: not in [8, 136]"),
        ({"lfo_8_phase": -0.5}, r"lfo_8_phase=-0.5: not in [0, 1]"),  # beyond the core
        ({"osc_1_unison_voices": 2.5}, r"osc_1_unison_voices=2.5: not a whole number in [1, 16]"),
        ({"osc_1_level": 1e300}, r"osc_1_level=1e+300: not in [0, 1]"),
        ({"osc_1_level": "loud"}, r"osc_1_level='loud': not a number"),
        ({"osc_1_on": True}, r"osc_1_on=True: not a number"),
        ({"modulations": [{"source": "lfo_9", "destination": "volume"}]}, "modulation 1: source='lfo_9': unknown"),
        ({"modulations": [{"source": "lfo_1", "destination": "osc_4_on"}]}, "modulation 1: destination='osc_4_on'"),
        ({"modulations": [{"source": 1}]}, "modulation 1: source=1: not a text"),
        ({"modulations": [{}] * 65}, "not 64 objects or fewer"),
        ({"wavetables": "mine"}, "wavetables: 'mine' is no list"),
        ({"sample": None}, "sample: missing from the settings"),
        ({"lfos": [1]}, "lfos=[1]: not 8 objects or fewer"),
    ],
    ids=str,
)
def test_a_setting_that_is_not_allowed_is_named(settings: dict[str, Any], reason: str):
    assert reason in rejection(**settings)


@pytest.mark.parametrize("part", ["lfos", "sample", "wavetables", "modulations"])
def test_a_part_that_is_missing_is_named(part: str):
    content = document()
    del content["settings"][part]

    (rejected,) = Vital().read(packed(content)).rejected

    assert rejected.reason == f"{part}: missing from the settings"


def test_a_control_that_is_missing_is_at_vitals_default():
    content = document()
    del content["settings"]["osc_2_on"], content["settings"]["osc_2_random_phase"]

    again = json.loads(Vital().write([read(content)]))["settings"]

    assert (again["osc_2_on"], again["osc_2_random_phase"]) == (0.0, 1.0)


def test_settings_that_nobody_knows_are_kept_with_a_note():
    report = Vital().read(packed(document(osc_1_sparkle=0.5)))

    assert "1 settings that are not known here, such as 'osc_1_sparkle'" in report.notes[0]
    assert json.loads(Vital().write(report.presets))["settings"]["osc_1_sparkle"] == 0.5


def test_a_name_that_cannot_be_shown_is_mended_with_a_note():
    report = Vital().read(packed({**document(), "preset_name": "A\nB"}))

    assert report.presets[0].name == "A B"
    assert "preset_name" in report.notes[0]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.5.6", "made by Vital 1.5.6, newer than 1.5.5"),
        ("2.0", "made by Vital 2.0, newer than 1.5.5"),
        ("0.9.9", "made by Vital 0.9.9, older than 1.0.0"),
        ("new", "synth_version='new' is no version"),
        (None, "synth_version=None is no version"),
    ],
)
def test_files_of_versions_that_are_not_known_are_refused(version: Any, said: str):
    with pytest.raises(PresetError, match=said):
        Vital().read(packed({**document(), "synth_version": version}))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "not a preset file: .* at line 1"),
        (b'{"synth_version": "1.5.5", "settings": {"volume": NaN}}', "NaN: not a finite number"),
        (b'{"synth_version": "1.5.5"}', 'it has no "settings"'),
        (b'{"synth_version": "1.5.5", "settings": []}', 'it has no "settings"'),
        (b"[1]", 'it has no "settings"'),
        (packed(document())[:-5], "not a preset file"),
    ],
    ids=["half an object", "not a number", "no settings", "a list of settings", "a list", "cut off"],
)
def test_what_is_no_preset_is_refused(data: bytes, said: str):
    with pytest.raises(PresetError, match=said):
        Vital().read(data)


def test_presets_of_other_synths_are_refused():
    with pytest.raises(PresetError, match="is for 'dexed', a .vital file holds one of 'vital' or 'vital_full'"):
        Vital().write([replace(FRESH, synth="dexed")])


def test_a_preset_with_unknown_or_too_few_values_is_refused():
    with pytest.raises(UnknownName):
        Vital().write([replace(FRESH, values={**FRESH.values, "sparkle": 1.0})])
    with pytest.raises(PresetError, match="missing"):
        Vital().write([replace(FRESH, values={"volume": 0.0})])


@pytest.mark.parametrize("state", [b"\xff", b"{", b"[]", b'{"settings": 1}'])
def test_a_damaged_rest_is_refused(state: bytes):
    with pytest.raises(PresetError, match="the state of this Vital preset is damaged"):
        Vital().write([replace(FRESH, state=state)])
