"""`patchflow morph`: from presets and sounds to a path."""

import json

import numpy as np
import pytest
import soundfile

from patchflow.engines import engines
from patchflow.explore.path import read_path
from patchflow.presets import Preset, write_presets


@pytest.fixture
def ends(shell):
    a = Preset("tone", {"wave": "sine", "decay": 1.0, "gain": -30.0}, name="Soft")
    b = Preset("tone", {"wave": "saw", "decay": 0.3, "gain": -6.0}, name="Hard")
    write_presets("a.json", [a])
    write_presets("both.json", [a, b])
    return "a.json", "both.json:2"


def test_it_writes_a_path_between_two_presets(shell, ends):
    done = shell.run("morph", *ends, "--steps", 3, "--renders", 200, "--out", "out")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Soft to Hard: 3 presets of tone through the 3 parameters of tone themselves")
    path = read_path(shell.folder / "out" / "Soft-to-Hard.json")
    at = path.largest_step + 1
    assert f"the largest {max(path.heard):.1f} dB, from MORPH {at:02} to MORPH {at + 1:02}\n" in done.out
    assert path.ends == ("Soft", "Hard")
    assert path.steps[2].values["gain"] == pytest.approx(-6.0)


def test_json_is_all_that_is_printed(shell, ends):
    done = shell.run("morph", *ends, "--steps", 3, "--renders", 200, "--lock", "wave", "--json")

    content = json.loads(done.out)
    assert content["settings"]["lock"] == {"wave": None}
    assert {step["values"]["wave"] for step in content["steps"]} == {"sine"}


def test_a_sound_is_matched_first(shell, ends):
    time = np.arange(22_050) / 22_050
    soundfile.write("beep.wav", 0.3 * np.sin(2 * np.pi * 261.63 * time) * np.exp(-3 * time), 22_050)
    done = shell.run("morph", "beep.wav", "both.json:2", "--synth", "tone", "--steps", 3, "--renders", 200)

    assert done.code == 0
    assert "beep.wav: a sound, so a match found a preset of tone for it: " in done.err


@pytest.mark.parametrize(("asked", "note"), [((), 57), (("--note", "48"), 48)])
def test_a_sound_beside_a_preset_is_matched_on_the_note_asked_for_or_its_own(shell, ends, asked, note):
    time = np.arange(22_050) / 22_050
    soundfile.write("a3.wav", 0.3 * np.sin(2 * np.pi * 220 * time) * np.exp(-3 * time), 22_050)
    words = ("morph", "both.json:2", "a3.wav", "--steps", 3, "--renders", 200, "--out", "out", *asked)
    assert shell.run(*words).code == 0

    path = read_path(shell.folder / "out" / "Hard-to-a3.json")
    assert path.note.pitch == note


def test_presets_that_differ_beyond_their_parameters_are_said_to_share_what_the_first_has(shell, ends):
    values = {"wave": "sine", "decay": 1.0, "gain": -30.0}
    write_presets("state.json", [Preset("tone", values, name="Wavy", state=b"mine")])

    done = shell.run("morph", "both.json:2", "state.json", "--steps", 3, "--renders", 200, "--out", "out")

    assert done.code == 0
    assert "all of the path has what 'Hard' holds" in done.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("a.json", "a.json"), "'Soft' and 'Soft' sound the same (0.0 dB apart): there is nothing between them"),
        (("a.json",), "1 presets: a morph is between 2, or among 4"),
        (("a.json", "both.json:3"), "voice=3: both.json has 2 voices"),
        (("a.json", "gone.json"), "gone.json"),
        (("a.json", "both.json:2", "--steps", "2"), "steps=2: not in [3, 512]"),
        (("a.json", "both.json:2", "--lock", "cutoff"), "cutoff"),
        (("a.json", "both.json:2", "--model", "mlp"), "model='mlp': no weights for synth 'tone'"),
        (("a.json", "both.json:2", "--synth", "moog"), "moog"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(shell, ends, words, why):
    done = shell.run("morph", *words, "--out", "out")

    assert done.code in (1, 2)
    assert why in done.err
    assert done.err.count("\n") == 1
    assert not (shell.folder / "out").exists()


def test_presets_of_two_synths_need_a_match(shell, ends):
    space = engines["dexed"].space
    write_presets("dx.syx", [Preset("dexed", space.decode(space.default()), name="DX")])

    done = shell.run("morph", "a.json", "dx.syx")

    assert done.code == 1
    assert "dx.syx: is for 'dexed', another one for 'tone'" in done.err
    assert "--synth tone" in done.err
