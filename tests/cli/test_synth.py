"""`patchflow synth`, and a plug-in in the other commands."""

import json

import pytest

from patchflow.engines import engines, load_presets
from patchflow.engines._subset import subset_files


@pytest.fixture
def added(shell, compiled, synths):
    shell.run("synth", "add", compiled("works"))
    return shell


def test_add_says_what_it_found_and_where_it_is_written(shell, compiled, synths):
    done = shell.run("synth", "add", compiled("works"), "--name", "mine")

    assert (done.code, done.err) == (0, "")
    assert "mine  2 knob, 1 choice, 1 fixed" in done.out
    assert "none, renders are exact" in done.out
    assert str(synths / "mine.toml") in done.out
    assert (synths / "mine.toml").exists()


def test_add_as_json_is_json(shell, compiled, synths):
    done = shell.run("synth", "add", compiled("works"), "--json")

    assert json.loads(done.out)["file"] == str(synths / "works.toml")


def test_list_show_and_remove(added, synths):
    (synths / "broken.toml").write_text("index = 1")

    listed = added.run("synth", "list").out.splitlines()
    shown = added.run("synth", "show", "works").out
    removed = added.run("synth", "remove", "works")

    assert listed[0].startswith("broken  ")
    assert "index=1: unknown key" in listed[0]
    assert listed[1].startswith("works   2 knob")
    assert "Osc Wave   choice  osc       sine, square" in shown
    assert removed.out == f"removed {synths / 'works.toml'}\n"
    assert added.run("synth", "show", "works").err == "patchflow: no plug-in named 'works'. Known: broken.\n"


def test_list_engines_lists_plug_ins_and_survives_a_broken_description(added, synths):
    (synths / "broken.toml").write_text("")

    lines = added.run("list", "engines").out.splitlines()

    assert [line.split()[0] for line in lines] == sorted([*engines.own, *subset_files(), "broken", "works"])
    assert "plugin: missing" in next(line for line in lines if line.startswith("broken"))
    assert "3 parameters, fxp presets" in next(line for line in lines if line.startswith("works"))


@pytest.mark.parametrize("how", ["effect", "refuses", "crashes-at-load"])
def test_what_cannot_be_added_is_one_line_and_code_1(shell, compiled, synths, how: str):
    done = shell.run("synth", "add", compiled(how))

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert f"{how}.so: " in done.err
    assert not synths.exists()


@pytest.mark.slow
def test_match_writes_presets_that_the_plug_in_opens(added):
    added.tone("a.wav")

    done = added.run("match", "a.wav", "--synth", "works", "--renders", 200, "--candidates", 2, "--no-library")
    found = json.loads((added.folder / "patchflow-out/a.json").read_text())

    assert (done.code, done.err) == (0, "")
    assert {"patchflow-out/a.fxp", "patchflow-out/a-2.fxp"} <= added.files()
    (preset,) = load_presets("patchflow-out/a.fxp").presets
    assert (preset.name, preset.synth, preset.values["Osc Wave"]) == ("a", "works", "sine")
    assert found["candidates"][0]["distances"]["log_mel_l1"] < 3


@pytest.mark.slow
def test_match_of_several_sounds_makes_no_bank_where_a_file_holds_one_preset(added):
    for name in ("a.wav", "b.wav"):
        added.tone(name)

    done = added.run("match", "a.wav", "b.wav", "--synth", "works", "--renders", 24, "--no-library")

    assert done.code == 0
    assert not [name for name in added.files() if "bank" in name]


@pytest.mark.slow
def test_match_leaves_out_what_the_plug_in_cannot_play(shell, compiled, synths):
    shell.run("synth", "add", compiled("crashes"))
    shell.tone("a.wav")

    done = shell.run("match", "a.wav", "--synth", "crashes", "--renders", 150, "--no-library")

    assert done.code == 0
    assert "that the synth could not play; the first: crashes: crashed (SIGSEGV)" in done.err
    assert done.err.count("\n") == 1
    assert load_presets("patchflow-out/a.fxp").presets[0].values["Osc Wave"] == "sine"


def test_render_takes_a_preset_file_of_the_plug_in(added):
    added.run("convert", _preset(added), "a.fxp")

    done = added.run("render", "a.fxp", "--length", 0.5)

    assert (done.code, done.err) == (0, "")
    assert done.out == "a-C4.wav  Mine\n"


def test_presets_of_the_plug_in_go_into_the_library_and_out(added):
    added.run("convert", _preset(added), "a.fxp")

    taken = added.run("presets", "import", "--no-vectors", "a.fxp", "--library", "l.sqlite")
    added.run("presets", "export", 1, "-o", "b.fxp", "--library", "l.sqlite")

    assert taken.out == "1 new preset, 0 already there\n"
    assert (added.folder / "a.fxp").read_bytes() == (added.folder / "b.fxp").read_bytes()


def test_a_preset_that_was_cut_off_is_one_line(added):
    added.run("convert", _preset(added), "a.fxp")
    data = (added.folder / "a.fxp").read_bytes()
    (added.folder / "a.fxp").write_bytes(data[:-3])

    done = added.run("render", "a.fxp")

    assert (done.code, done.err) == (1, "patchflow: a.fxp: cut off in its 4 parameters: 13 of 16 bytes are there\n")


def _preset(shell) -> str:
    values = {"Level": 0.5, "Osc Pitch": 0.25, "Osc Wave": "square"}
    item = {"synth": "works", "name": "Mine", "values": values}
    text = json.dumps({"format": "patchflow-presets", "version": 1, "presets": [item]})
    (shell.folder / "mine.json").write_text(text)
    return "mine.json"
