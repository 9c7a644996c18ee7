"""`patchflow turn` and `patchflow macros`: files, words and one clear line for what cannot be turned."""

import functools
import json

import pytest

from patchflow.engines.tone import Tone
from patchflow.explore import learn_map
from patchflow.explore.path import read_path
from patchflow.models import save_model
from patchflow.presets import Preset, write_presets
from tests.small_models import make

SAW = Preset("tone", {"wave": "saw", "decay": 0.2, "gain": -12.0}, name="Saw")


@pytest.fixture
def saw(shell):
    write_presets("saw.json", [SAW])
    return shell.folder / "saw.json"


def test_it_writes_presets_sounds_and_numbers_and_says_what_was_reached(shell, saw):
    done = shell.run("turn", saw, "length=+0.5", "--steps", 2, "--out", "out")

    assert done.code == 0
    assert done.err == "" or done.err.startswith("patchflow: length: asked +0.5, reached +0.")
    names = [f"Saw-length+0.5{end}" for end in (".preset.json", ".wav", "-sweep.wav", ".json")]
    assert shell.files() == {"saw.json"} | {f"out/{name}" for name in names}
    assert done.out.startswith("length: ")
    assert "moves most: decay 0.2 to " in done.out
    path = read_path(shell.folder / "out" / "Saw-length+0.5.json")
    assert [preset.name for preset in path.presets] == ["TURN 01", "TURN 02", "TURN 03"]
    assert path.steps[0].values == SAW.values


def test_json_says_what_was_asked_and_reached(shell, saw):
    done = shell.run("turn", saw, "short=0.5", "--steps", 2, "--json")
    numbers = json.loads(done.out)

    (reached,) = numbers["turn"]["reached"]
    assert (reached["name"], reached["asked"]) == ("length", -0.5)
    assert reached["changed"] < 0
    assert numbers["turn"]["settings"] == {
        "words": {"short": 0.5}, "steps": 2, "lock": {}, "instant": False, "seed": 0
    }  # fmt: skip


def test_the_same_seed_turns_the_same_way(shell, saw):
    for folder in ("one", "two"):
        shell.run("turn", saw, "length=-0.5", "--steps", 2, "--seed", 5, "--out", folder)
    one, two = (read_path(shell.folder / folder / "Saw-length-0.5.json") for folder in ("one", "two"))

    assert one == two


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (["brightnes=1"], "no attribute named 'brightnes'. Did you mean 'brightness'?", 1),
        (["bright"], "'bright': not of the form key=value", 1),
        (["length=much"], "'much' is not a number", 2),
        (["length=0"], "nothing to turn", 1),
        (["length=1", "--steps", "1"], "steps=1: not in [2, 128]", 1),
        (["length=1", "--lock", "wave", "--lock", "decay", "--lock", "gain"], "nothing is left to move", 1),
        (["length=1", "--lock", "op7"], "'op7'", 1),
        (["length=1", "--instant"], "no learned map", 1),
        (["natural=1"], "natural: nothing measures it", 1),
        (["modern=1"], "modern: cannot be turned: hardly any preset is called so", 1),
        (["latent:0=1"], "tone: has no model with a latent", 1),
        (["latent:0=1", "--model", "flow_joint"], "no weights for synth 'tone'", 1),
        (["length=1", "--model", "flow_joint"], "model=flow_joint: is for latent dimensions alone", 1),
        (["latent:0=1", "length=1"], "a latent dimension moves every attribute", 1),
    ],
)
def test_what_cannot_be_turned_is_said_in_one_line(shell, saw, words, message, code):
    done = shell.run("turn", saw, *words)

    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert shell.files() == {"saw.json"}


def test_a_latent_dimension_is_moved_along_and_said(shell, saw, monkeypatch):
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(shell.folder))
    save_model(shell.folder / "tone-flow_joint.safetensors", make("flow_joint", Tone.space), "flow_joint", "tone")
    done = shell.run("turn", saw, "latent:0=+2", "--steps", 2, "--lock", "wave", "--out", "out")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("latent:0 +2: moved along the latent of a model, and nothing was corrected")
    assert "no learned map" not in done.out
    assert (shell.folder / "out" / "Saw-latent0+2.json").exists()
    listed = shell.run("macros", "tone")
    assert "latent:0=+1 and so on" in listed.out


def test_a_word_from_names_says_where_it_comes_from(shell, saw, monkeypatch):
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(shell.folder))
    word = {
        "name": "naturalness", "low": "synthetic", "high": "natural", "weights": {"length": 2.0}, "centre": 0.0,
        "step": {"length": 0.5}, "names": {"natural": 20, "synthetic": 14}, "source": "tones",
        "words": {"natural": ["flute"], "synthetic": ["laser"]}, "told_apart": [0.8, 0.7, 0.9],
        "held_out": {"natural": 10, "synthetic": 9},
    }  # fmt: skip
    text = json.dumps({"format": 1, "synth": "tone", "words": [word]})
    (shell.folder / "tone-words.json").write_text(text)
    done = shell.run("turn", saw, "natural=+0.5", "--steps", 2)

    first, provenance, stands_for, *_ = done.out.splitlines()
    assert done.code == 0
    assert first.startswith("natural: ")
    assert first.endswith("of the +0.50 asked for")
    assert provenance == "  from 34 names of tones; tells 0.80 of held-out pairs apart (0.70 to 0.90; 0.5 is chance)"
    assert stands_for == "  it stands for length +0.28"
    assert "synthetic to natural: from 34 names of tones" in shell.run("macros", "tone").out
    (one,) = json.loads(shell.run("macros", "tone", "--json").out)["from_names"]
    assert one["words"]["natural"] == ["flute"]


def test_macros_are_listed_with_what_is_measured(shell):
    done = shell.run("macros", "tone")

    assert (done.code, done.err) == (0, "")
    assert "dark to bright" in done.out
    assert "+1 is one standard deviation over DX7 voices" in done.out
    assert "no learned map of tone" in done.out
    assert "natural and synthetic, since no names of presets of tone were learned from" in done.out
    assert "latent:" not in done.out


def test_a_learned_map_is_used_from_then_on(shell, monkeypatch):
    monkeypatch.setattr(learn_map, "_FEWEST_SOUNDS", 20)
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(shell.folder / "weights"))
    quick = functools.partial(learn_map.learn_map, steps=3)
    monkeypatch.setattr(learn_map, "learn_map", quick)

    done = shell.run("macros", "tone", "--learn", "--sounds", 40)

    assert done.code == 0
    assert shell.files() == {"weights/tone-attribute_map.safetensors"}
    assert json.loads(shell.run("macros", "tone", "--json").out)["learned_map"] is True


def test_a_map_of_another_synth_is_refused(shell, saw, monkeypatch):
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(shell.folder))
    (shell.folder / "tone-attribute_map.safetensors").write_bytes(b"no weights")

    done = shell.run("turn", saw, "length=1")
    assert done.code == 1
    assert "tone-attribute_map.safetensors: not a readable model file" in done.err


def test_latent_dimensions_need_a_model(shell):
    done = shell.run("macros", "tone", "--latent", "--model", "flow_joint")

    assert done.code == 1
    assert "no weights for synth 'tone'" in done.err
