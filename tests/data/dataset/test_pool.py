"""Recipes of data sets, whose every key is checked and explained; and where the presets of a data set come from."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import patchflow
from patchflow.data import Bank
from patchflow.data.dataset import DatasetRecipe, Pool, read_dataset_recipe, read_pool
from patchflow.engines import Subset, engines
from patchflow.engines.tone import Tone
from patchflow.errors import OptionError, PresetError, StorageError, UnknownName
from patchflow.presets import Library, Preset, write_presets

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


SPACE = Tone.space


def pool(recipe, *sources: Path, **changes: object) -> Pool:
    return read_pool(recipe(presets=tuple(map(str, sources)), **changes), Tone())


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    points = SPACE.snap(np.random.default_rng(0).random((6, 3)))
    family, split = np.array([0, 0, 1, 1, 1, 2]), np.array(["train"] * 2 + ["test"] * 3 + ["train"])
    Bank(points, family, np.array(["A", "B", "C", "D", "E", "F"]), split).save(tmp_path / "bank.npz")
    return tmp_path / "bank.npz"


def test_a_preset_file_gives_names_tags_and_numbers(recipe, tones: Path):
    found = pool(recipe, tones)

    assert found.names == ("Ping", "Flute", "Saw", "Nothing")
    assert found.ids == ("tones.json#1", "tones.json#2", "tones.json#3", "tones.json#4")
    assert found.tags == (("Keys", "short"), ("Winds",), ("Leads", "bright", "short"), ())
    assert SPACE.decode(found.points[2])["wave"] == "saw"


def test_a_part_of_a_bank_can_be_taken(recipe, bank: Path):
    found = pool(recipe, bank, part="test")

    assert (found.names, found.ids) == (("C", "D", "E"), ("bank.npz#2", "bank.npz#3", "bank.npz#4"))


def test_families_of_a_bank_stay_together(recipe, bank: Path):
    family = pool(recipe, bank).family

    assert family[0] == family[1]
    assert len({*family[2:5]}) == 1
    assert len({*family}) == 3


def test_presets_of_a_library_are_taken(recipe, tmp_path: Path):
    presets = [Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -3.0}, "Saw", "Leads")]
    Library(tmp_path / "l.sqlite").add(presets, lambda synth: SPACE)

    found = pool(recipe, tmp_path / "l.sqlite")

    assert (found.ids, found.names, found.tags) == (("l.sqlite#1",), ("Saw",), (("Leads",),))


def test_a_folder_is_searched_all_the_way_down_and_damaged_files_are_counted(recipe, tones: Path, tmp_path: Path):
    (tmp_path / "all" / "more").mkdir(parents=True)
    tones.rename(tmp_path / "all" / "more" / "t.json")
    (tmp_path / "all" / "bad.json").write_text("{")

    found = pool(recipe, tmp_path / "all")

    assert found.ids[0] == "all/more/t.json#1"
    assert (len(found), found.rejected) == (4, 1)


def test_the_same_values_are_kept_once(recipe, tones: Path, tmp_path: Path):
    (tmp_path / "again.json").write_bytes(tones.read_bytes())

    assert pool(recipe, tones, tmp_path / "again.json").ids == pool(recipe, tones).ids


def test_presets_of_another_synth_are_counted_and_left_out(recipe, tones: Path, tmp_path: Path):
    write_presets(tmp_path / "two.json", [Preset("tone", {"wave": "sine", "decay": 1.0, "gain": 0.0}),
                                          Preset("organ", {"a": 1.0})])  # fmt: skip

    found = pool(recipe, tmp_path / "two.json")

    assert (len(found), found.rejected) == (1, 1)


def test_a_source_without_a_fitting_preset_is_refused(recipe, tmp_path: Path):
    write_presets(tmp_path / "organ.json", [Preset("organ", {"a": 1.0})])

    with pytest.raises(PresetError, match=r"organ\.json: has no preset of synth 'tone'"):
        pool(recipe, tmp_path / "organ.json")


def test_a_part_that_is_not_there_is_refused(recipe, bank: Path):
    with pytest.raises(PresetError, match="no preset of synth 'tone' in part 'trian'"):
        pool(recipe, bank, part="trian")


def test_a_bank_of_another_synth_is_refused(recipe, tmp_path: Path):
    Bank(np.zeros((2, 5)), np.arange(2), np.array(["a", "b"]), np.array(["train"] * 2)).save(tmp_path / "b.npz")

    with pytest.raises(StorageError, match="has 5 parameters, not the 3 of synth 'tone'"):
        pool(recipe, tmp_path / "b.npz")


def test_presets_of_the_whole_synth_are_those_of_one_with_fewer_parameters(recipe, tmp_path: Path):
    whole = engines["dexed"].space.snap(np.random.default_rng(0).random((3, 145)))
    Bank(whole, np.arange(3), np.array(["a", "b", "c"]), np.array(["train"] * 3)).save(tmp_path / "b.npz")

    make = engines["dexed_16"]
    assert issubclass(make, Subset)
    found = read_pool(recipe(synth="dexed_16", presets=(str(tmp_path / "b.npz"),)), make())

    assert found.points.tolist() == make().canonical(make.projected(whole)).tolist()


def test_a_missing_source_is_named(recipe, tmp_path: Path):
    with pytest.raises(StorageError, match=r"none\.json: no such file"):
        pool(recipe, tmp_path / "none.json")


def test_the_checksum_changes_with_the_presets(recipe, tones: Path, bank: Path):
    assert pool(recipe, tones).digest() == pool(recipe, tones).digest()
    assert pool(recipe, tones).digest() != pool(recipe, tones, bank).digest()


def test_cartridges_of_a_dx7_are_found_under_their_other_endings(recipe, tmp_path: Path):
    dexed = engines["dexed"]
    values = dexed.space.decode(dexed.space.default())
    write_presets(tmp_path / "a.syx", [Preset("dexed", values, name="One"), Preset("dexed", values, name="Two")])
    (tmp_path / "a.syx").rename(tmp_path / "a.dx7")

    found = read_pool(recipe(synth="dexed", presets=(str(tmp_path),)), dexed())

    assert found.names[0] == "One"
    assert found.ids[0] == f"{tmp_path.name}/a.dx7#1"


def test_what_would_have_to_be_mended_is_left_out_and_counted(recipe, tmp_path: Path):
    dexed = engines["dexed"]
    values = dexed.space.decode(dexed.space.default())
    write_presets(tmp_path / "a.syx", [Preset("dexed", values, name=name) for name in ("One", "Two")])
    data = bytearray((tmp_path / "a.syx").read_bytes())
    data[6 + 128 + 110] = 0xA0  # bit 7 of the algorithm
    (tmp_path / "a.syx").write_bytes(data)

    found = read_pool(recipe(synth="dexed", presets=(str(tmp_path / "a.syx"),)), dexed())

    assert found.rejected == 1
    assert "a.syx#2" not in found.ids
