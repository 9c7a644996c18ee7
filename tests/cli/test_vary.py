"""`patchflow vary`: a preset file to a folder of children."""

import json
from dataclasses import replace

import pytest
import soundfile

from patchflow.audio.loudness import loudness
from patchflow.engines import engines
from patchflow.presets import Preset, read_presets, write_presets
from patchflow.presets.vital import load_state, pack_state


@pytest.fixture
def saw(shell):
    path = shell.folder / "saw.json"
    write_presets(path, [Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, name="Saw")])
    return path


@pytest.fixture
def bank(shell):
    space = engines["dexed"].space
    init = space.decode(space.default())
    plain = {**init, "algorithm": "5", "op1.output": 95, "op2.output": 75, "op3.output": 90, "op4.output": 60}
    struck = {"op1.rate2": 40, "op1.level2": 0, "op3.rate2": 45, "op3.level2": 0, "op2.coarse": 7, "op4.coarse": 9}
    soft = Preset("dexed", plain, name="SOFT")
    hard = Preset("dexed", {**plain, **struck, "op2.output": 85}, name="HARD")
    path = shell.folder / "bank.syx"
    write_presets(path, [soft, hard])
    return path


def test_it_writes_presets_sounds_a_bank_and_numbers_that_agree(shell, bank):
    done = shell.run("vary", bank, "--voice", 1, "--amount", 0.2, "--count", 2, "--renders", 200, "--out", "here")

    stem = "here/bank-1-vary"
    assert done.code == 0, done.err
    assert shell.files() - {"bank.syx", "here/.patchflow-lock"} == {
        f"{stem}-1.syx", f"{stem}-2.syx", f"{stem}-1.wav", f"{stem}-2.wav", f"{stem}-parent.wav", f"{stem}-bank.syx",
        f"{stem}.json",
    }  # fmt: skip
    content = json.loads((shell.folder / f"{stem}.json").read_text())
    voices = read_presets(f"{stem}-bank.syx").presets
    assert voices[0].name == "SOFT"
    for child in content["children"]:
        (alone,) = read_presets(shell.folder / "here" / child["preset"]).presets
        assert voices[child["bank_voice"] - 1].values == alone.values
        assert alone.name == child["name"]
        assert abs(child["amount"] - 0.2) <= 0.04
        moved = child["moved"][0]
        assert alone.values[moved["name"]] == moved["after"] != moved["before"]
    assert [line.split("  ")[0] for line in done.out.splitlines()[:2]] == [f"{stem}-1.syx", f"{stem}-2.syx"]


def test_sounds_are_as_loud_as_the_parent(shell, saw):
    assert shell.run("vary", saw, "--count", 1, "--renders", 60).code == 0

    levels = []
    for part in ("parent", "1"):
        sound, rate = soundfile.read(f"patchflow-out/saw-vary-{part}.wav")
        levels.append(loudness(sound, rate))
    assert abs(levels[0] - levels[1]) < 0.1


def test_json_prints_what_the_file_holds_and_nothing_else(shell, saw):
    done = shell.run("vary", saw, "--count", 1, "--renders", 60, "--json")

    content = json.loads((shell.folder / "patchflow-out" / "saw-vary.json").read_text())
    printed = json.loads(done.out)
    assert printed["children"][0]["preset"] == content["children"][0]["preset"] == "saw-vary-1.preset.json"
    assert printed.keys() == content.keys()


def test_what_an_earlier_call_wrote_goes_unless_it_was_changed(shell, bank):
    words = ("vary", bank, "--voice", 1, "--amount", 0.2, "--renders", 200)
    assert shell.run(*words, "--count", 3).code == 0
    out = shell.folder / "patchflow-out"
    assert (out / "bank-1-vary-3.syx").exists()
    (out / "bank-1-vary-3.wav").write_bytes(b"mine now")
    assert shell.run(*words, "--count", 1).code == 0

    assert not (out / "bank-1-vary-2.syx").exists()
    assert not (out / "bank-1-vary-3.syx").exists()
    assert (out / "bank-1-vary-3.wav").read_bytes() == b"mine now"


def test_two_presets_have_children_named_after_both(shell, bank):
    done = shell.run(
        "vary", bank, "--voice", 1, "--with", bank, "--with-voice", 2, "--count", 1, "--renders", 300, "--out", "o"
    )

    assert done.code == 0, done.err
    content = json.loads((shell.folder / "o" / "bank-1-with-bank-2.json").read_text())
    assert [parent["name"] for parent in content["parents"]] == ["SOFT", "HARD"]
    assert len(content["children"][0]["distance_db"]) == 2
    assert (shell.folder / "o" / "bank-1-with-bank-2-parent-2.wav").exists()


@pytest.mark.slow
def test_two_states_of_vital_are_said_before_anything_is_played(shell):
    engine = engines["vital"]()
    values = engine.space.decode(engine.space.default())
    whole = engine.whole(Preset("vital", values, name="One"))
    state = load_state(whole.state)
    write_presets("one.vital", [whole])
    write_presets("two.vital", [replace(whole, name="Two", state=pack_state({**state, "macro1": "WOBBLE"}))])
    done = shell.run("vary", "one.vital", "--with", "two.vital")

    assert done.code == 1
    first, last = done.err.splitlines()
    assert "two.vital: what it holds beyond its parameters, such as wavetables, is not passed on" in first
    assert "One and Two sound the same: 0.0 dB apart" in last


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["missing.syx"], 1, "cannot read missing.syx"),
        (["bank.syx"], 1, "bank.syx: has 32 voices. Choose one with --voice, 1 to 32, or as bank.syx:1"),
        (["bank.syx", "--voice", "40"], 1, "voice=40: bank.syx has 32 voices"),
        (["saw.json", "--amount", "2"], 1, "amount=2: not in [0.05, 1]"),
        (["saw.json", "--amount", "much"], 2, "'much' is not a number"),
        (["saw.json", "--count", "33"], 1, "count=33: not in [1, 32]"),
        (["saw.json", "--section", "strings"], 1, "section=strings: this synth has none of this name. It has osc, amp"),
        (["saw.json", "--lock", "wave", "--lock", "decay"], 1, "nothing is left that may move"),
        (["saw.json", "--lock", "nothing"], 1, "no parameter or group named 'nothing'"),
        (["saw.json", "--how", "fly"], 1, "how=fly: not one of both, borrow, walk"),
        (["saw.json", "--note", "H9"], 1, "note=H9"),
        (["saw.json", "--with", "bank.syx", "--with-voice", "1"], 1, "a preset of dexed, and saw.json is one of tone"),
        (["saw.json", "--with", "saw.json"], 1, "Saw and Saw sound the same"),
        (["saw.json", "--with-voice", "1"], 2, "--with-voice says which preset"),
        (["saw.json", "--with", "saw.json", "--how", "walk"], 1, "how=walk: children of two presets"),
        (["silent.syx"], 1, "MUTE: silent on this note"),
        (["saw.json", "--library", "missing.db"], 1, "missing.db"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(shell, saw, bank, words, code: int, message: str):
    init = engines["dexed"].space.decode(engines["dexed"].space.default())
    write_presets("silent.syx", [Preset("dexed", {**init, "op1.output": 0}, name="MUTE")])
    before = shell.files()

    done = shell.run("vary", *words)

    assert done.code == code
    assert done.err.count("\n") == 1
    assert message in done.err
    assert shell.files() == before
