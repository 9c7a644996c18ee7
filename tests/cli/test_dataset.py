"""`patchflow dataset`: makes a data set, goes on, verifies and repairs one; what is wrong is one line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import patchflow

RECIPE = """
synth = "tone"
items = 30
shard = 10
plain = 0
crossed = 0
jittered = 0
length = 0.2
hold = [0.05, 0.1]
rate = 16_000
"""
SHARD = "data/train-00001-of-00003.parquet"


@pytest.fixture
def recipe(shell) -> str:
    (shell.folder / "r.toml").write_text(RECIPE)
    return "r.toml"


def test_a_recipe_makes_a_folder_and_a_line(shell, recipe: str):
    done = shell.run("dataset", recipe, "-o", "set")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("set  ")
    assert " families, 3 files, 0.1 MB; " in done.out
    assert (shell.folder / "set" / "README.md").exists()


def test_overrides_reach_the_recipe(shell, recipe: str):
    shell.run("dataset", recipe, "items=12", "title=Bells", "-o", "set")

    found = json.loads((shell.folder / "set" / "recipe.json").read_text())["recipe"]
    assert (found["items"], found["title"], found["shard"]) == (12, "Bells", 10)


def test_the_summary_is_json_if_wanted(shell, recipe: str):
    found = json.loads(shell.run("dataset", recipe, "-o", "set", "--json").out)

    assert (found["folder"], found["drawn"], found["rendered"], found["shards"]) == ("set", 30, 30, 3)
    assert found["bytes"] == sum(file.stat().st_size for file in (shell.folder / "set" / "data").iterdir())


def test_a_finished_one_is_not_made_again(shell, recipe: str):
    shell.run("dataset", recipe, "-o", "set")

    assert json.loads(shell.run("dataset", recipe, "-o", "set", "--json").out)["rendered"] == 0


def test_a_flipped_byte_is_one_line_and_exit_code_1_until_it_is_repaired(shell, recipe: str):
    shell.run("dataset", recipe, "-o", "set")
    file = shell.folder / "set" / SHARD
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)

    found = shell.run("dataset", "set", "--verify")
    assert (found.code, found.err) == (1, f"patchflow: set/{SHARD}: damaged: its checksum is another\n")

    assert json.loads(shell.run("dataset", "set", "--repair", "--json").out) == {"folder": "set", "repaired": [SHARD]}
    assert shell.run("dataset", "set", "--verify").out == "set  damaged files: 0\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none.toml", "-o", "set"], 1, "none.toml: no such file"),
        (["r.toml"], 1, "-o FOLDER is missing"),
        (["r.toml", "-o", "set", "itemz=3"], 1, "no recipe key named 'itemz'. Did you mean 'items'?"),
        (["r.toml", "-o", "set", "items=many"], 1, "items='many': not a whole number"),
        (["r.toml", "-o", "set", "items"], 1, "'items': not of the form key=value"),
        (["r.toml", "-o", "set", "synth=tune"], 1, "no synth named 'tune'"),
        (["r.toml", "-o", "set", "--executor", "slurm"], 1, "no executor named 'slurm'. Known: local, ray."),
        (["r.toml", "-o", "set", "--address", "h:1"], 1, "executor 'local' uses this machine only"),
        (["r.toml", "-o", "set", "--workers", "many"], 2, "'many' is not a whole number"),
        (["r.toml", "-o", "r.toml"], 1, "cannot make the folder r.toml"),
        (["r.toml", "--verify"], 1, "not a finished data set"),
        (["set", "--verify"], 1, "set: not a finished data set"),
        (["set", "--repair", "items=3"], 1, "--repair takes a finished folder only"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_one_line(shell, recipe: str, words: list[str], code: int, message: str):
    done = shell.run("dataset", *words)

    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert done.err.startswith("patchflow: ")
    assert message in done.err
    assert shell.files() == {"r.toml"}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT")
def test_ctrl_c_is_one_line_that_says_how_to_go_on(shell, recipe: str):
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"  # background jobs ignore it
    code = f"{start}; from patchflow.cli import run; sys.exit(run())"
    words = [sys.executable, "-c", code, "dataset", recipe, "items=100_000", "-o", "set"]
    environment = {**os.environ, "PYTHONPATH": str(Path(patchflow.__file__).parents[1])}
    with subprocess.Popen(
        words, cwd=shell.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not list((shell.folder / "set").glob(".work/part-*")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=120)

    assert (process.returncode, out) == (130, "")
    assert error == "patchflow: interrupted; what is done is kept, and the same command goes on from there\n"
    assert not list((shell.folder / "set").rglob(".patchflow-*"))
