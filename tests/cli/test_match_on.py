"""`patchflow match --on`: a preset of one's own to build on."""

import json

import numpy as np
import pytest

from patchflow.engines import Note, Plugin, engines, load_presets, save_presets
from patchflow.presets import Preset, read_presets, write_presets
from tests.vital_files import document, packed

NOTE = Note(48, 100, hold=0.3, length=0.5)
SOME = ("--renders", 24, "--candidates", 2, "--json")


@pytest.fixture
def mine(shell) -> Preset:
    """A preset in `mine.vital`, and what it sounds like in `mine.wav`."""
    (shell.folder / "mine.vital").write_bytes(packed(document(osc_1_random_phase=0.0)))
    (preset,) = read_presets("mine.vital").presets
    engine = engines["vital"]()
    engine.build_on(preset.state)
    sound = engine.render(engine.space.encode(preset.values), NOTE)
    shell.save("mine.wav", 0.9 * sound / np.abs(sound).max())
    return preset


@pytest.mark.slow
def test_the_exported_preset_has_what_the_users_file_holds(shell, mine: Preset):
    done = shell.run("match", "mine.wav", "--synth", "vital", "--on", "mine.vital", "--note", 48, *SOME)

    found = json.loads(done.out)
    written = json.loads((shell.folder / "patchflow-out/mine.vital").read_text())
    (preset,) = read_presets("patchflow-out/mine.vital").presets
    assert found["candidates"][0]["distances"]["log_mel_l1"] < 1.0
    assert (found["options"]["on"], found["options"]["voice"]) == ("mine.vital", None)
    assert written["settings"]["wavetables"][0]["name"] == "Mine"
    assert (written["comments"], written["macro2"], written["preset_name"]) == ("two\nlines", "DIRT", "mine")
    assert preset.state == mine.state


@pytest.mark.slow
def test_a_file_may_be_of_the_other_vital(shell, mine: Preset):
    done = shell.run("match", "mine.wav", "--synth", "vital_full", "--on", "mine.vital", "--note", 48, *SOME)

    assert json.loads(done.out)["candidates"][0]["distances"]["log_mel_l1"] < 1.0


@pytest.mark.slow
def test_a_plug_in_keeps_what_its_description_fixes(shell, amsynth: str):
    engine = engines[amsynth]()
    assert isinstance(engine, Plugin)
    fixed = next(control for control in engine.description.controls if control.kind == "fixed")
    values = engine.space.decode(engine.space.default())
    asked = [(fixed.index, 1.0 - round(fixed.default))]
    state = bytes(engine._host.ask("state", {"values": asked}).data)
    save_presets("own.fxp", [Preset(amsynth, values, "Own", state=state)])
    shell.tone("a.wav")

    done = shell.run("match", "a.wav", "--synth", amsynth, "--on", "own.fxp", "--note", 69, *SOME)

    assert done.code == 0
    state = load_presets("patchflow-out/a.fxp", amsynth).presets[0].state
    told = engine._host.ask("values", data=state).facts["values"]
    assert told[fixed.index] == pytest.approx(asked[0][1])
    assert told[fixed.index] != pytest.approx(fixed.default)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--synth", "vital", "--on", "tones.json", "--voice", 1), "tones.json: A: is for 'tone', not 'vital'"),
        (
            ("--synth", "tone", "--on", "tones.json"),
            "tones.json: has 2 voices. Choose one with --voice, 1 to 2, or as tones.json:1",
        ),
        (("--synth", "tone", "--on", "tones.json", "--voice", 3), "voice=3: tones.json has 2 voices"),
        (("--synth", "tone", "--on", "tones.json", "--voice", 0), "voice=0: tones.json has 2 voices"),
        (("--synth", "tone", "--on", "tones.json", "--voice", 1), "presets of 'tone' hold nothing but its parameters"),
        (("--synth", "vital", "--on", "none.vital"), "none.vital: no such file"),
        (("--synth", "vital", "--on", "a.wav"), "a.wav: not a preset file"),
        (("--synth", "vital", "--on", "bad.vital"), "bad.vital: voice 1"),
    ],
    ids=["another synth", "several", "too few", "no place 0", "nothing beyond", "missing", "no preset", "damaged"],
)
def test_what_cannot_be_built_on_is_one_line(shell, words, said: str):
    shell.tone("a.wav")
    values = {"wave": "saw", "decay": 0.5, "gain": -6.0}
    write_presets("tones.json", [Preset("tone", values, name) for name in "AB"])
    (shell.folder / "bad.vital").write_bytes(packed(document(osc_1_level="loud")))
    before = shell.files()

    done = shell.run("match", "a.wav", *SOME, *words)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert said in done.err
    assert shell.files() == before


def test_a_voice_without_a_file_is_wrong_usage(shell):
    assert shell.run("match", "a.wav", "--voice", 2).code == 2
