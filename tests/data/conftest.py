"""Small data sets: presets of the tone engine in a file, a recipe of them, and a way to make it."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from patchflow.data.dataset import DatasetRecipe
from patchflow.data.dataset.executors import executors
from patchflow.data.dataset.make_dataset import MadeDataset, make_dataset
from patchflow.presets import Preset, write_presets

__all__ = ["contents", "make", "one_thread_an_operation", "recipe", "tones"]

SETTINGS = {"items": 40, "shard": 16, "length": 0.3, "hold": (0.05, 0.2), "rate": 16_000, "pitch": (48, 72), "seed": 3}


@pytest.fixture(autouse=True)
def one_thread_an_operation() -> Iterator[None]:
    """As within an executor; threads that wait for each other are slow on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    """A file of presets: two sines, a saw and one that is silent."""
    presets = [
        Preset("tone", {"wave": "sine", "decay": 0.1, "gain": -6.0}, "Ping", "Keys", tags=("short",)),
        Preset("tone", {"wave": "sine", "decay": 2.0, "gain": -12.0}, "Flute", "Winds"),
        Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -3.0}, "Saw", "Leads", tags=("bright", "short")),
        Preset("tone", {"wave": "saw", "decay": 0.01, "gain": -60.0}, "Nothing"),
    ]
    write_presets(tmp_path / "tones.json", presets)
    return tmp_path / "tones.json"


@pytest.fixture
def recipe(tones: Path) -> Callable[..., DatasetRecipe]:
    """Makes recipes of these presets."""
    return lambda **changes: DatasetRecipe(**{"synth": "tone", "presets": (str(tones),), **SETTINGS, **changes})


@pytest.fixture
def make() -> Callable[..., MadeDataset]:
    """Makes data sets with two threads."""

    def run(recipe: DatasetRecipe, out: Path, **options: Any) -> MadeDataset:
        with executors["local"](2) as executor:
            return make_dataset(recipe, out, executor, **options)

    return run


@pytest.fixture
def contents() -> Callable[[Path], dict[str, str]]:
    """Gives checksums of all files of a folder."""

    def read(folder: Path) -> dict[str, str]:
        files = [file for file in folder.rglob("*") if file.is_file()]
        return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    return read
