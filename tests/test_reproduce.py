"""The one command that makes the paper's tables: what it runs, what it skips, what its recipes say."""

import importlib
import json
import lzma
import os
import signal
import sqlite3
import subprocess
import sys
import time
from argparse import Namespace
from contextlib import closing
from pathlib import Path

import pytest

import patchflow
from patchflow.engines import engines
from patchflow.models import models
from patchflow.train.recipe import read_recipe

ROOT = Path(patchflow.__file__).parent.parent
RECIPES = sorted(path for path in (ROOT / "recipes/paper").rglob("*.toml") if path.stem != "base")
GIVEN = {"data": "d", "out": "o"}


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("jobs")


@pytest.fixture
def reproduce(jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The script, with an empty folder to work in that has examples of one data set."""
    script = importlib.import_module("reproduce")
    folder = tmp_path / "cache/examples/dexed-16"
    folder.mkdir(parents=True)
    (folder / "about.json").write_text(json.dumps({"attributes": [["a", "b", "brightness"]] * 3}))
    monkeypatch.setattr(script, "ROOT", tmp_path)
    return script


def options(reproduce, *words: str) -> Namespace:
    return reproduce.read_options(["--data", "dexed-16", "--jobs", "1", *words])


def say(text: str, code: int = 0) -> tuple[str, ...]:
    return sys.executable, "-c", f"print({text!r}); open('done', 'a').write({text!r}); raise SystemExit({code})"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_recipe_says_a_model_with_sizes_that_it_has(path: Path):
    recipe = read_recipe(path, GIVEN)
    model = models[recipe.model](engines["tone"].space, **recipe.sizes)

    assert recipe.model == path.stem.partition("-")[0]
    assert model.input == "paper"


def test_there_is_a_recipe_for_each_row_in_both_sizes():
    folder = ROOT / "recipes/paper"
    paper, small = ({path.stem for path in where.glob("*.toml")} for where in (folder, folder / "small"))

    assert paper == small > {"mlp", "cnn", "resnet", "ae", "vae", "wae", "vaeflow", "flow_reg", "flow_dis"}


def test_recipes_at_the_papers_sizes_have_its_schedule():
    recipe = read_recipe(ROOT / "recipes/paper/flow_dis.toml", GIVEN)

    assert (recipe.epochs, recipe.learning_rate, recipe.schedule, recipe.plateau_patience) == (500, 2e-4, "plateau", 20)
    assert dict(recipe.loss_warmup) == {"latent": 100, "regression": 100, "disentangling": 100}
    assert recipe.sizes == {}


def test_every_row_is_trained_and_evaluated_on_every_fold(reproduce):
    found = reproduce.rows(options(reproduce, "--models", "mlp,vae", "--folds", "0,3", "--seeds", "0,1"))

    assert len(found) == 2 + 2 * 2 * 2
    words = next(job for job in found if job.name == "dexed-16 vae, fold 3, seed 1").steps[0].command
    assert {"synth=dexed_16", "fold=3", "seed=1", "minutes=0.0"} <= set(words)
    assert "recipes/paper/small/vae.toml" in words


def test_keys_that_are_given_are_those_of_every_training(reproduce):
    found = reproduce.rows(options(reproduce, "--models", "mlp,vae", "steps=7", "precision=bfloat16"))
    trainings = [job.steps[0].command for job in found if "baselines" not in job.name]

    assert [words[-2:] for words in trainings] == [("steps=7", "precision=bfloat16")] * 2


@pytest.mark.parametrize(("minutes", "schedule"), [("6", "cosine"), ("0", "plateau")])
def test_what_the_clock_ends_cools_down_before(reproduce, minutes: str, schedule: str):
    job = reproduce.row(options(reproduce, "--size", "paper", "--minutes", minutes), "dexed-16", ("vae", 0, 0))
    keys = dict(word.split("=") for word in job.steps[0].command if "=" in word)

    assert read_recipe(ROOT / "recipes/paper/vae.toml", keys).schedule == schedule


def test_rows_are_chosen_by_what_they_are_evaluated_by():
    assert {read_recipe(path, GIVEN).monitor for path in RECIPES} == {"error"}


@pytest.mark.parametrize("path", [path for path in RECIPES if path.stem.startswith(("flow_reg", "flow_dis"))], ids=str)
def test_latent_and_regression_of_a_flow_warm_up_together(path: Path):
    recipe = read_recipe(path, GIVEN)

    assert recipe.loss_warmup["latent"] == recipe.loss_warmup["regression"]
    assert recipe.weights.get("latent", 1) == recipe.weights.get("regression", 1)


def test_a_disentangling_flow_has_a_dimension_for_each_pair_of_the_examples(reproduce):
    job = reproduce.row(options(reproduce), "dexed-16", ("flow_dis", 0, 0))

    assert "sizes.attributes=3" in job.steps[0].command


def test_an_evaluation_older_than_the_weights_is_done_again(reproduce, tmp_path: Path):
    job = reproduce.row(options(reproduce), "dexed-16", ("mlp", 0, 0))
    (folder := tmp_path / "runs/paper/small/dexed-16/mlp-0-0").mkdir(parents=True)
    for second, name in enumerate(("summary.json", "dexed_16.safetensors")):
        (folder / name).write_text("")
        os.utime(folder / name, (second, second))

    assert [step.is_done for step in job.steps] == [True, False]


def test_only_what_is_finished_comes_into_the_tables(reproduce, tmp_path: Path):
    for name in ("mlp-0-0/summary.json", "vae-0-0/results.jsonl", "beside-0/tags.json", "beside-0/mean/summary.json"):
        (path := tmp_path / "runs/paper/small/dexed-16" / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    words = reproduce.tables(options(reproduce)).steps[0].command

    assert [Path(word).name for word in words if "dexed-16/" in word] == ["beside-0", "mlp-0-0"]


def test_a_folder_of_voices_becomes_a_bank_by_its_recipe(reproduce, tmp_path: Path):
    (step,) = reproduce.bank_of(options(reproduce, "--voices", str(tmp_path)), "dexed")

    words = ("dataset", "recipes/banks/dexed.toml", "-o", "cache/dx7-bank.npz", f"presets={tmp_path}")
    assert step.command[-5:] == words
    assert (ROOT / words[1]).exists()


@pytest.mark.parametrize("name", ["missing.sqlite", "text.sqlite", "text.sqlite.xz", "other.sqlite"])
def test_what_is_no_table_of_voices_is_one_line(jobs, tmp_path: Path, name: str):
    script = importlib.import_module("prepare_bank")
    (tmp_path / "text.sqlite").write_text("no database")
    (tmp_path / "text.sqlite.xz").write_text("not compressed")
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as other:
        other.execute("create table song (name)")

    with pytest.raises(SystemExit, match=f"{name}: no database with a table `voice` of DX7 voices"):
        script.read_table(tmp_path / name)


@pytest.mark.parametrize("packed", [False, True])
def test_a_table_of_voices_is_read_compressed_or_not(jobs, tmp_path: Path, packed: bool):
    script = importlib.import_module("prepare_bank")
    file = tmp_path / "v.sqlite"
    with closing(sqlite3.connect(file)) as table:
        table.execute("create table voice (id, name, packed, family)")
        table.execute("insert into voice values (1, 'A', ?, 7)", (bytes(128),))
        table.commit()
    if packed:
        file = tmp_path / "v.sqlite.xz"
        file.write_bytes(lzma.compress((tmp_path / "v.sqlite").read_bytes()))

    assert script.read_table(file) == [("A", bytes(128), 7)]


def test_voices_have_to_be_given_if_there_is_no_bank(reproduce):
    with pytest.raises(SystemExit, match="give --voices"):
        reproduce.examples(options(reproduce, "--items", "5"), "dexed-16")


def test_steps_run_in_order_and_what_is_done_is_skipped(jobs, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "there").write_text("")
    steps = jobs.Step(say("a"), tmp_path / "there"), jobs.Step(say("b")), jobs.Step(say("c"))

    failed = jobs.run_all([jobs.Job("w", steps, tmp_path / "log")], 1, jobs.Runner(tmp_path, 1))

    assert (failed, (tmp_path / "done").read_text()) == (0, "bc")
    assert capsys.readouterr().out.startswith("[1 of 1] w: done in ")


def test_a_step_that_fails_ends_its_job_alone(jobs, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bad = jobs.Job("bad", (jobs.Step(say("a", 3)), jobs.Step(say("b"))), tmp_path / "log")
    good = jobs.Job("good", (jobs.Step(say("c")),), tmp_path / "log2")

    assert jobs.run_all([bad, good], 1, jobs.Runner(tmp_path, 1)) == 1
    assert (tmp_path / "done").read_text() == "ac"
    assert f"bad: failed: ended with 3; {tmp_path / 'log'} says: a" in capsys.readouterr().out


def test_after_a_stop_nothing_is_begun(jobs, tmp_path: Path):
    runner = jobs.Runner(tmp_path, 1)
    runner.stop()

    assert jobs.run_all([jobs.Job("w", (jobs.Step(say("a")),), tmp_path / "log")], 1, runner) == 1
    assert not (tmp_path / "done").exists()


SCRIPT = """
import sys
from pathlib import Path
from jobs import Job, Runner, Step, interrupt_on_signals, run_all

interrupt_on_signals()
job = Job("w", (Step((sys.executable, "-c", sys.argv[1])),), Path("log"))
try:
    run_all([job], 1, Runner(Path("."), 1))
except KeyboardInterrupt:
    raise SystemExit(130)
"""
COUNTING = """
import pathlib, signal, time

interrupts = []
signal.signal(signal.SIGINT, lambda *_: interrupts.append(1))
pathlib.Path("ready").touch()
while not interrupts:
    time.sleep(0.01)
time.sleep(0.3)
pathlib.Path("interrupts").write_text(str(len(interrupts)))
"""


@pytest.mark.skipif(os.name != "posix", reason="groups of processes")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_commands_are_interrupted_once_and_waited_for(tmp_path: Path, name: str):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "benchmarks")}
    words = [sys.executable, "-c", SCRIPT, COUNTING]
    with subprocess.Popen(words, cwd=tmp_path, env=environment, start_new_session=True) as process:
        while not (tmp_path / "ready").exists():
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, getattr(signal, name))  # as a terminal does

    assert (process.returncode, (tmp_path / "interrupts").read_text()) == (130, "1")
