"""Vital's own files: nothing is lost, nothing is bent, and the real synth plays what is written."""

import json
import math
import time
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
from patchflow.presets.vital._document import fresh_part
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
        ({"osc_1_level": "loud"}, r"osc_1_level='loud': not a number"),
        ({"osc_1_level": [0.5]}, r"osc_1_level=[0.5]: not a number"),
        ({"modulations": [{"source": 1}]}, "modulation 1: source=1: not a text"),
        ({"modulations": [7]}, "modulation 1: 7: not an object"),
        ({"modulations": {}}, "modulations: {} is no list"),
        ({"wavetables": "mine"}, "wavetables: 'mine' is no list"),
        ({"lfos": [1]}, "lfo 1: 1: not an object"),
        ({"sample": "mine"}, "sample='mine': not an object"),
        ({"sparkle": [1.0, {"deep": math.inf}]}, "'deep'=inf: not a finite number"),
    ],
    ids=str,
)
def test_a_setting_that_vital_cannot_read_is_named(settings: dict[str, Any], reason: str):
    assert reason in rejection(**settings)


def mended(settings: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The settings that are written of a file with other settings, and what was mended."""
    report = Vital().read(packed(document(**settings)))
    assert [fault.voice for fault in report.mended] == [1] * len(report.mended)
    assert report.strict().presets == ()
    return json.loads(Vital().write(report.presets))["settings"], [fault.reason for fault in report.mended]


@pytest.mark.parametrize(
    ("name", "value", "written", "said"),
    [
        ("filter_1_cutoff", 999.0, 136.0, "filter_1_cutoff=999.0: not in [8, 136], taken as 136"),
        ("filter_1_cutoff", -1, 8.0, "filter_1_cutoff=-1: not in [8, 136], taken as 8"),
        ("lfo_8_phase", -0.5, 0.0, "lfo_8_phase=-0.5: not in [0, 1], taken as 0"),  # beyond the core
        ("osc_1_level", 1e300, 1.0, "osc_1_level=1e+300: not in [0, 1], taken as 1"),
        ("osc_1_level", math.inf, 1.0, "osc_1_level=inf: not in [0, 1], taken as 1"),
        ("osc_1_level", 10**400, 1.0, "osc_1_level=inf: not in [0, 1], taken as 1"),
        ("osc_1_unison_voices", 2.7, 3.0, "osc_1_unison_voices=2.7: not a whole number in [1, 16], taken as 3"),
        ("osc_1_random_phase", math.nan, 1.0, "osc_1_random_phase=nan: not a number, taken as 1, Vital's default"),
        ("osc_1_random_phase", None, 1.0, "osc_1_random_phase=None: not a number, taken as 1, Vital's default"),
        ("osc_1_level", "0.25", 0.25, "osc_1_level=0.25: given as a text"),
        ("osc_1_on", False, 0.0, "osc_1_on: true or false, taken as 1 or 0"),
    ],
)
def test_a_control_is_limited_and_said(name: str, value: Any, written: float, said: str):
    assert mended({name: value}) == ({**mended_not()[0], name: written}, [said])


def mended_not() -> tuple[dict[str, Any], list[str]]:
    report = Vital().read(packed(document()))
    return json.loads(Vital().write(report.presets))["settings"], list(report.problems)


def test_switches_are_said_in_one_line():
    settings, said = mended({"osc_1_on": True, "osc_2_on": False, "filter_1_on": True})

    assert said == ["filter_1_on, and 2 more: true or false, taken as 1 or 0"]
    assert (settings["osc_1_on"], settings["osc_2_on"], settings["filter_1_on"]) == (1.0, 0.0, 1.0)


PARTS = ("lfos", "sample", "wavetables")
GOOD = {"source": "lfo_1", "destination": "volume"}
NONE = {"source": "", "destination": ""}


@pytest.mark.parametrize(
    ("slot", "said"),
    [
        ({"source": "lfo_99", "destination": "volume"}, "modulation 2: source='lfo_99': unknown, and it is left out"),
        ({"source": "lfo_1", "destination": "osc_4_on"}, "modulation 2: destination='osc_4_on': unknown, and it is"),
        ({"source": "lfo_1"}, "modulation 2: has no destination, and is left out"),
        ({"destination": "volume"}, "modulation 2: has no source, and is left out"),
        ({"source": None, "destination": "volume"}, "modulation 2: has no source, and is left out"),
        (
            {"source": "lfo_1", "destination": "modulation_2_amount"},
            "modulation 2: modulates its own amount, and is left out",
        ),
    ],
)
def test_a_modulation_that_vital_does_not_know_is_left_out(slot: dict[str, Any], said: str):
    settings, faults = mended({"modulations": [GOOD, slot, GOOD]})

    assert settings["modulations"][:4] == [GOOD, NONE, GOOD, NONE]
    assert len(settings["modulations"]) == 64
    assert len(faults) == 1
    assert faults[0].startswith(said)


def test_of_too_many_modulations_the_first_64_are_taken():
    settings, said = mended({"modulations": [GOOD] * 70})

    assert settings["modulations"] == [GOOD] * 64
    assert said == ["modulations: 70, of which the first 64 are taken, as many as Vital has"]


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "null"])
@pytest.mark.parametrize("part", ["lfos", "sample", "wavetables", "modulations"])
def test_a_part_that_is_missing_is_that_of_vitals_first_preset(part: str, missing: bool):
    content = document(**{part: None})
    if missing:
        del content["settings"][part]

    report = Vital().read(packed(content))

    fresh = [NONE] * 64 if part == "modulations" else fresh_part(part)
    assert json.loads(Vital().write(report.presets))["settings"][part] == fresh
    assert [fault.reason.partition(",")[0] for fault in report.mended] == [f"{part}: missing"]


def test_fresh_parts_are_those_of_a_vital_that_was_just_started():
    with HostProcess("vita") as host:
        first = host.ask("describe").facts["preset"]["settings"]

    own = json.loads(json.dumps({part: first[part] for part in PARTS}).replace("99999.9.9", "1.5.5"))
    assert {part: fresh_part(part) for part in PARTS} == own


@pytest.mark.slow
@pytest.mark.parametrize("part", ["lfos", "modulations", "wavetables"])
def test_vital_plays_what_was_filled_up_like_the_file_itself(part: str):
    content = document(osc_1_random_phase=0.0)
    del content["settings"][part]

    written = Vital().write(Vital().read(packed(content)).presets)

    assert np.abs(played(written)).max() > 0.01
    np.testing.assert_array_equal(played(written), played(packed(content)))


@pytest.mark.parametrize(("part", "most"), [("lfos", 8), ("wavetables", 3)])
def test_parts_are_as_many_as_vital_has(part: str, most: int):
    own = document()["settings"][part]

    few, said_few = mended({part: own[:2]})
    many, said_many = mended({part: [own[1]] * (most + 2)})

    assert few[part][2:] == fresh_part(part)[2:]
    assert many[part] == [own[1]] * most
    assert said_few == [f"{part}: 2 instead of {most}, the others are taken from Vital's first preset"]
    assert said_many == [f"{part}: {most + 2}, of which the first {most} are taken, as many as Vital has"]


SHAPE = {"name": "Mine", "num_points": 3, "points": [0.0, 1.0, 0.5, 0.0, 1.0, 1.0], "powers": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"num_points": 7}, {"num_points": 3}),
        ({"num_points": None}, {"num_points": 3}),
        ({"powers": [1.0]}, {"powers": [1.0, 0.0, 0.0]}),
        ({"powers": None}, {"powers": [0.0, 0.0, 0.0]}),
        ({"powers": [1.0] * 5}, {"powers": [1.0] * 3}),
        ({"points": [0, 1, 1, 0, 1]}, {"num_points": 2, "points": [0, 1, 1, 0], "powers": [1.0, 2.0]}),
        ({"points": [0.0, 1.0, math.nan, 1.0, 1.0, 1.0]}, {"num_points": 1, "points": [0.0, 1.0], "powers": [1.0]}),
        ({"smooth": 1}, {"smooth": True}),
    ],
)  # fmt: skip
def test_a_shape_of_an_lfo_agrees_with_itself(change: dict[str, Any], expected: dict[str, Any]):
    settings, said = mended({"lfos": [{**SHAPE, **change}, *fresh_part("lfos")[1:]]})

    assert settings["lfos"][0] == {"smooth": False, **SHAPE, **expected}
    assert said[0].startswith("lfo 1: its points and powers do not agree")


@pytest.mark.parametrize("shape", [{}, {**SHAPE, "points": []}, {**SHAPE, "points": "no"}, None])
def test_an_lfo_without_a_shape_is_that_of_vitals_first_preset(shape: Any):
    settings, said = mended({"lfos": [shape, *fresh_part("lfos")[1:]]})

    assert settings["lfos"] == fresh_part("lfos")
    assert said == ["lfo 1: has no points that can be read, taken from Vital's first preset"]


def test_a_curve_of_a_modulation_that_cannot_be_read_is_straight():
    settings, said = mended({"modulations": [{**GOOD, "line_mapping": {"points": 1}}]})

    assert settings["modulations"][0] == GOOD
    assert said == ["modulation 1: line_mapping: has no points that can be read, taken straight"]


def test_a_sample_that_is_shorter_than_it_says_is_as_long_as_it_is():
    sample = {**fresh_part("sample"), "samples": "AAAAAAAA", "length": 2_000_000_000}

    settings, said = mended({"sample": sample})

    assert settings["sample"]["length"] == 3
    assert said == ["sample: its length is given as 2000000000, and is 3"]


def test_a_sample_without_sound_and_a_wavetable_without_groups_are_fresh():
    settings, said = mended({"sample": {"name": "x"}, "wavetables": [{}, *fresh_part("wavetables")[1:]]})

    assert settings["sample"] == fresh_part("sample")
    assert settings["wavetables"] == fresh_part("wavetables")
    assert len(said) == 2


def test_texts_that_are_none_are_vitals_own():
    report = Vital().read(packed({**document(), "comments": 5, "macro2": None}))

    again = json.loads(Vital().write(report.presets))
    assert (again["comments"], again["macro2"]) == ("", "MACRO 2")
    assert [fault.reason for fault in report.mended] == [
        "comments=5: not a text, left out",
        "macro2=None: not a text, left out",
    ]


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
        ("0.8.9", "made by Vital 0.8.9, older than 0.9"),
        ("0", "made by Vital 0, older than 0.9"),
        ("new", "synth_version='new' is no version"),
        ("", "synth_version='' is no version"),
        (None, "synth_version=None is no version"),
    ],
)
def test_files_of_versions_that_are_not_known_are_refused(version: Any, said: str):
    with pytest.raises(PresetError, match=said):
        Vital().read(packed({**document(), "synth_version": version}))


@pytest.mark.parametrize("version", ["0.9.0", "1.0.7", "1.5", "1.5.5", "1.5.6", "1.5.60", " 1.5.6-beta "])
def test_files_that_vital_1_5_opens_are_read_without_a_word(version: str):
    report = Vital().read(packed({**document(), "synth_version": version}))

    assert report.presets == Vital().read(packed(document())).presets
    assert not report.problems


@pytest.mark.parametrize("version", ["1.6.0", "1.6.12", "2.0", "2"])
def test_files_of_newer_versions_are_read_with_a_note_and_written_for_vital_1_5(version: str):
    content = {**document(osc_1_sparkle=0.5), "synth_version": version}
    content["settings"]["wavetables"][1]["version"] = version

    report = Vital().read(packed(content))
    again = json.loads(Vital().write(report.presets))

    assert report.notes[0] == f"made by Vital {version}, newer than 1.5.5: what is new in it may be missing"
    assert again["synth_version"] == again["settings"]["wavetables"][1]["version"] == "1.5.5"
    assert again["settings"]["osc_1_sparkle"] == 0.5
    assert not report.mended


WRITTEN = packed(document())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xef\xbb\xbf" + WRITTEN, ()),
        (WRITTEN.decode().encode("utf-16"), ()),
        (b"\xfe\xff" + WRITTEN.decode().encode("utf-16-be"), ()),
        (WRITTEN.replace(b", ", b",\r\n"), ()),
        (WRITTEN + b"\0", ("1 letters from the first zero on are left out",)),
        (WRITTEN + bytes(511) + b"garbage", ("518 letters from the first zero on are left out",)),
        (WRITTEN + b"\r\n\x1a", ()),
    ],
    ids=["mark", "UTF-16", "UTF-16, big end first", "CRLF", "zero", "zeros and garbage", "Ctrl-Z"],
)
def test_what_editors_and_file_systems_do_to_a_file_does_no_harm(data: bytes, said: tuple[str, ...]):
    report = Vital().read(data)

    assert Vital().recognises(data)
    assert report.presets == Vital().read(WRITTEN).presets
    assert tuple(fault.reason for fault in report.mended) == said


def test_of_a_key_given_twice_the_last_counts():
    data = WRITTEN.replace(b'"settings": {', b'"settings": {"osc_1_sparkle": 1, "osc_1_sparkle": 2, ', 1)

    report = Vital().read(data)

    assert json.loads(Vital().write(report.presets))["settings"]["osc_1_sparkle"] == 2
    assert [fault.reason for fault in report.mended] == [
        "'osc_1_sparkle' is given twice in one object, and the last one counts"
    ]


def test_a_name_in_latin_1_keeps_its_letters():
    data = json.dumps({**document(), "preset_name": "Größe"}, ensure_ascii=False).encode("latin-1")

    report = Vital().read(data)

    assert report.presets[0].name == "Größe"
    assert report.mended[0].reason.endswith("is not UTF-8 text: taken for Latin-1")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "not a preset file: .* at line 1"),
        (b'{"synth_version": "1.5.5"}', 'it has no "settings"'),
        (b'{"synth_version": "1.5.5", "settings": []}', 'it has no "settings"'),
        (b"[1]", 'it has no "settings"'),
        (packed(SHAPE), r"not a Vital preset: it is an LFO shape \(.vitallfo\)"),
        (packed(fresh_part("wavetables")[0]), r"not a Vital preset: it is a wavetable \(.vitaltable\)"),
        (packed(document())[:-5], "not a preset file"),
    ],
    ids=["half an object", "no settings", "a list of settings", "a list", "an LFO", "a wavetable", "cut off"],
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


@pytest.mark.parametrize(
    "state",
    [b"\xff", b"{", b"[]", b'{"settings": 1}', b'{"settings": {"modulations": 1}}', b'{"settings": {"lfos": [1]}}'],
)
def test_a_damaged_rest_is_refused(state: bytes):
    with pytest.raises(PresetError, match="the state of this Vital preset is damaged"):
        Vital().write([replace(FRESH, state=state)])


def test_keys_given_twice_among_very_many_take_no_time():
    keys = ", ".join(f'"odd_{i}": 0' for i in range(40_000))
    begin = time.perf_counter()

    report = Vital().read(WRITTEN.replace(b'"settings": {', f'"settings": {{{keys}, "odd_7": 1, '.encode(), 1))

    assert [fault.reason for fault in report.mended] == [
        "'odd_7' is given twice in one object, and the last one counts"
    ]
    assert report.notes == ("keeps 40000 settings that are not known here, such as 'odd_0'",)
    assert time.perf_counter() - begin < 10
