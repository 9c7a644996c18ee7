"""`patchflow wavetable`: a recording becomes a preset of Vital."""

import json

import numpy as np
import pytest

from patchflow.presets import read_presets

RATE = 44_100


def tone(seconds: float = 0.5, hz: float = 220.0) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hz * t) + 0.1 * np.sin(4 * np.pi * hz * t)).astype(np.float32)


def test_it_writes_a_preset_and_says_what_it_did(shell):
    shell.save("flute.wav", tone())
    done = shell.run("wavetable", "flute.wav")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("flute.vital  A3 ")
    assert all(word in done.out for word in (" frames, ", " KB; ", "a held key repeats "))
    preset = read_presets(shell.folder / "flute.vital").presets[0]
    assert (preset.synth, preset.name) == ("vital", "flute")


def test_json_has_the_same_for_machines(shell):
    shell.save("a.wav", tone())
    done = shell.run("wavetable", "a.wav", "-o", "b.vital", "--json")
    found = json.loads(done.out)

    assert (found["file"], found["key"], found["course"]) == ("b.vital", 57, "sustained")
    assert found["bytes"] == (shell.folder / "b.vital").stat().st_size
    assert found["macros"] == ["position", "noise", "brightness", "length"]


def test_noise_has_no_pitch_and_a_remark(shell):
    shell.save("rain.wav", (0.1 * np.random.default_rng(0).standard_normal(RATE // 2)).astype(np.float32))
    done = shell.run("wavetable", "rain.wav")

    assert done.code == 0
    assert "no pitch, the same on every key" in done.out
    assert done.err == (
        "patchflow: rain.wav: no clear pitch, as of a drum or of noise: it sounds the same on every key\n"
    )


def test_a_file_is_no_larger_than_asked_for(shell):
    rough = tone(1.0) * (1 + np.random.default_rng(0).standard_normal(RATE) / 4).astype(np.float32)
    shell.save("a.wav", rough.astype(np.float32))
    shell.run("wavetable", "a.wav", "--most-kb", 300)

    assert (shell.folder / "a.vital").stat().st_size <= 300_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--most-kb", 20), "most_kb=20: not in [150, 2,000]"),
        (("--noise", "pink"), "noise='pink': not one of auto, lines, loop, none"),
        (("--note", 200), "note=200: not a MIDI number from 0 to 127"),
        (("-o", "a.syx"), "a.syx: a preset of Vital ends in .vital"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_written(shell, words, said):
    shell.save("a.wav", tone())
    done = shell.run("wavetable", "a.wav", *words)

    assert done.code in (1, 2)
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert shell.files() == {"a.wav"}


@pytest.mark.parametrize("seconds", [0.02, 0.3])
def test_short_sounds_work_and_silence_is_refused(shell, seconds):
    shell.save("short.wav", tone(seconds))
    shell.save("silence.wav", np.zeros(RATE, np.float32))

    assert shell.run("wavetable", "short.wav").code == 0
    refused = shell.run("wavetable", "silence.wav")
    assert refused.code == 1
    assert "silent" in refused.err


def test_a_file_that_nobody_named_is_replaced_only_if_asked_to(shell):
    shell.save("a.wav", tone())
    (shell.folder / "a.vital").write_bytes(b"mine")

    refused = shell.run("wavetable", "a.wav")

    assert refused.code == 1
    assert refused.err == (
        "patchflow: a.vital: is there already. Choose another name with -o, or replace it with --force.\n"
    )
    assert (shell.folder / "a.vital").read_bytes() == b"mine"
    for words in (("--force",), ("-o", "a.vital")):
        (shell.folder / "a.vital").write_bytes(b"mine")
        assert shell.run("wavetable", "a.wav", *words).code == 0
        assert read_presets(shell.folder / "a.vital").presets[0].name == "a"
