"""`patchflow sketch`: a hummed melody to files, and one clear line for what is none."""

import json
import sys
import types

import numpy as np
import pytest

from patchflow.presets import Preset, write_presets
from tests.explore.voices import RATE, hum

VOICE = hum([57, 60, 64])
FILES = {"hum-sketch.mid", "hum-sketch.preset.json", "hum-sketch.wav", "hum-sketch-ab.wav", "hum-sketch.json"}
SAW = Preset("tone", {"wave": "saw", "decay": 3.0, "gain": -12.0}, name="Saw")


@pytest.fixture
def voice(shell):
    return shell.save("hum.wav", VOICE.samples, RATE)


@pytest.fixture
def saw(shell):
    write_presets("saw.json", [SAW])
    return shell.folder / "saw.json"


def test_it_writes_notes_preset_sound_and_numbers(shell, voice):
    done = shell.run("sketch", voice, "--synth", "tone", "--renders", 40, "--out", "out")

    assert (done.code, done.err) == (0, "")
    assert shell.files() == {"hum.wav"} | {f"out/{name}" for name in FILES}
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[0] for line in lines[2:5]] == ["A3", "C4", "E4"]
    assert "tuned to A = 440 Hz" in done.out


def test_json_is_all_that_is_printed(shell, voice, saw):
    done = shell.run("sketch", voice, "--synth", "tone", "--preset", saw, "--bpm", 90, "--json")
    numbers = json.loads(done.out)

    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    assert [note["key"] for note in numbers["notes"]] == [57, 60, 64]
    assert numbers["midi"] == {"file": "hum-sketch.mid", "bpm": 90.0, "bent": False}
    assert numbers["preset"] == {"file": "hum-sketch.preset.json", "name": "Saw", "searched": False}


def test_the_same_seed_finds_the_same_preset(shell, voice):
    for folder in ("one", "two"):
        shell.run("sketch", voice, "--synth", "tone", "--renders", 40, "--seed", 3, "--out", folder)

    one = (shell.folder / "one" / "hum-sketch.preset.json").read_bytes()
    assert one == (shell.folder / "two" / "hum-sketch.preset.json").read_bytes()


def test_what_is_no_melody_is_one_line_and_no_file(shell):
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    shell.save("noise.wav", noise, RATE)

    done = shell.run("sketch", "noise.wav", "--synth", "tone", "--renders", 10)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith("patchflow: noise.wav has no melody: noise at a steady level was found")
    assert shell.files() == {"noise.wav"}


MISTAKES = {
    "nothing": ((), 2, "either a sound file, VOICE, or --record S"),
    "both": (("hum.wav", "--record", 3), 2, "either a sound file, VOICE, or --record S"),
    "voice of nothing": (("hum.wav", "--voice", 2), 2, "the file that --preset names"),
    "search for a preset that is given": (
        ("hum.wav", "--preset", "saw.json", "--seconds", 2),
        2,
        "nothing is searched",
    ),
    "tempo": (("hum.wav", "--bpm", 10), 1, "bpm=10: not in [20, 300]"),
    "synth": (("hum.wav", "--synth", "tune"), 1, "no synth named 'tune'. Did you mean 'tone'?"),
    "preset of another synth": (
        ("hum.wav", "--synth", "dexed", "--preset", "saw.json"),
        1,
        "is for 'tone', not 'dexed'",
    ),
    "missing": (("ham.wav",), 1, "no such file"),
    "no time": (("hum.wav", "--synth", "tone", "--renders", 0), 1, "renders=0: not at least 1"),
    "folder": (("hum.wav", "--synth", "tone", "--out", "saw.json"), 1, "cannot write to the folder saw.json"),
    "recording": (("--record", 500), 1, "record=500: not in [0.1, 120] s"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_one_line(shell, voice, saw, kind):
    words, code, reason = MISTAKES[kind]

    done = shell.run("sketch", *words)

    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert reason in done.err
    assert shell.files() == {"hum.wav", "saw.json"}


def test_a_recording_is_sketched_and_kept(shell, saw, monkeypatch):
    device = types.ModuleType("sounddevice")
    device.PortAudioError = type("PortAudioError", (Exception,), {})  # type: ignore[attr-defined]
    device.check_input_settings = lambda **settings: None  # type: ignore[attr-defined]
    device.rec = lambda frames, samplerate, channels, dtype: np.resize(VOICE.samples, (frames, 1))  # type: ignore[attr-defined]
    device.sleep = lambda ms: None  # type: ignore[attr-defined]
    device.wait = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sounddevice", device)

    done = shell.run("sketch", "--record", 1.5, "--synth", "tone", "--preset", saw, "--out", "out", "--json")

    assert done.code == 0
    assert (shell.folder / "out" / "voice-sketch-voice.wav").exists()
    assert json.loads(done.out)["voice"]["file"] == "voice.wav"
