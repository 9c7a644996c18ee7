"""`patchflow match` with several synths: one ranking, and a clear line where a synth or an option does not fit."""

import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import soundfile

from patchflow.cli import match
from patchflow.cli._console import print_table
from patchflow.cli.main import app
from patchflow.engines import Engine, Note, engines
from patchflow.engines.vital import Vital
from patchflow.errors import EngineError
from patchflow.match.matcher import WAVETABLES
from patchflow.presets import read_presets

BOTH = ("--synth", "dx7", "--synth", "tone", "--renders", 32)


def naming() -> dict[str, Any]:
    """What reads the name of a synth, by the command that takes one."""
    commands = list(app.registered_commands)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            commands += group.typer_instance.registered_commands
    found = {}
    for command in commands:
        assert command.callback
        hints = get_type_hints(command.callback, include_extras=True)
        if "synth" in hints:
            found[command.callback.__name__] = hints["synth"].__metadata__[0].parser
    return found


def test_the_commands_that_take_the_name_of_a_synth_are_known():
    assert {"match", "render", "sketch", "morph", "vary", "convert", "train", "macros", "tag"} <= set(naming())


@pytest.mark.parametrize("command", naming())
def test_dx7_means_dexed_wherever_a_synth_is_named(command: str):
    assert [naming()[command](word) for word in ("dx7", "DX7", "tone", "")] == ["dexed", "dexed", "tone", ""]


def die(*_: object) -> np.ndarray:
    raise EngineError("it cannot be started")


def test_candidates_of_two_synths_are_ranked_together(shell):
    shell.tone("a.wav")

    done = shell.run("match", "a.wav", *BOTH, "--candidates", 3, "--json")
    found = json.loads(done.out)

    assert (done.code, done.err) == (0, "")
    assert found["synths"] == ["dexed", "tone"]
    assert found["synth"] == found["candidates"][0]["synth"] == "tone"  # whose sine it is
    assert {label for label, spent in found["dealt"].items() if spent["renders"] > 0} == {"dexed", "tone"}
    for each in found["candidates"]:
        (preset,) = read_presets(Path("patchflow-out", each["preset"])).presets
        assert preset.synth == each["synth"]


def test_the_table_names_the_synth_of_each(shell):
    shell.tone("a.wav")

    done = shell.run("match", "a.wav", *BOTH, "--candidates", 2, "--out", "o")

    lines = [line.split() for line in done.out.splitlines()]
    assert lines[2] == ["preset", "synth", "closeness", "distance", "note", "tuning", "differs", "most"]
    assert lines[3][:3] == ["1", "a.preset.json", "tone"]
    assert "; renders: " in lines[-1] or any("renders:" in line for line in lines)


@pytest.mark.parametrize("width", [80, 200])
def test_on_a_narrow_terminal_what_takes_most_room_goes_below_the_table(monkeypatch, capsys, width: int):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    head = ["", "preset", "synth", "closeness", "distance", "note", "tuning", "kind", "differs most"]
    rows = [["1", "flute-2.vital", "vital", "same family", "12.36 dB", "A#4", "23 cents flat", "wavetable", "darker"]]

    print_table("flute.wav", head, rows, below=2)

    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).rstrip().split("\n")
    assert max(map(len, lines)) <= width
    assert ("  1: kind: wavetable; differs most: darker" in lines) == (width == 80)
    assert ("darker" in lines[2]) == (width == 200)


def test_without_synth_the_embedded_ones_search_and_a_missing_one_is_no_failure(shell, monkeypatch):
    shell.tone("a.wav")
    monkeypatch.setattr(Vital, "render", die)

    done = shell.run("match", "a.wav", "--renders", 24, "--candidates", 2)

    found = json.loads(Path("patchflow-out/a.json").read_text())
    assert (done.code, done.err) == (0, "patchflow: without vital: it cannot be started\n")
    assert found["synths"] == ["dexed", "vital"]
    assert [each["synth"] for each in found["candidates"]] == ["dexed", "dexed"]


def test_a_synth_that_was_asked_for_and_cannot_be_started_is_a_failure_but_takes_nothing_with_it(shell, monkeypatch):
    shell.tone("a.wav")
    monkeypatch.setattr(engines["tone"], "render", die)

    done = shell.run("match", "a.wav", *BOTH, "--candidates", 1)

    assert (done.code, done.err) == (1, "patchflow: without tone: it cannot be started\n")
    assert (shell.folder / "patchflow-out/a.syx").exists()


def test_nothing_is_written_if_no_synth_can_be_started(shell, monkeypatch):
    shell.tone("a.wav")
    for name in ("tone", "dexed"):
        monkeypatch.setattr(engines[name], "render", die)

    done = shell.run("match", "a.wav", *BOTH)

    assert (done.code, done.out, done.err) == (1, "", "patchflow: it cannot be started\n")
    assert shell.files() == {"a.wav"}


def test_a_lock_leaves_out_a_synth_that_nobody_asked_for_and_that_lacks_it(shell):
    shell.tone("a.wav")

    done = shell.run("match", "a.wav", "--renders", 16, "--lock", "algorithm=5", "--candidates", 2, "--json")

    found = json.loads(done.out)
    said = "it has no parameter or group named 'algorithm'"
    assert (done.code, done.err) == (0, f"patchflow: without vital: {said}\n")
    assert (found["synths"], found["left_out"]) == (["dexed"], {"vital": said})
    assert {each["parameters"]["algorithm"] for each in found["candidates"]} == {"5"}


def test_a_lock_of_synths_that_were_asked_for_needs_one_that_has_it_and_says_which(shell):
    shell.tone("a.wav")

    done = shell.run("match", "a.wav", *BOTH, "--lock", "algorithm=5", "--lock", "gain=-9", "--candidates", 4, "--json")

    found = json.loads(done.out)
    assert (done.code, done.err.splitlines()) == (
        0,
        [
            "patchflow: --lock algorithm is for dexed: tone is searched without it",
            "patchflow: --lock gain is for tone: dexed is searched without it",
        ],
    )
    assert found["synths"] == ["dexed", "tone"]
    assert found["locks"] == {"algorithm": ["dexed"], "gain": ["tone"]}
    values = {(each["synth"], each["parameters"].get("algorithm", "")) for each in found["candidates"]}
    assert values <= {("dexed", "5"), ("tone", "")}
    assert {each["parameters"]["gain"] for each in found["candidates"] if each["synth"] == "tone"} == {-9.0}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*BOTH, "--lock", "algoritm"), 1, "no parameter or group named 'algoritm'. Did you mean 'algorithm'?"),
        ((*BOTH, "--lock", "gain=9"), 1, "gain=9.0: not in [-60, 0] dB"),
        (("--lock", "algoritm"), 1, "no parameter or group named 'algoritm'. Did you mean 'algorithm'?"),
        (("--lock", "algorithm", "--lock", "osc_1.level"), 1, "without vital: it has no parameter or group named"),
        (("--synth", "dexed", "--synth", "ton"), 1, "no synth named 'ton'. Did you mean 'tone'?"),
        ((*BOTH, "--on", "x.vital"), 2, "--on is for one synth, not for dexed, tone: give one --synth NAME."),
        (("--on", "x.vital"), 2, "--on is for one synth, not for dexed, vital: give one --synth NAME."),
        (("--model", "x.safetensors"), 2, "--model is for one synth, not for dexed, vital"),
        (("--synth", "all", "--model", "x.safetensors"), 2, "--model is for one synth, not for dexed, vital"),
        ((*BOTH, "--voice", 2), 2, "--voice says which preset of the file that --on names"),
        (("--wavetables", "mine"), 2, "--wavetables=mine: not one of own, stock, both"),
        ((*BOTH, "--wavetables", "own"), 2, "--wavetables is for vital, not for dexed, tone"),
        (("--synth", "vital", "--wavetables", "own", "--on", "x.vital"), 2, "--on keeps those of a file: give one"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_what_does_not_fit_the_synths_is_one_line(shell, words, code: int, said: str):
    shell.tone("a.wav")

    done = shell.run("match", "a.wav", *words)

    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert said in done.err
    assert shell.files() == {"a.wav"}


def test_the_choices_of_wavetables_are_those_of_the_matcher():
    assert match._WAVETABLES == WAVETABLES


@pytest.mark.slow
def test_a_preset_with_wavetables_of_the_sound_is_written_whole(shell):
    shell.tone("a.wav", seconds=0.5)

    done = shell.run("match", "a.wav", "--synth", "vital", "--renders", 24, "--wavetables", "own", "--json")

    found = json.loads(done.out)
    best = found["candidates"][0]
    (preset,) = read_presets(Path("patchflow-out", best["preset"])).presets
    engine: Engine = engines["vital"]()
    engine.build_on(preset.state)
    note = Note(best["note"], best["velocity"], best["hold_s"], best["length_s"])
    sound = engine.render(engine.space.encode(preset.values), note) * 10 ** (best["gain_db"] / 20)
    written, _ = soundfile.read(Path("patchflow-out", best["audio"]))
    assert best["kind"] == "wavetable of the sound"
    assert Path("patchflow-out", best["preset"]).stat().st_size < 2 * 2**20
    np.testing.assert_allclose(sound, written, atol=1e-3)


@pytest.mark.slow
def test_of_both_kinds_at_least_one_is_among_the_candidates(shell):
    shell.tone("a.wav", seconds=0.5)

    found = json.loads(shell.run("match", "a.wav", "--synth", "vital", "--renders", 48, "--json").out)

    kinds = {each["kind"] for each in found["candidates"]}
    assert kinds == {"wavetable of the sound", "synthesised from Vital's own shapes"}
    assert found["options"]["wavetables"] == "both"
