"""`patchflow train`: hands a recipe to the training loop."""

from pathlib import Path

import pytest

import patchflow.train
from patchflow.train import Report


def test_recipe_and_overrides_reach_the_training_loop(shell, monkeypatch):
    def train(recipe, overrides, progress) -> Path:
        progress(Report("train", 250, 1_000, {"loss": 0.5}))
        return Path(f"{recipe} {overrides}")

    monkeypatch.setattr(patchflow.train, "train", train)

    done = shell.run("train", "r.toml", "steps=10", "out=a=b")

    assert (done.code, done.out) == (0, "r.toml {'steps': '10', 'out': 'a=b'}\n")
    assert done.err == "train         250 of 1,000  loss 0.5000\n"


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
