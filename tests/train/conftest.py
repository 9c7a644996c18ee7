"""A way to train the small models on examples in memory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from patchflow.progress import Progress
from patchflow.train import run, train

from . import small

__all__ = ["learn"]


@pytest.fixture
def learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Trains `Several` in `tmp_path / name` on 41 examples, five steps an epoch."""
    monkeypatch.setattr(run, "models", {"several": small.Several, "crowd": small.Crowd})
    examples = small.write_small(tmp_path / "examples")

    def learn(name: str = "run", progress: Callable[[Progress], None] = lambda _: None, **overrides: object) -> Path:
        recipe = tmp_path / "examples.toml"
        recipe.write_text(
            f'synth = "tone"\nmodel = "several"\ndata = "{examples}"\nout = "{tmp_path / name}"\n'
            "epochs = 3\nbatch = 8\nlearning_rate = 1e-2\nwarmup_steps = 0\n"
        )
        return train(recipe, {key.replace("__", "."): str(value) for key, value in overrides.items()}, progress)

    return learn
