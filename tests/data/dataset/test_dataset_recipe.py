"""Recipes of data sets: every key is checked and explained."""

import dataclasses
from pathlib import Path

import pytest

import patchflow
from patchflow.data.dataset import DatasetRecipe, read_dataset_recipe
from patchflow.engines import engines
from patchflow.errors import OptionError, UnknownName

RECIPES = sorted((Path(patchflow.__file__).parent.parent / "recipes" / "datasets").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_of_the_project_is_one(path: Path):
    recipe = read_dataset_recipe(path)

    assert recipe.synth in engines
    assert recipe.title


def test_there_are_recipes():
    assert len(RECIPES) >= 3


def test_every_key_is_explained():
    explained = DatasetRecipe.__doc__ or ""

    assert [f.name for f in dataclasses.fields(DatasetRecipe) if f"        {f.name}: " not in explained] == []


def test_overrides_reach_every_kind_of_key(recipe):
    path = Path(recipe().presets[0]).with_name("r.toml")
    path.write_text('synth = "tone"\npresets = "a.json"\n')

    found = read_dataset_recipe(path, {"items": "7", "pitch": "[60, 61]", "drop": "clipped", "silence_db": "-50"})

    assert found == DatasetRecipe("tone", ("a.json",), items=7, pitch=(60, 61), drop=("clipped",), silence_db=-50)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"items": 0}, "items=0: not in [1, 1e+10]"),
        ({"shard": 0}, "shard=0: not in [1, 100000]"),
        ({"pitch": (60, 128)}, "pitch=[60, 128]: not in [0, 127]"),
        ({"pitch": (61, 60)}, "pitch=[61, 60]: the first is above the second"),
        ({"hold": (0.0, 1.0)}, "hold=[0.0, 1.0]: not in [0.001, 60]"),
        ({"hold": (0.1, float("nan"))}, "hold=[0.1, nan]: not in [0.001, 60]"),
        ({"velocity": (0, 127)}, "velocity=[0, 127]: not in [1, 127]"),
        ({"length": 0.0}, "length=0.0: not in [0.01, 60]"),
        ({"channels": 2}, "channels=2: not in [1, 1]"),
        ({"bits": 8}, "bits=8: not 16 or 24"),
        ({"rate": 1}, "rate=1: not in [4000, 192000]"),
        ({"plain": 0.9}, "plain=0.9, crossed=0.3, jittered=0.25: more than 1 in sum"),
        ({"presets": ()}, "presets=[]: plain, crossed and jittered need some"),
    ],
)
def test_what_is_not_allowed_is_named(recipe, changes: dict[str, object], message: str):
    with pytest.raises(OptionError) as caught:
        recipe(**changes)

    assert str(caught.value).startswith(message)


def test_an_unknown_flaw_is_named(recipe):
    with pytest.raises(UnknownName, match="no flaw to drop named 'silence'. Did you mean 'silent'?"):
        recipe(drop=("silence",))


def test_every_item_is_in_one_shard(recipe):
    some = recipe(items=40, shard=16)

    assert [list(some.numbers(shard)) for shard in range(some.shards)] == [
        list(range(16)), list(range(16, 32)), list(range(32, 40))
    ]  # fmt: skip


def test_values_make_the_same_recipe(recipe):
    assert DatasetRecipe.of_values(recipe().plain_values()) == recipe()
