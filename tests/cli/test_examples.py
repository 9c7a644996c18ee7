"""`patchflow dataset` with a recipe of examples, and synths of fewer parameters everywhere else."""

import json
from pathlib import Path

import numpy as np
import pytest

from patchflow.data.bank import Bank
from patchflow.data.examples import Examples
from patchflow.engines import Selection, selection_text
from patchflow.engines.tone import Tone
from patchflow.presets import Preset, read_presets, write_presets

RECIPE = 'synth = "short"\nbank = "bank.npz"\nfolds = 2\nradius_db = 0\n'


@pytest.fixture(autouse=True)
def short(synths: Path) -> None:
    (synths / "subsets").mkdir(parents=True)
    selection = Selection("short", "tone", ("decay", "gain"), {"wave": "saw", "decay": 1.0, "gain": -6.0})
    (synths / "subsets" / "short.toml").write_text(selection_text(selection, ""))


@pytest.fixture
def recipe(shell) -> str:
    points = np.random.default_rng(0).random((12, 3)) * [1, 1, 0.3] + [0, 0, 0.7]
    Bank(Tone.space.snap(points), np.arange(12), np.full(12, "A"), np.full(12, "train")).save(shell.folder / "bank.npz")
    (shell.folder / "r.toml").write_text(RECIPE)
    return "r.toml"


def test_a_recipe_that_names_a_bank_makes_examples(shell, recipe: str):
    done = shell.run("dataset", recipe, "-o", "out", "valid=0")

    assert (done.code, done.err) == (0, "")
    assert done.out == "out  12 examples in 12 families; 0 silent ones left out\n"
    assert [len(Examples(shell.folder / "out", fold).rows("test")) for fold in (0, 1)] == [6, 6]


def test_a_recipe_of_a_bank_makes_one_file_and_a_line(shell):
    points = np.random.default_rng(0).random((12, 3)) * [1, 1, 0.3] + [0, 0, 0.7]
    presets = [Preset("tone", Tone.space.decode(point)) for point in Tone.space.snap(points)]
    write_presets(shell.folder / "mine.json", presets)
    (shell.folder / "b.toml").write_text('kind = "bank"\nsynth = "tone"\n')

    done = shell.run("dataset", "b.toml", "-o", "bank.npz", "presets=mine.json")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("bank.npz  12 presets in ")
    assert done.out.endswith(" for test; left out: none\n")
    assert len(Bank.load(shell.folder / "bank.npz").points) == 12
    assert shell.run("dataset", "b.toml", "presets=mine.json").err == (
        "patchflow: -o FILE.npz is missing: where should the bank go?\n"
    )


def test_json_tells_the_counts_and_a_second_call_plays_nothing(shell, recipe: str):
    facts = [json.loads(shell.run("dataset", recipe, "-o", "out", "--json").out) for _ in range(2)]

    assert [fact["rendered"] for fact in facts] == [12, 0]
    assert facts[0]["items"] == facts[1]["items"] == 12


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "-o FOLDER is missing: where should the examples go?"),
        (
            ("-o", "out", "--executor", "ray"),
            "--executor and --address: a recipe of kind 'examples' is made on this machine",
        ),
        (("-o", "out", "--workers", "0"), "workers=0: not at least 1"),
        (("-o", "out", "folds=1"), "folds=1: not in [2, 100]"),
        (("-o", "out", "shard=3"), "no recipe key named 'shard'."),
        (("-o", "out", "synth=shirt"), "no synth named 'shirt'. Did you mean 'short'?"),
        (("-o", "out", "synth=dexed_16"), "bank.npz: has 3 parameters, not the 16 of synth 'dexed_16'"),
        (
            ("-o", "out", "bank=none.npz"),
            "none.npz: no such file. Make a bank of your presets: patchflow dataset",
        ),
        (("-o", "out", "synth=amsynth_16"), "amsynth_16 needs the synth 'amsynth', which is not there"),
    ],
)
def test_what_is_wrong_is_one_line(words: tuple[str, ...], message: str, shell, recipe: str):
    done = shell.run("dataset", recipe, *words)

    assert done.code == 1
    assert done.err.startswith(f"patchflow: {message}")
    assert done.err.count("\n") == 1


def test_a_synth_of_fewer_parameters_is_listed(shell):
    lines = {line.split()[0]: line for line in shell.run("list", "engines").out.splitlines()}

    assert lines["dexed_16"].endswith(
        "Some parameters of dexed, all others as in one voice; 16 parameters, syx presets"
    )
    assert "patchflow synth add" in lines["amsynth_16"]


@pytest.mark.slow
def test_a_match_writes_the_complete_voice(shell):
    sound = shell.tone("a.wav", 60)

    done = shell.run("match", sound, "--synth", "dexed_16", "--renders", "64", "--out", "out")

    assert done.code == 0
    presets = [read_presets(path).presets[0] for path in sorted((shell.folder / "out").glob("*.syx"))]
    assert presets
    assert all(preset.values["algorithm"] == "5" and len(preset.values) == 145 for preset in presets)


def test_a_match_with_one_of_the_users_writes_the_whole_synths_preset(shell):
    done = shell.run("match", shell.tone("a.wav", 60), "--synth", "short", "--renders", "16", "--out", "out")

    assert done.code == 0
    found = read_presets(shell.folder / "out" / "a.preset.json").presets[0]
    assert (found.synth, found.values["wave"]) == ("tone", "saw")
