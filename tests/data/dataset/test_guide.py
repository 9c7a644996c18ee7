"""The guide to data sets: its recipe is one, its code runs."""

import re
from pathlib import Path

import pytest

import patchflow
from patchflow.data.dataset import read_dataset_recipe

ROOT = Path(patchflow.__file__).parents[1]
GUIDE = (ROOT / "docs" / "datasets.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.S)


def test_its_recipe_is_one(tmp_path: Path):
    (tmp_path / "r.toml").write_text(blocks("toml")[0])

    assert read_dataset_recipe(tmp_path / "r.toml").presets[0] == "cache/dx7-bank.npz"


def test_its_code_that_is_ours_runs(recipe, make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make(recipe(), tmp_path / "sounds")
    monkeypatch.chdir(tmp_path)
    (code,) = [block for block in blocks("python") if "patchflow" in block]
    names: dict = {}

    exec(code, names)

    assert len(names["sounds"]) == len(names["sounds"].points) > 0


def test_every_file_it_names_is_there(recipe, make, tmp_path: Path):
    make(recipe(), tmp_path / "sounds")

    named = set(re.findall(r"`([\w.-]+\.(?:json|npy|md|sha256))`", GUIDE))
    found = {path.name for path in (tmp_path / "sounds").iterdir() if path.is_file()}
    assert found | {"states.json"} == named  # which is for synths whose presets hold more than parameters


@pytest.mark.parametrize(
    "command", [line for block in blocks("sh") for line in block.splitlines() if "recipes/" in line]
)
def test_every_recipe_it_names_is_there(command: str):
    for path in re.findall(r"recipes/\S+\.toml", command):
        assert (ROOT / path).exists()
