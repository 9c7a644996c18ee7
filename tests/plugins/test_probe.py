"""Plug-ins that behave, and plug-ins that do not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from patchflow.cli.synth import print_added
from patchflow.engines import Description, Note, engines, read_description
from patchflow.errors import EngineError, OptionError, PatchflowError, RenderError, UnknownName
from patchflow.features.log_spectrum import best_shift, fine_spectrum
from patchflow.plugins import add_synth, remove_synth, synth_description
from patchflow.presets import Preset
from patchflow.progress import Progress

Build = Callable[[str], Path]


@pytest.fixture
def works(compiled: Build, synths: Path) -> Description:
    return add_synth(str(compiled("works")))


def test_kinds_are_told_by_text_and_sound(works: Description):
    assert {control.name: control.kind for control in works.controls} == {
        "Level": "knob",
        "Osc Pitch": "knob",
        "Osc Wave": "choice",
        "Nothing": "fixed",
    }


def test_options_are_what_the_plug_in_shows(works: Description):
    assert works.controls[2].options == ("sine", "square")
    assert works.controls[2].values == (0.0, 1.0)


def test_parameters_that_begin_alike_are_a_group(works: Description):
    assert [control.group for control in works.controls] == ["", "osc", "osc", ""]


def test_a_fresh_plug_in_for_every_note_is_exact(works: Description):
    assert (works.fresh, works.noise_floor_db, works.native, works.id) == ("fork", 0.0, "fxp", "Naug")


def test_what_transposes_is_measured_in_cents(works: Description):
    assert {control.name: control.cents for control in works.controls if control.cents} == {
        "Osc Pitch": (-600.0, 600.0)
    }
    assert engines["works"]().tuning_step == 1


@pytest.mark.slow
def test_what_transposes_one_oscillator_of_two_does_so_while_that_is_heard_alone(amsynth: str):
    engine = engines[amsynth]()
    needs = {"osc_mix": 1.0, "osc_mix_mode": 0.0, "osc2_sync": "0"}

    assert engine.tuning == {("osc2_range",): 1200, ("osc2_pitch",): 100, ("osc2_detune",): 1}
    assert engine.tuning_needs == dict.fromkeys(engine.tuning, needs)
    fresh = engine.space.default()[None]
    points = [fresh[0], engine.transposed(fresh, np.array([30.0]))[0]]
    sounds = [torch.from_numpy(engine.render(point, Note(57, hold=1.8, length=2.0)))[None] for point in points]
    before, after = (fine_spectrum(sound, 44_100) for sound in sounds)
    assert best_shift(after, before).cents.item() == pytest.approx(30, abs=3)


def test_what_is_written_is_what_was_found(works: Description, synths: Path):
    written = read_description(synths / "works.toml")

    assert written.facts() == works.facts()
    assert written.space == works.space


def test_a_fixed_parameter_is_searched_when_one_word_is_changed(works: Description, synths: Path):
    file = synths / "works.toml"
    file.write_text(file.read_text().replace('kind = "fixed"', 'kind = "knob"'))

    assert "Nothing" in engines["works"].space.names


def test_the_synth_plays_what_it_should(works: Description):
    space, synth = engines["works"].space, engines["works"]()
    loud, soft = (
        synth.render(
            space.encode({"Level": level, "Osc Pitch": 0.5, "Osc Wave": "sine"}), Note(69, hold=1.0, length=1.0)
        )
        for level in (1.0, 0.5)
    )

    assert abs(loud[:1000]).max() == pytest.approx(1.0, abs=1e-3)
    assert loud == pytest.approx(2 * soft, abs=1e-6)


@pytest.mark.parametrize(
    ("how", "names"),
    [
        ("unnamed", ["parameter 0", "parameter 1", "[31m", "parameter 3"]),
        ("oddly-named", ["Lärm", "Same", "Same 2", "a long name, which is much longer than any host of VST2"]),
    ],
)
def test_a_synth_whose_parameters_have_no_names_or_odd_ones_is_one_like_others(
    compiled: Build, synths: Path, how: str, names: list[str]
):
    made = add_synth(str(compiled(how)))

    found = read_description(synths / f"{how}.toml")
    assert [control.name[:55] for control in found.controls] == names
    assert found.controls == tuple(replace(control, notes=()) for control in made.controls)
    synth = engines[how]()
    values = synth.space.decode(synth.space.default())
    preset = synth.unpack(synth.pack(Preset(how, values)))
    assert preset.values == pytest.approx(values)
    assert synth.render(synth.space.encode(preset.values), Note(length=0.1, hold=0.1)).any()


def test_a_parameter_without_a_name_is_told(compiled: Build, synths: Path, capsys: pytest.CaptureFixture[str]):
    print_added(add_synth(str(compiled("unnamed"))), as_json=False)

    assert "unnamed   parameter 0, parameter 1, parameter 3: the plug-in has no names" in capsys.readouterr().out
    assert "# the plug-in has no name for it" in (synths / "unnamed.toml").read_text()


def test_values_are_shown_as_the_plug_in_shows_them(works: Description):
    synth = engines["works"]()

    texts = synth.texts(Preset("works", {"Level": 0.25, "Osc Pitch": 0.5, "Osc Wave": "square"}))

    assert texts == {"Level": "0.250", "Osc Pitch": "0.500"}  # "square" is the value already


def test_steps_are_shown_as_the_description_calls_them(works: Description, synths: Path):
    file = synths / "works.toml"
    file.write_text(file.read_text().replace('kind = "choice"', 'kind = "steps"').replace('"square"', '"saw"'))

    texts = engines["works"]().texts(Preset("works", {"Level": 0.25, "Osc Pitch": 0.5, "Osc Wave": 1}))

    assert texts["Osc Wave"] == "saw"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("effect", "an effect, not a synth: it has 2 inputs"),
        ("deaf", "the same whether a key is pressed or not"),
        ("refuses", "the plug-in refused to start"),
        ("crashes-at-load", "crashed (SIGSEGV)"),
        ("hangs-at-load", "gave no answer within"),
        ("hangs", "gave no answer within"),
    ],
)
def test_one_that_cannot_be_used_is_an_error_of_one_line(compiled: Build, synths: Path, how: str, said: str):
    with pytest.raises(EngineError) as error:
        add_synth(str(compiled(how)), patience=1.5)

    assert said in str(error.value)
    assert f"{how}.so" in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(synths.glob("*"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"#!/bin/sh\n", "not a plug-in: not a program library"),
        (b"", "not a plug-in: not a program library"),
        (b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xb7\x00" + bytes(44), "made for ARM64, and this computer is"),
        (Path("/bin/true").read_bytes() if Path("/bin/true").exists() else b"", "not a plug-in"),
    ],
    ids=["script", "empty", "other machine", "program"],
)
def test_a_file_that_is_no_plug_in_says_why(tmp_path: Path, synths: Path, data: bytes, said: str):
    pytest.importorskip("dawdreamer")
    (tmp_path / "a.so").write_bytes(data)

    with pytest.raises(EngineError, match=said):
        add_synth(str(tmp_path / "a.so"))


@pytest.mark.parametrize(
    ("plugin", "said"), [("/nowhere/a.so", "no such file"), ("http://nobody.invalid/a", "no LV2 plug-in")]
)
def test_one_that_is_not_there_says_so(synths: Path, plugin: str, said: str):
    pytest.importorskip("dawdreamer")
    with pytest.raises(EngineError, match=said):
        add_synth(plugin)


def test_an_existing_name_is_kept_unless_it_is_forced(works: Description, compiled: Build, synths: Path):
    (synths / "works.toml").write_text("mine")

    with pytest.raises(OptionError, match="--force"):
        add_synth(str(compiled("works")))

    assert (synths / "works.toml").read_text() == "mine"
    assert add_synth(str(compiled("works")), force=True).controls == works.controls


@pytest.mark.parametrize("name", ["tone", "Big", "a b", "../a", "-a", "a" * 41])
def test_a_name_that_cannot_be_is_refused(synths: Path, name: str):
    with pytest.raises(OptionError, match="name="):
        add_synth("/nowhere/a.so", name)


def test_ctrl_c_leaves_no_description(compiled: Build, synths: Path):
    def interrupt(progress: Progress) -> None:
        if progress.stage == "moving parameters":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_synth(str(compiled("works")), progress=interrupt)

    assert not list(synths.glob("*"))


def test_a_synth_that_was_removed_is_unknown(works: Description):
    remove_synth("works")

    assert "works" not in engines
    for look_up in (remove_synth, synth_description, engines.__getitem__):
        with pytest.raises(UnknownName, match="works"):
            look_up("works")


def test_a_synth_that_comes_along_cannot_be_removed(synths: Path):
    with pytest.raises(UnknownName):
        remove_synth("tone")


def test_a_preset_on_which_it_crashes_costs_no_more_than_that(compiled: Build, synths: Path):
    add_synth(str(compiled("crashes")))
    space, synth = engines["crashes"].space, engines["crashes"]()
    bad, good = ({"Level": 0.5, "Osc Pitch": pitch, "Osc Wave": "sine"} for pitch in (0.95, 0.5))

    with pytest.raises(RenderError, match=r"crashes: crashed \(SIGSEGV\)"):
        synth.render(space.encode(bad), Note(length=0.5))

    assert abs(synth.render(space.encode(good), Note(length=0.5))).max() > 0.1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("index = 3", "index = 4"), "has no parameter 4"),
        (('name = "Level"', 'name = "Loudness"'), "parameter 0 is 'Level', not 'Loudness'"),
    ],
)
def test_a_description_of_another_plug_in_is_an_error(
    works: Description, synths: Path, change: tuple[str, str], said: str
):
    file = synths / "works.toml"
    file.write_text(file.read_text().replace(*change))

    with pytest.raises(PatchflowError, match=said):
        engines["works"]().render(engines["works"].space.default(), Note(length=0.1))


@pytest.mark.slow
def test_one_that_plays_all_notes_says_how_exact_it_is(amsynth_plugin: Path, amsynth_described: Path, synths: Path):
    reused = add_synth(str(amsynth_plugin), "reused", fresh="reuse")

    copied = read_description(amsynth_described / "amsynth.toml")
    assert [control.kind for control in reused.controls] == [control.kind for control in copied.controls]
    assert (reused.fresh, copied.noise_floor_db) == ("reuse", 0.0)
    assert reused.noise_floor_db > 0
    assert read_description(synths / "reused.toml").facts() == reused.facts()


@pytest.mark.parametrize(("how", "holds"), [("forgets", True), ("works", False)])
def test_a_plug_in_that_plays_all_notes_is_exact_only_if_it_remembers_nothing(
    compiled: Build, synths: Path, capsys: pytest.CaptureFixture[str], how: str, holds: bool
):
    found = add_synth(str(compiled(how)), fresh="reuse")

    print_added(found, as_json=True)
    said = capsys.readouterr()
    assert found.fresh == "reuse"
    assert (found.noise_floor_db == 0) == holds
    assert found.facts()["noise"] == ("none, renders are exact" if holds else f"{found.noise_floor_db:.2f} dB")
    line = f"fresh=reuse does not hold for {how}: the same preset is up to {found.noise_floor_db:.2f} dB away"
    assert said.err.count("\n") == (0 if holds else 1)
    assert (line in said.err) != holds


def test_one_that_is_loaded_anew_for_each_note_is_compared_with_fresh_processes(compiled: Build, synths: Path):
    shown: list[Progress] = []

    found = add_synth(str(compiled("forgets")), fresh="reload", progress=shown.append)

    assert (found.fresh, found.noise_floor_db) == ("reload", 0.0)
    assert "comparing with fresh processes" in {progress.stage for progress in shown}


def test_one_that_does_not_survive_copying_is_loaded_anew(compiled: Build, synths: Path):
    plugin = str(compiled("dies-in-copies"))

    assert add_synth(plugin).fresh == "reload"
    with pytest.raises(EngineError, match=r"dies-in-copies\.so: does not play in a copy of its process: fresh=fork"):
        add_synth(plugin, "again", fresh="fork")


def test_what_takes_long_says_how_far_it_is(compiled: Build, synths: Path):
    shown: list[Progress] = []

    found = add_synth(str(compiled("layers-2")), progress=shown.append)

    assert [control.name for control in found.controls if control.kind == "fixed"] == [
        "Layer 1 Unused",
        "Layer 2 Unused",
    ]
    assert list(dict.fromkeys(progress.stage for progress in shown)) == [
        "loading",
        "reading parameters",
        "comparing renders",
        "exchanging parts",
        "moving parameters",
        "listening for pitch",
        "listening for the pitch of parts",
        "timing",
    ]
    counted = [progress for progress in shown if progress.stage == "moving parameters"]
    assert {(progress.total, progress.unit) for progress in counted} == {(20, "parameters")}
    parts = [progress for progress in shown if progress.stage == "listening for the pitch of parts"]
    assert all(progress.seconds_left is not None for progress in parts[1:])


def test_an_unknown_way_to_be_fresh_is_refused(amsynth_plugin: Path, synths: Path):
    with pytest.raises(OptionError, match="fresh='frozen': not one of fork, reload, reuse"):
        add_synth(str(amsynth_plugin), "reused", fresh="frozen")
