"""Two trainings never work in one folder."""

from pathlib import Path

import pytest

from patchflow.errors import StorageError
from patchflow.storage import LOCK, locked
from patchflow.train import train, train_for_synth

RECIPE = 'synth = "tone"\nbank = "no.npz"\nmodel = "posterior"\nsteps = 1\nitems = 24\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(f'{RECIPE}out = "{tmp_path / "run"}"\n')
    return path


def test_a_second_one_is_refused_in_one_line(recipe: Path, tmp_path: Path):
    with (
        locked(tmp_path / "run"),
        pytest.raises(StorageError, match="run: another process is working on it"),
    ):
        train(recipe)


def test_the_lock_goes_with_an_error(recipe: Path, tmp_path: Path):
    with pytest.raises(StorageError, match=r"no\.npz"):
        train(recipe)

    assert not (tmp_path / "run" / LOCK).exists()


def test_a_second_one_for_a_synth_is_refused_before_it_clears_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path / "weights"))
    weights = tmp_path / "run" / "tone.safetensors"

    with locked(tmp_path / "run"):
        weights.write_bytes(b"of the first")
        with pytest.raises(StorageError, match="run: another process is working on it"):
            train_for_synth("tone", out=tmp_path / "run")

    assert weights.read_bytes() == b"of the first"
