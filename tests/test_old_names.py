"""Files of older versions: what people have is read under today's names, and what is written has those."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from patchflow.data.dataset import Dataset, DatasetRecipe
from patchflow.data.dataset.executors import executors
from patchflow.data.dataset.folder import CHECKSUMS
from patchflow.data.dataset.make_dataset import damaged_files, make_dataset
from patchflow.data.examples import Examples, read_examples_recipe
from patchflow.data.examples.examples import ABOUT
from patchflow.engines.tone import Tone
from patchflow.errors import ModelError, OptionError, StorageError, UnknownName
from patchflow.evaluate.results import open_results, read_lines
from patchflow.models import load_model, models, read_header, save_model
from patchflow.old_names import OLD_NAMES, with_new_names
from patchflow.presets import Preset, write_presets
from patchflow.presets.formats.json import Json
from patchflow.train import Recipe, read_recipe
from tests.train.small import write_small

OLD_RECIPE = """
bank = "b.npz"
out = "o"
rate = 2e-3
rise = 7
schedule = "plateau"
stall = 3
watch = "error"
average = 0.5
warm_up = {latent = 2}
sizes = {told = 4, pairs = 2, conditional = 3, hears = "levels"}
"""
TODAYS_RECIPE = Recipe(
    "b.npz",
    "o",
    learning_rate=2e-3,
    warmup_steps=7,
    schedule="plateau",
    plateau_patience=3,
    monitor="error",
    ema=0.5,
    loss_warmup={"latent": 2},
    sizes={"posterior_context": 4, "attributes": 2, "regression_context": 3, "input": "levels"},
)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """An old recipe."""
    (tmp_path / "old.toml").write_text(OLD_RECIPE)
    return tmp_path / "old.toml"


def test_no_new_name_is_an_old_one():
    for table in OLD_NAMES.values():
        assert not table.keys() & {*table.values()}


def test_a_name_given_both_ways_is_left_for_the_checks():
    assert with_new_names("preset", {"rest": 1, "state": 2}) == {"rest": 1, "state": 2}


def test_an_old_recipe_says_what_it_said(recipe: Path):
    assert read_recipe(recipe) == TODAYS_RECIPE


def test_a_new_recipe_builds_on_an_old_one(recipe: Path):
    (recipe.parent / "new.toml").write_text('base = "old.toml"\nlearning_rate = 1.0\n[sizes]\nattributes = 5\n')

    found = read_recipe(recipe.parent / "new.toml")

    assert found.learning_rate == 1.0
    assert found.sizes == {**TODAYS_RECIPE.sizes, "attributes": 5}


@pytest.mark.parametrize(
    ("old", "new"),
    [("rate", "learning_rate"), ("warm_up.latent", "loss_warmup.latent"), ("sizes.told", "sizes.posterior_context")],
)
def test_an_old_name_overrides_as_the_new_one_does(recipe: Path, old: str, new: str):
    assert read_recipe(recipe, {old: "1"}) == read_recipe(recipe, {new: "1"}) != TODAYS_RECIPE


def test_one_setting_under_two_names_is_refused(recipe: Path):
    recipe.write_text(OLD_RECIPE + "learning_rate = 1e-3\n")

    with pytest.raises(UnknownName, match="'rate'"):
        read_recipe(recipe)


def test_one_setting_is_not_overridden_under_two_names(recipe: Path):
    with pytest.raises(OptionError, match="rate=1, learning_rate=2: two names of one setting. Remove rate"):
        read_recipe(recipe, {"rate": "1", "learning_rate": "2"})


def test_old_weights_are_the_same_model(tmp_path: Path):
    sizes = {"channels": 4, "hidden": 8, "steps": 2, "flow_hidden": 8, "posterior_context": 4, "attributes": 1}
    model = models["flow_joint"](Tone.space, **sizes)
    save_model(tmp_path / "new.safetensors", model, "flow_joint", "tone")
    header = read_header(tmp_path / "new.safetensors")
    back = {new: old for old, new in OLD_NAMES["sizes"].items()}
    config = {back.get(name, name): value for name, value in json.loads(header["config"]).items()}
    assert {"told", "pairs", "hears"} <= config.keys()
    tensors = load_file(tmp_path / "new.safetensors")
    save_file(tensors, tmp_path / "old.safetensors", {**header, "format": "1", "config": json.dumps(config)})

    old, new = (load_model(tmp_path / f"{name}.safetensors", Tone.space, models) for name in ("old", "new"))

    assert old.config() == new.config()
    for name, value in new.state_dict().items():
        assert torch.equal(old.state_dict()[name], value)


@pytest.mark.parametrize("config", ["[1]", "null", "3", '"x"'])
def test_weights_whose_sizes_are_no_table_are_refused_in_one_line(config: str, tmp_path: Path):
    model = models["mlp"](Tone.space, hidden=4, layers=1)
    save_model(tmp_path / "m.safetensors", model, "mlp", "tone")
    header = read_header(tmp_path / "m.safetensors")
    save_file(load_file(tmp_path / "m.safetensors"), tmp_path / "m.safetensors", {**header, "config": config})

    with pytest.raises(ModelError, match="damaged or of another version"):
        load_model(tmp_path / "m.safetensors", Tone.space, models)


def make_old(folder: Path) -> None:
    """Gives a folder of examples the names and the version it had."""
    about = json.loads((folder / ABOUT).read_text())
    back = {new: old for old, new in OLD_NAMES["examples"].items()}
    old = {back.get(name, name): value for name, value in about.items()} | {"version": 1}
    assert {"hears", "pairs"} <= old.keys()
    (folder / ABOUT).write_text(json.dumps(old))


def test_old_examples_are_the_same_examples(tmp_path: Path):
    new = Examples(write_small(tmp_path / "new"))
    make_old(write_small(tmp_path / "old"))

    old = Examples(tmp_path / "old")

    assert (old.input, old.attributes, old.fingerprint) == (new.input, new.attributes, new.fingerprint)


def test_an_old_recipe_of_examples_is_read(tmp_path: Path):
    (tmp_path / "e.toml").write_text('synth = "tone"\nbank = "b.npz"\nhears = "levels"\n')

    assert read_examples_recipe(tmp_path / "e.toml").input == "levels"
    assert read_examples_recipe(tmp_path / "e.toml", {"hears": "paper"}).input == "paper"


def test_an_old_preset_keeps_its_state():
    preset = Preset("tone", {"gain": -6.0}, name="A", state=b"more")
    text = Json().write([preset]).replace(b'"state"', b'"rest"')

    assert Json().read(text).presets == (preset,)


def test_a_preset_with_two_states_is_rejected():
    text = Json().write([Preset("tone", {"gain": -6.0}, state=b"more")])
    both = text.replace(b'"state":', b'"rest": "", "state":')

    report = Json().read(both)

    assert not report.presets
    assert "'rest': unknown key" in str(report.rejected[0])


def test_old_results_are_gone_on_with(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    head = {"row": "mean", "kind": "baseline", "sizes": {"posterior_context": 4}, "items": 2}
    open_results(path, head).append([{"item": 1}])
    old = path.read_text().replace('"baseline"', '"trivial"').replace('"posterior_context"', '"told"')
    path.write_text(old)

    lines = open_results(path, head)
    lines.append([{"item": 2}])

    assert path.read_text().startswith(old)
    assert read_lines(path).head["kind"] == "baseline"
    assert read_lines(path).done == {1, 2}


def test_results_of_other_sizes_are_still_refused(tmp_path: Path):
    path = tmp_path / "results.jsonl"
    path.write_text('{"format": "patchflow results 1", "row": "a", "sizes": {"told": 5}}\n')

    with pytest.raises(StorageError, match="was made with sizes="):
        open_results(path, {"row": "a", "sizes": {"posterior_context": 4}})


@pytest.fixture
def data_set(tmp_path: Path) -> tuple[DatasetRecipe, Path]:
    """A recipe and the finished data set of one preset."""
    voice = Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, name="A")
    write_presets(tmp_path / "a.json", [voice])
    sources = (str(tmp_path / "a.json"),)
    recipe = DatasetRecipe("tone", sources, items=2, shard=2, length=0.2, drop=(), plain=1.0, crossed=0.0, jittered=0.0)
    with executors["local"](1) as executor:
        make_dataset(recipe, tmp_path / "set", executor)
    return recipe, tmp_path / "set"


def test_an_old_data_set_keeps_the_states_of_its_presets(data_set: tuple[DatasetRecipe, Path]):
    folder = data_set[1]
    (source,) = Dataset(folder)[0].sources
    (folder / "rests.json").write_text(json.dumps({source: "bW9yZQ=="}))

    assert [sample.state for sample in Dataset(folder)] == [b"more", b"more"]


def test_a_finished_data_set_of_another_version_is_left_as_it_is(data_set: tuple[DatasetRecipe, Path]):
    recipe, folder = data_set
    card = folder / "README.md"
    new = hashlib.sha256(card.read_bytes()).hexdigest()
    card.write_text("A card as an older version wrote it.")
    sums = (folder / CHECKSUMS).read_text().replace(new, hashlib.sha256(card.read_bytes()).hexdigest())
    (folder / CHECKSUMS).write_text(sums)

    with executors["local"](1) as executor:
        make_dataset(recipe, folder, executor)

    assert card.read_text() == "A card as an older version wrote it."
    assert damaged_files(folder) == {}


def test_a_damaged_card_is_written_again(data_set: tuple[DatasetRecipe, Path]):
    recipe, folder = data_set
    before = (folder / "README.md").read_bytes()
    (folder / "README.md").write_text("spoilt")

    with executors["local"](1) as executor:
        make_dataset(recipe, folder, executor)

    assert (folder / "README.md").read_bytes() == before
