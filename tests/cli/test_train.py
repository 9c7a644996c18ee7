"""`patchflow train`: hands a recipe to the training loop."""

import time
from pathlib import Path

import pytest

import patchflow.train
from patchflow.progress import Progress

LOSSES = {"train.sound": 1.0, "train.latent": 0.5, "valid.sound": 1.75, "valid.latent": 0.25}


def test_recipe_and_overrides_reach_the_training_loop(shell, monkeypatch):
    def train(recipe, overrides, progress, tell) -> Path:
        return Path(f"{recipe} {overrides}")

    monkeypatch.setattr(patchflow.train, "train", train)

    done = shell.run("train", "r.toml", "steps=10", "out=a=b")

    assert (done.code, done.out) == (0, "r.toml {'steps': '10', 'out': 'a=b'}\n")


def test_it_says_what_comes_and_how_the_weights_are_used(shell, monkeypatch):
    def train(recipe, overrides, progress, tell) -> Path:
        tell("trains a model")
        progress(Progress("train", 1_000, 1_000, "steps", losses={"train": 1.5, "valid": 2.0, **LOSSES}))
        return Path("my runs/dexed.safetensors")

    monkeypatch.setattr(patchflow.train, "train", train)

    done = shell.run("train", "r.toml")

    assert done.out == "my runs/dexed.safetensors\n"
    assert done.err == (
        "trains a model\n"
        "trained  train 1.5000  valid 2.0000  sound 1/1.75  latent 0.5/0.25\n"
        "to use these weights: patchflow match SOUND --synth dexed --model 'my runs'\n"
    )


@pytest.mark.parametrize(("seconds", "left"), [(42.4, "42 s"), (600.0, "10 min"), (7200.0, "2.0 h")])
def test_in_a_log_a_line_a_minute_tells_the_time_left_and_the_losses(shell, monkeypatch, seconds, left):
    losses = {"train": 1.5, "valid": 2.0}
    times = iter([0.0, 4.0, 5.0, 64.0, 66.0])

    def train(recipe, overrides, progress, tell) -> Path:
        monkeypatch.setattr(time, "monotonic", lambda: next(times))
        for step in (10, 50, 60, 640, 660):
            progress(Progress("train", step, 1_000, "steps", seconds_left=seconds, losses=losses))
        return Path("weights")

    monkeypatch.setattr(patchflow.train, "train", train)

    assert shell.run("train", "r.toml").err.splitlines()[:-2] == [
        f"training: 60 of 1,000 steps  about {left} left  train 1.5000  valid 2.0000",
        f"training: 660 of 1,000 steps  about {left} left  train 1.5000  valid 2.0000",
    ]


def test_only_the_first_of_several_processes_speaks(shell, monkeypatch):
    (shell.folder / "r.toml").write_text('bank = "b.npz"\nout = "o"\n')
    monkeypatch.setenv("RANK", "1")
    waited = []

    def ended_by_torchrun(seconds: float) -> None:
        waited.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr("patchflow.train.distributed.time.sleep", ended_by_torchrun)
    done = shell.run("train", "r.toml", "stepz=1")

    assert waited == [60.0]
    assert (done.code, done.out) == (130, "")
    assert "stepz" not in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.toml"], "missing.toml"),
        (["r.toml", "steps"], "'steps': not of the form key=value"),
        (["r.toml", "=1"], "'=1': not of the form key=value"),
        (["r.toml", "seed=1", "seed=2"], "seed: given twice"),
        (["r.toml", "stepz=1"], "Did you mean 'steps'?"),
        (["r.toml", "steps=many"], "steps"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_allowed_is_one_line(shell, words, message):
    (shell.folder / "r.toml").write_text('bank = "b.npz"\nout = "o"\n')

    done = shell.run("train", *words)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert message in done.err
    assert shell.files() == {"r.toml"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a recipe or --synth"),
        (["r.toml", "--synth", "tone"], "give a recipe or --synth, and not both"),
        (["r.toml", "--minutes", "3"], "go with --synth; beside a recipe: minutes=60"),
        (["--synth", "tone", "--minutes", "soon"], "'soon' is not a number"),
    ],
)
def test_a_mistake_in_the_options_is_one_line(shell, words, message):
    done = shell.run("train", *words)

    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_synth_needs_no_recipe(shell, monkeypatch):
    def train(synth: str, **options) -> Path:
        return Path(f"{synth} {options['minutes']}")

    monkeypatch.setattr(patchflow.train, "train_for_synth", train)

    done = shell.run("train", "--synth", "tone", "--minutes", 3)

    assert done.out == "tone 3.0\n"
    assert done.err.endswith(" uses these weights from now on\n")
    assert shell.run("train", "--synth", "tone").out == "tone 60.0\n"


def test_a_time_of_nothing_is_refused(shell):
    done = shell.run("train", "--synth", "tone", "--minutes", 0)

    assert (done.code, done.err) == (1, "patchflow: minutes=0: not in [1, 100000]\n")
