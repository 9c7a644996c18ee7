"""The recipe of examples."""

from pathlib import Path

import pytest

import patchflow
from patchflow.data.dataset import read_dataset_recipe
from patchflow.data.examples import read_examples_recipe
from patchflow.errors import OptionError, UnknownName

ROOT = Path(patchflow.__file__).parent.parent / "recipes"
COMMITTED = sorted((ROOT / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_recipe_is_one(path: Path):
    recipe = read_examples_recipe(path)

    assert recipe.synth.split("_")[0] == path.stem.split("-")[0]
    assert (recipe.velocity, recipe.folds) == (100, 5)


def test_all_sizes_are_committed():
    sizes = {path.stem for path in COMMITTED}

    assert sizes == {*(f"dexed-{n}" for n in (16, 32, 64, 145)), *(f"amsynth-{n}" for n in (16, 32, 41))}


@pytest.mark.parametrize("path", sorted((ROOT / "datasets").glob("*.toml")), ids=lambda path: path.stem)
def test_a_recipe_of_sounds_is_none(path: Path):
    read_dataset_recipe(path)

    with pytest.raises(OptionError, match="a recipe of kind 'dataset', not 'examples'"):
        read_examples_recipe(path)


def test_a_recipe_from_before_recipes_had_a_kind_is_read(tmp_path: Path):
    (tmp_path / "a.toml").write_text('synth = "tone"\nbank = "b.npz"\n')

    assert read_examples_recipe(tmp_path / "a.toml").bank == "b.npz"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": 1}, r"folds=1: not in \[2, 100\]"),
        ({"valid": 0.6}, r"valid=0.6: not in"),
        ({"tagged": 1.1}, r"tagged=1.1: not in"),
        ({"velocity": 0}, r"velocity=0: not in"),
        ({"hold": 4.5}, r"hold=4.5: more than the 4 s of the model input"),
        ({"radius_db": -1.0}, r"radius_db=-1.0: not in"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(changes: dict, message: str, recipe):
    with pytest.raises(OptionError, match=message):
        recipe(**changes)


def test_an_unknown_input_is_named(recipe):
    with pytest.raises(UnknownName, match="no input named 'papper'. Did you mean 'paper'"):
        recipe(input="papper")


def test_an_unknown_key_is_named(tmp_path: Path):
    (tmp_path / "a.toml").write_text('synth = "tone"\nbank = "b.npz"\nfold = 3\n')

    with pytest.raises(UnknownName, match="no recipe key named 'fold'. Did you mean 'folds'"):
        read_examples_recipe(tmp_path / "a.toml")
