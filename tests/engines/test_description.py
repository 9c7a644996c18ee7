"""Descriptions of plug-ins: written, read back, edited, and wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchflow.engines import (
    Control,
    Description,
    Selection,
    Subset,
    engines,
    read_description,
    subset_files,
    subset_of,
    to_text,
)
from patchflow.engines._plugin.description_file import parse_description
from patchflow.engines._plugin.plugin import engine_of
from patchflow.engines._tuners import tuned
from patchflow.errors import EngineError, PresetError, UnknownName
from patchflow.presets import Value

CUT = Control(0, "cut", "knob", 0.5, group="filter", low=0.25, high=0.75)
MODE = Control(1, "mode", "choice", 1.0, "filter", options=("low", "high"), values=(0.0, 1.0))
RANGE = Control(2, "range", "steps", 0.5, options=("-1", "0", "1"), values=(0.0, 0.5, 1.0))
OCTAVE = Control(3, "octave", "steps", 0.0, options=("8 ft", "16 ft", "32 ft"), values=(0.0, 0.5, 1.0))
VOLUME = Control(4, "volume", "fixed", 0.7, label="Volume!", notes=("not heard",))
ALL = Description("mine", "/a/mine.so", (CUT, MODE, RANGE, OCTAVE, VOLUME), id="Mine", native="fxp", latency=64)
TUNE = Control(5, "tune", "knob", 0.5, low=0.25, high=1.0, cents=(-100.0, 100.0))
FEET = replace(OCTAVE, cents=(0.0, -1200.0, -2400.0))
TUNED = replace(ALL, controls=(CUT, MODE, RANGE, FEET, VOLUME, TUNE))
NEEDY = replace(TUNE, needs=(("mode", 0.0), ("cut", 0.75), ("volume", 0.7)))
PARTLY = replace(ALL, controls=(CUT, MODE, RANGE, FEET, VOLUME, NEEDY))


WORDS = st.text(st.characters(codec="utf-8"))


@given(
    st.dictionaries(st.integers(0, 99), st.tuples(WORDS, st.none() | WORDS, st.floats(0, 1, width=32)), min_size=1),
)
def test_any_names_and_numbers_are_read_as_they_were_written(found: dict[int, tuple[str, str | None, float]]):
    controls = [
        Control(index, f"{index}{group}", "knob", default, group, label=label)
        for index, (group, label, default) in found.items()
    ]

    read = parse_description(to_text(Description("a", "a.so", tuple(controls))), "a")

    assert [(c.index, c.name, c.group, c.label) for c in read.controls] == [
        (c.index, c.name, c.group, c.label) for c in controls
    ]
    assert [np.float32(c.default) for c in read.controls] == [np.float32(c.default) for c in controls]


def test_all_kinds_are_read_as_they_were_written():
    read = parse_description(to_text(ALL), "mine")

    assert read.space == ALL.space
    assert read.facts() == ALL.facts()
    assert (read.id, read.native, read.latency, read.names) == ("Mine", "fxp", 64, ALL.names)


def test_what_transposes_is_read_as_it_was_written():
    read = parse_description(to_text(TUNED), "mine")

    assert [control.cents for control in read.controls] == [control.cents for control in TUNED.controls]
    assert read.facts()["tuning"] == "octave, tune"
    assert ALL.facts()["tuning"] == "none known"


def test_presets_are_moved_by_what_transposes():
    engine = engine_of(TUNED)
    space = engine.space
    start = {"cut": 0.3, "mode": "low", "range": 0, "octave": 1, "tune": 0.5}

    def moved(cents: float) -> dict[str, Value]:
        points = tuned(space.encode(start)[None], np.array([cents]), TUNED.tuners, space)
        after = space.decode(points[0])
        return {name: value for name, value in after.items() if value != pytest.approx(start[name])}

    assert engine.tuning == {("octave",): 1200.0, ("tune",): 1.0}
    assert moved(1_230) == pytest.approx({"octave": 0, "tune": 0.65})
    assert moved(-1_150) == pytest.approx({"octave": 2, "tune": 0.75})
    assert moved(-80) == pytest.approx({"tune": 0.25})  # as low as the description lets it
    assert moved(0) == {}


def test_what_transposes_is_listed_coarsest_first_whatever_its_place():
    turned = replace(ALL, controls=(TUNE, CUT, FEET))

    assert list(engine_of(turned).tuning.items()) == [(("octave",), 1200.0), (("tune",), 1.0)]


def test_a_description_of_before_cannot_be_moved():
    assert engine_of(ALL).tuning == {}
    assert ALL.tuners == ()


def test_what_others_are_needed_for_is_read_as_it_was_written():
    read = parse_description(to_text(PARTLY), "mine")

    assert [control.needs for control in read.controls] == [control.needs for control in PARTLY.controls]
    assert read.facts()["tuning"] == "octave, tune (sets mode, cut, volume)"


def test_what_others_are_needed_for_sets_them():
    engine = engine_of(PARTLY)
    start = {"cut": 0.3, "mode": "high", "range": 0, "octave": 1, "tune": 0.5}

    points = tuned(engine.space.encode(start)[None], np.array([30.0]), PARTLY.tuners, engine.space)

    moved = {**start, "cut": 0.75, "mode": "low", "tune": 0.65}
    assert engine.space.decode(points[0]) == pytest.approx(moved)
    assert engine.tuning == {("octave",): 1200.0, ("tune",): 1.0}
    assert engine.tuning_needs == {("tune",): {"mode": "low", "cut": 0.75}}


@pytest.mark.parametrize("changed", [replace(CUT, high=0.7), replace(VOLUME, default=0.6)])
def test_what_needs_a_value_that_the_user_took_away_does_not_transpose(changed: Control):
    controls = [changed if control.name == changed.name else control for control in PARTLY.controls]
    edited = parse_description(to_text(replace(PARTLY, controls=tuple(controls))), "mine")

    assert engine_of(edited).tuning == {("octave",): 1200.0}
    assert edited.facts()["tuning"] == "octave"


def test_a_subset_transposes_with_what_is_free_or_as_its_voice_has_it():
    base = engine_of(PARTLY)
    voice: dict[str, Value] = {"cut": 0.75, "mode": "high", "range": 0, "octave": 1, "tune": 0.5}

    def small(*free: str) -> type[Subset]:
        return subset_of(Selection("small", "mine", free, voice), base)

    assert small("tune").tuning == {}
    assert small("tune", "mode").tuning == {("tune",): 1.0}
    assert small("tune", "mode").tuning_needs == {("tune",): {"mode": "low"}}
    voice["mode"] = "low"
    assert small("tune").tuning == {("tune",): 1.0}
    assert small("tune").tuning_needs == {}


def test_fixed_parameters_are_not_searched_but_set():
    assert ALL.space.names == ("cut", "mode", "range", "octave")
    assert (4, 0.7) in ALL.natives(ALL.space.default())


def test_a_preset_becomes_the_plug_ins_numbers():
    point = ALL.space.encode({"cut": 0.75, "mode": "low", "range": -1, "octave": 2})

    assert ALL.natives(point) == [(0, 0.75), (1, 0.0), (2, 0.0), (3, 1.0), (4, 0.7)]


def test_the_plug_ins_numbers_become_a_preset():
    texts = {1: "high", 2: "0", 3: "8 ft"}

    assert ALL.preset(dict(enumerate([0.3, 0.9, 0.6, 0.2, 0.1])), texts) == {
        "cut": 0.3,
        "mode": "high",
        "range": 0,
        "octave": 0,
    }


def test_a_value_beyond_the_limits_is_refused():
    with pytest.raises(PresetError, match=r"cut=0\.9: not in \[0\.25, 0\.75\]"):
        ALL.preset(dict(enumerate([0.9, 0.0, 0.0, 0.0, 0.0])), {})


def test_an_option_that_was_removed_is_refused():
    control = Control(0, "mode", "choice", 0.0, options=("low", "high"), values=(0.0, 1.0))

    with pytest.raises(PresetError, match="mode='middle': not one of low, high"):
        control.value(0.5, "middle")


def test_options_that_were_given_other_names_are_known_by_their_values():
    control = Control(0, "wave", "choice", 0.0, options=("sine", "saw"), values=(0.0, 1.0))

    assert [control.value(native, text) for native, text in ((0.0, "0"), (1.0, "1"))] == ["sine", "saw"]


GOOD = to_text(PARTLY)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "knob"', 'kind = "nob"', "parameter 'cut': kind='nob': not one of knob, steps, choice, fixed"),
        ("low = 0.25", "lo = 0.25", "parameter 'cut': lo=0.25: unknown key"),
        ("low = 0.25", "low = 0.6", r"parameter 'cut': default=0.5: not in \[low, high\] = \[0.6, 0.75\]"),
        ("low = 0.25", "low = -1.0", r"parameter 'cut': low=-1.0: not in \[0, 1\]"),
        ("low = 0.25", "low = nan", r"parameter 'cut': low=nan: not in \[0, 1\]"),
        ("low = 0.25", 'low = "a"', "parameter 'cut': low='a': not a number"),
        ("low = 0.25", "low = true", "parameter 'cut': low=True: not a number"),
        ("index = 1\n", "index = 0\n", "parameter 'mode': index=0: another parameter has it too"),
        ('name = "mode"', 'name = "cut"', "parameter 'cut': name='cut': another parameter has it too"),
        ('options = ["low", "high"]', 'options = ["low"]', "parameter 'mode': .* 1 options and 2 values"),
        ('options = ["low", "high"]', 'options = ["low", "low"]', "parameter 'mode': .*one twice"),
        ('options = ["low", "high"]', "options = [1, 2]", "parameter 'mode': options=1: not a text"),
        ("values = [0.0, 1.0]", "values = [0.0, 0.0]", "parameter 'mode': values: one comes twice"),
        ("values = [0.0, 1.0]", "values = [0.0, 0.5]", "parameter 'mode': default=1: not one of values"),
        ("values = [0.0, 1.0]", "values = [0.0, 2.0]", r"parameter 'mode': values=2.0: not in \[0, 1\]"),
        ("cents = [0,", "cents = [", "parameter 'octave': cents and values: there are 2 cents and 3 values"),
        ("cents = [-100,", "cents = [", "parameter 'tune': cents: not two or more numbers that differ, and of a knob"),
        ("cents = [-100,", "cents = [900, -1,", "parameter 'tune': cents: not two or more numbers that differ, and of"),
        ("cents = [-100,", "cents = [nan,", "parameter 'tune': cents=nan: not a number from -12,000 to 12,000"),
        ("cents = [-100,", 'cents = ["a",', "parameter 'tune': cents='a': not a number from"),
        ("needs = {", "needs = [", "mine.toml: "),
        ('"mode" = 0.0', '"mod" = 0.0', "parameter 'tune': needs: 'mod' = 0.0: not the name of another parameter"),
        ('"mode" = 0.0', '"tune" = 0.0', "parameter 'tune': needs: 'tune' = 0.0: not the name of another parameter"),
        ('"mode" = 0.0', '"mode" = 0.5', "parameter 'tune': needs: 'mode' = 0.5: not one of its values"),
        ('"mode" = 0.0', '"mode" = 2.0', "parameter 'tune': needs: 'mode' = 2.0: not a number in "),
        ('"mode" = 0.0', '"mode" = "low"', r"parameter 'tune': needs: 'mode' = 'low': not a number in \[0, 1\]"),
        ("cents = [-100, 100]", "", "parameter 'tune': needs: it has no cents"),
        ("default = 0.7", "", "parameter 'volume': default: missing"),
        ("plugin =", "plugins =", "plugins='/a/mine.so': unknown key"),
        ('fresh = "fork"', 'fresh = "spoon"', "fresh='spoon': not one of fork, reload, reuse"),
        ("latency = 64", "latency = -1", "latency=-1: not 0 or above"),
        ("latency = 64", "latency = 1.5", "latency=1.5: not a whole number"),
        ("[[parameter]]", "[parameter]", "mine.toml: "),
        ('plugin = "', "plugin = ", "mine.toml: "),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_value(tmp_path: Path, old: str, new: str, said: str):
    assert old in GOOD
    file = tmp_path / "mine.toml"
    file.write_text(GOOD.replace(old, new, 1))

    with pytest.raises(EngineError, match=f"mine.toml: .*{said.removeprefix('mine.toml: ')}") as error:
        read_description(file)
    assert "\n" not in str(error.value)


def test_nothing_to_search_is_an_error():
    with pytest.raises(EngineError, match="every parameter is fixed"):
        parse_description(to_text(Description("a", "a.so", (VOLUME,))), "a")


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path):
    (tmp_path / "a.toml").write_bytes(b"plugin = '\xff'")

    with pytest.raises(EngineError, match="byte 10 is not UTF-8"):
        read_description(tmp_path / "a.toml")


def test_described_synths_are_listed_without_being_read(synths: Path):
    synths.mkdir()
    (synths / "broken.toml").write_text("][")
    (synths / "Not a name.toml").write_text(GOOD)

    assert list(engines) == sorted([*engines.own, *subset_files(), "broken"])
    assert "broken" in engines
    assert len(engines) == len(engines.own) + len(subset_files()) + 1
    with pytest.raises(EngineError, match="broken.toml"):
        engines["broken"]


def test_an_edited_description_is_read_again(synths: Path):
    synths.mkdir()
    file = synths / "mine.toml"
    file.write_text(GOOD)
    first = engines["mine"]
    assert engines["mine"] is first

    file.write_text(GOOD.replace("high = 0.75", "high = 0.5"))

    assert engines["mine"].space.parameters[0] != first.space.parameters[0]


def test_a_synth_that_is_not_there_is_unknown(synths: Path):
    with pytest.raises(UnknownName, match=r"no synth named 'tonne'\. Did you mean 'tone'\?"):
        engines["tonne"]


def test_a_step_is_shown_as_the_plug_in_shows_it():
    slope = Control(0, "slope", "steps", 0.0, options=("12 dB", "24 dB"), values=(0.0, 1.0))
    octave = Control(1, "octave", "steps", 0.0, options=("-1", "0", "1"), values=(0.0, 0.5, 1.0))

    assert [slope.option(value) for value in (0, 1)] == ["12 dB", "24 dB"]
    assert [octave.option(value) for value in (-1, 0, 1)] == ["-1", "0", "1"]
    assert Control(2, "cutoff", "knob", 0.5).option(0.5) == ""
