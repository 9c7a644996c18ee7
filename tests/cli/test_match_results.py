"""The files of a match are one result: never of two runs, read back as what they are."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.match import Matcher
from patchflow.presets import read_presets
from patchflow.storage import locked

SMALL = ("--synth", "tone", "--renders", 32)
OLD_KEYS = {"format", "files"}  # what older versions did not write


def summary(name: str) -> dict:
    return json.loads(Path("patchflow-out", name).read_text("utf-8"))


def out() -> set[str]:
    return {path.name for path in Path("patchflow-out").iterdir()}


def as_older(name: str) -> None:
    """Makes a result what an older version would have written."""
    content = {key: value for key, value in summary(name).items() if key not in OLD_KEYS}
    Path("patchflow-out", name).write_text(json.dumps(content))


def test_the_numbers_have_a_checksum_of_each_file(shell):
    shell.tone("a.wav")
    shell.run("match", "a.wav", *SMALL, "--candidates", 2)

    found = summary("a.json")

    assert found["format"] == "patchflow-result"
    assert set(found["files"]) == out() - {"a.json"}
    for name, digest in found["files"].items():
        assert hashlib.sha256(Path("patchflow-out", name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("older", [False, True])
def test_candidates_of_an_earlier_run_go_with_it(shell, older):
    shell.tone("a.wav")
    shell.run("match", "a.wav", *SMALL, "--candidates", 4)
    assert {"a-3.preset.json", "a-4.preset.json"} <= out()
    if older:
        as_older("a.json")

    shell.run("match", "a.wav", *SMALL, "--candidates", 2)

    assert out() == {"a.preset.json", "a-2.preset.json", "a.wav", "a-2.wav", "a-ab.wav", "a.png", "a.json"}


def test_what_somebody_changed_stays(shell):
    shell.tone("a.wav")
    shell.run("match", "a.wav", *SMALL, "--candidates", 3)
    for mine in (Path("patchflow-out/a-3.preset.json"), Path("patchflow-out/a-3.wav")):
        mine.write_bytes(mine.read_bytes() + b"\n")

    shell.run("match", "a.wav", *SMALL, "--candidates", 1)

    assert out() == {"a.preset.json", "a-3.preset.json", "a.wav", "a-3.wav", "a-ab.wav", "a.png", "a.json"}


def test_presets_of_another_synth_stay(shell):
    shell.tone("a.wav")
    shell.run("match", "a.wav", "--synth", "dx7", "--renders", 16, "--candidates", 1)
    shell.run("match", "a.wav", *SMALL, "--candidates", 1)

    assert out() == {"a.syx", "a.preset.json", "a.wav", "a-ab.wav", "a.png", "a.json"}


@pytest.mark.parametrize("older", [False, True])
def test_no_result_says_that_it_is_in_a_bank_of_another_run(shell, older):
    for name in ("a.wav", "b.wav", "c.wav"):
        shell.tone(name)
    shell.run("match", "a.wav", "b.wav", "c.wav", *SMALL, "--candidates", 1)
    assert summary("c.json")["bank"] == {"file": "patchflow-bank.preset.json", "voice": 3}
    if older:
        as_older("c.json")

    shell.run("match", "b.wav", "a.wav", *SMALL, "--candidates", 1, "--seed", 1)

    assert [summary(f"{name}.json")["bank"] for name in "bac"] == [
        {"file": "patchflow-bank.preset.json", "voice": 1},
        {"file": "patchflow-bank.preset.json", "voice": 2},
        None,
    ]
    assert [preset.name for preset in read_presets("patchflow-out/patchflow-bank.preset.json").presets] == ["b", "a"]


def test_a_second_run_into_one_folder_is_refused_before_its_search(shell, monkeypatch):
    shell.tone("a.wav")
    monkeypatch.setattr(Matcher, "load", lambda *_, **__: pytest.fail("has begun"))

    with locked("patchflow-out"):
        done = shell.run("match", "a.wav", *SMALL)

    assert (done.code, done.out) == (1, "")
    assert done.err == "patchflow: patchflow-out: another process is working on it. Wait for its end, or stop it.\n"


@pytest.mark.parametrize("ending", [".wav", ".\u00e9.wav"])
def test_a_name_of_252_bytes_is_shortened(shell, ending):
    stem = "k" * (252 - len(ending.encode()))
    shell.tone(f"{stem}{ending}")

    done = shell.run("match", f"{stem}{ending}", *SMALL, "--candidates", 32)

    assert (done.code, done.err) == (0, "")
    (stem,) = {path.stem for path in Path("patchflow-out").glob("*.png")}
    assert stem.startswith("k" * 200)
    assert stem[-9] == "~"
    assert len(list(Path("patchflow-out").glob(f"{stem}-*.wav"))) > 2
    assert all(len(name.encode()) <= 255 for name in out())


def test_a_result_is_played_by_its_best_candidate(shell):
    shell.tone("a.wav")
    shell.run("match", "a.wav", "--synth", "dx7", "--renders", 24, "--candidates", 2, "--note", "D5")

    done = shell.run("render", "patchflow-out/a.json", "--length", 0.2, "--hold", 0.1)
    shell.run("render", "patchflow-out/a.syx", "--note", "D5", "--length", 0.2, "--hold", 0.1, "--out", "b.wav")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("a-D5.wav  a")
    assert Path("a-D5.wav").read_bytes() == Path("b.wav").read_bytes()


def test_a_result_is_played_as_it_was_matched(shell):
    shell.tone("a.wav", pitch=50)
    shell.run("match", "a.wav", *SMALL, "--candidates", 1, "--note", "D3")
    best = summary("a.json")["candidates"][0]

    done = shell.run("render", "patchflow-out/a.json")

    assert done.out == "a-D3.wav  a\n"
    played, rate = soundfile.read("a-D3.wav")
    assert len(played) == round(best["length_s"] * rate)
    matched, _ = soundfile.read("patchflow-out/a.wav")
    np.testing.assert_allclose(played * 10 ** (best["gain_db"] / 20), matched, atol=1e-4)


@pytest.mark.parametrize("note", ["C4", None, 128])
def test_numbers_whose_note_is_none_are_one_line(shell, note):
    shell.tone("a.wav")
    shell.run("match", "a.wav", *SMALL, "--candidates", 1)
    content = summary("a.json")
    content["candidates"][0]["note"] = note
    Path("patchflow-out/a.json").write_text(json.dumps(content))

    done = shell.run("render", "patchflow-out/a.json")

    assert done.code == 1
    assert done.err.startswith("patchflow: patchflow-out/a.json: does not say which note candidate 1 plays: ")
    assert done.err.count("\n") == 1


def test_another_candidate_is_a_voice_of_the_result(shell):
    shell.tone("a.wav")
    shell.run("match", "a.wav", *SMALL, "--candidates", 2)
    as_older("a.json")

    words = ("--note", "C4", "--length", 0.2)
    done = shell.run("render", "patchflow-out/a.json", "--voice", 2, "--hold", 3, *words)
    shell.run("render", "patchflow-out/a-2.preset.json", *words, "--out", "b.wav")

    assert done.out == "a-2-C4.wav  a 2\n"
    assert Path("a-2-C4.wav").read_bytes() == Path("b.wav").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--voice", "3"], "voice=3: patchflow-out/a.json has 2 candidates"),
        (["--voice", "0"], "voice=0: patchflow-out/a.json has 2 candidates"),
        (["--synth", "dexed"], "patchflow-out/a.preset.json: a: is for 'tone', not 'dexed'"),
    ],
)
def test_a_candidate_that_is_not_there_is_one_line(shell, words, message):
    shell.tone("a.wav")
    shell.run("match", "a.wav", *SMALL, "--candidates", 2)

    done = shell.run("render", "patchflow-out/a.json", *words)

    assert (done.code, done.err) == (1, f"patchflow: {message}\n")


def test_a_preset_that_the_numbers_do_not_describe_is_refused(shell):
    shell.tone("a.wav")
    shell.run("match", "a.wav", *SMALL, "--candidates", 2)
    shutil.copy("patchflow-out/a-2.preset.json", "patchflow-out/a.preset.json")

    done = shell.run("render", "patchflow-out/a.json")

    assert done.code == 1
    assert done.err == (
        "patchflow: patchflow-out/a.preset.json: is not what a.json describes, it was changed. Play the file itself.\n"
    )
    Path("patchflow-out/a.preset.json").unlink()
    assert shell.run("render", "patchflow-out/a.json").err == (
        "patchflow: patchflow-out/a.json: its preset a.preset.json is not beside it; keep a match's files together\n"
    )


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_numbers_that_name_no_file_are_not_a_result(shell, name):
    Path("a.json").write_text(json.dumps({"synth": "tone", "target": {}, "candidates": [{"preset": name}]}))

    done = shell.run("render", "a.json")

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("patchflow: a.json: the result of a match, not a preset")


def test_a_result_saves_itself_as_the_command_line_does(shell):
    samples, rate = soundfile.read(shell.tone("a.wav"))
    shell.run("match", "a.wav", *SMALL, "--candidates", 2, "--lock", "osc")

    matcher = Matcher.load("tone")
    files = matcher.match("a.wav", renders=32, candidates=2, lock={"osc": None}).save("saved")
    arrays = matcher.match(samples, rate, renders=32, candidates=2, lock={"osc": None}).save("saved", "b")

    assert [file.name for file in files] == [
        "a.preset.json", "a-2.preset.json", "a.wav", "a-2.wav", "a-ab.wav", "a.png", "a.json",
    ]  # fmt: skip
    assert {file.name for file in files} == out()
    for file in files[:-1]:
        assert file.read_bytes() == Path("patchflow-out", file.name).read_bytes()
    by_hand, found = summary("a.json"), json.loads(Path("saved/a.json").read_text())
    for content in (by_hand, found):
        content["seconds"] = 0
        content.pop("timing")
        content["dealt"]["tone"].pop("seconds")
        for candidate in content["candidates"]:
            candidate["seconds"] = 0
    assert found == by_hand
    assert json.loads(arrays[-1].read_text())["target"]["file"] is None
    assert Path("saved/b.wav").read_bytes() == Path("saved/a.wav").read_bytes()


def test_a_result_never_overwrites_its_sound(shell):
    before = shell.tone("a.wav").read_bytes()
    result = Matcher.load("tone").match("a.wav", renders=32, candidates=1)

    assert {file.name for file in (*result.save("."), *result.save(".", "a"))} == {
        "a_2.preset.json", "a_2.wav", "a_2-ab.wav", "a_2.png", "a_2.json"
    }  # fmt: skip
    assert Path("a.wav").read_bytes() == before


def test_a_sound_without_a_name_is_called_sound(tmp_path: Path):
    beep = np.sin(np.arange(11_025) * 0.1)

    files = Matcher.load("tone").match(beep, 22_050, renders=32, candidates=1).save(tmp_path)

    names = [file.name for file in files]
    assert names == ["sound.preset.json", "sound.wav", "sound-ab.wav", "sound.png", "sound.json"]
