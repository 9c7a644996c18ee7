"""Recipes: every key is checked, and what is wrong is named with its value."""

import dataclasses
from pathlib import Path

import pytest

import patchflow
from patchflow.engines import engines
from patchflow.errors import OptionError, StorageError, UnknownName
from patchflow.models import models
from patchflow.train import Recipe, read_recipe, run

RECIPES = sorted((Path(patchflow.__file__).parent.parent / "recipes").glob("*.toml"))
LEAST = 'bank = "b.npz"\nout = "o"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "r.toml").write_text(LEAST)
    return tmp_path / "r.toml"


def refusal(path: Path, text: str = "", **overrides: str) -> str:
    path.write_text(LEAST + text)
    with pytest.raises((OptionError, UnknownName)) as caught:
        read_recipe(path, {key.replace("__", "."): value for key, value in overrides.items()})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_of_the_project_is_one(recipe: Path):
    settings = read_recipe(recipe)

    assert settings.synth in {*engines, "amsynth"}  # a plug-in, which the user adds
    assert settings.model in models
    assert settings.out.endswith(recipe.stem)


def test_the_project_has_recipes_for_both_kinds_of_machine():
    assert {read_recipe(recipe).device for recipe in RECIPES} == {"cpu", "cuda"}


def test_what_is_not_given_has_its_default(path: Path):
    assert read_recipe(path) == Recipe(bank="b.npz", out="o")


def test_every_kind_of_value_can_be_overridden(path: Path):
    changes = {"bank": "x.npz", "steps": "7", "learning_rate": "1e-3", "stream": "true", "sizes": "{width = 3}"}

    settings = read_recipe(path, {**changes, "sizes.bins": "5"})

    assert settings == Recipe("x.npz", "o", steps=7, learning_rate=1e-3, stream=True, sizes={"width": 3, "bins": 5})


def test_an_override_beats_the_file(path: Path):
    path.write_text(LEAST + "steps = 5\n[sizes]\nwidth = 8\nbins = 4\n")

    settings = read_recipe(path, {"steps": "6", "sizes.width": "9"})

    assert settings.steps == 6
    assert settings.sizes == {"width": 9, "bins": 4}


def test_a_whole_number_will_do_for_a_number(path: Path):
    path.write_text(LEAST + "minutes = 3\n")

    assert read_recipe(path).minutes == 3


def test_an_unknown_key_is_refused_with_a_suggestion(path: Path):
    assert refusal(path, "stepps = 5") == "no recipe key named 'stepps'. Did you mean 'steps'?"
    assert refusal(path, stepps="5") == "no recipe key named 'stepps'. Did you mean 'steps'?"


@pytest.mark.parametrize("key", ["foo.bar", "sizes_width", "", "Steps"])
def test_an_unknown_override_is_refused(key: str, path: Path):
    with pytest.raises(UnknownName, match=f"'{key}'"):
        read_recipe(path, {key: "1"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps = 1.5", "steps=1.5: not a whole number"),
        ("steps = true", "steps=True: not a whole number"),
        ('steps = "many"', "steps='many': not a whole number"),
        ('learning_rate = "fast"', "learning_rate='fast': not a number"),
        ("synth = 3", "synth=3: not a text in quotes"),
        ("stream = 1", "stream=1: not true or false"),
        ("sizes = 3", "sizes=3: not a table"),
        ("sizes = {width = true}", "sizes.width=True: not a number or a text"),
        ("sizes = {width = [1]}", "sizes.width=[1]: not a number or a text"),
        ('weights = {latent = "much"}', "weights.latent='much': not a number"),
        ("loss_warmup = {latent = true}", "loss_warmup.latent=True: not a number"),
        ("base = 3", "base=3: not a text in quotes"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(text: str, message: str, path: Path):
    assert refusal(path, text).startswith(message)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("steps", "1.5"),
        ("steps", "many"),
        ("learning_rate", "fast"),
        ("stream", "yes"),
        ("sizes", "3"),
        ("weights__sound", "x"),
    ],
)
def test_an_override_of_the_wrong_type_is_refused(key: str, text: str, path: Path):
    assert text in refusal(path, **{key: text})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("items", "0"),
        ("steps", "0"),
        ("steps", "-3"),
        ("batch", "1"),
        ("minutes", "-1"),
        ("minutes", "nan"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("learning_rate", "-0.1"),
        ("augmented", "1.1"),
        ("augmented", "nan"),
        ("seed", "-1"),
        ("seed", "4294967296"),
        ("epochs", "-1"),
        ("ema", "1"),
        ("save_every", "0"),
        ("patience", "-1"),
        ("weight_decay", "nan"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(key: str, value: str, path: Path):
    message = refusal(path, **{key: value})

    assert message.startswith(f"{key}=")
    assert ": not in [" in message


@pytest.mark.parametrize("weight", ["nan", "inf", "-1"])
@pytest.mark.parametrize("table", ["weights", "loss_warmup"])
def test_a_weight_that_is_none_is_refused(table: str, weight: str, path: Path):
    assert refusal(path, f"{table} = {{latent = {weight}}}").endswith("not a number of at least 0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('data = "d"', "bank='b.npz', data='d': contradict each other"),
        ("steps = 5\nepochs = 5", "steps=5, epochs=5: contradict each other"),
        ("fold = 1", "bank='b.npz', fold=1: contradict each other"),
        ("epochs = 5\nwarm_up = {latent = 6}", "loss_warmup=6, epochs=5: it would never end"),
        ("plateau_patience = 5", "plateau_patience=5: is for schedule='plateau'"),
        ("compile = true\nworkers = 2", "compile=true, workers=2: threads cannot compile"),
        ('schedule = "linear"', "schedule='linear': not cosine or plateau"),
        ('keep = "all"', "keep='all': not auto or best or last"),
        ('precision = "float16"', "precision='float16': not auto or float32 or bfloat16"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(text: str, message: str, path: Path):
    assert refusal(path, text).startswith(message)


@pytest.mark.parametrize("text", ["items = 5", "plain = 0.1", "stream = true", 'cache = "c"'])
def test_what_is_rendered_does_not_go_with_examples(text: str, path: Path):
    path.write_text(f'data = "d"\nout = "o"\n{text}')

    with pytest.raises(OptionError, match="contradict each other"):
        read_recipe(path)


def test_examples_are_not_augmented_unless_it_is_said(path: Path):
    path.write_text('data = "d"\nout = "o"\n')

    assert read_recipe(path).augmented == 0
    assert read_recipe(path, {"augmented": "0.2"}).augmented == 0.2


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("", False),
        ('schedule = "plateau"', True),
        ("patience = 3", True),
        ('schedule = "plateau"\nkeep = "last"', False),
    ],
)
def test_runs_that_watch_the_validation_keep_the_best(text: str, best: bool, path: Path):
    path.write_text(LEAST + text)

    assert read_recipe(path).keeps_best is best


def test_an_unknown_device_is_refused(path: Path):
    assert refusal(path, 'device = "tpu"') == "device='tpu': not cpu or cuda"


def test_shares_of_more_than_all_are_refused(tmp_path: Path):
    path = tmp_path / "recipe.toml"
    path.write_text('bank = "b"\nout = "o"\n')

    with pytest.raises(OptionError, match=r"plain=0.5, crossed=0.5, jittered=0.25: more than 1 in sum"):
        read_recipe(path, {"plain": "0.5", "crossed": "0.5"})


@pytest.mark.parametrize(("key", "named"), [("bank", "bank or data"), ("out", "out")])
def test_a_missing_key_is_named(key: str, named: str, path: Path):
    path.write_text("".join(line + "\n" for line in LEAST.splitlines() if not line.startswith(key)))

    with pytest.raises(OptionError, match=f"needs {named}$"):
        read_recipe(path)


@pytest.mark.parametrize("content", [b"steps 5", b"= 3", b"\xff\xfe", b"steps = 5\nsteps = 6"])
def test_what_is_not_toml_is_refused(content: bytes, path: Path):
    path.write_bytes(content)

    with pytest.raises(OptionError, match=r"r\.toml: not a TOML file"):
        read_recipe(path)


def test_a_missing_recipe_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match=r"none\.toml: no such file"):
        read_recipe(tmp_path / "none.toml")


def test_every_key_is_explained():
    explained = Recipe.__doc__ or ""

    assert [f.name for f in dataclasses.fields(Recipe) if f"        {f.name}: " not in explained] == []


@pytest.mark.parametrize(("sizes", "attributes"), [({}, 7), ({"attributes": 0}, 0)], ids=str)
def test_words_of_the_data_are_learned_unless_they_are_left_out(sizes: dict[str, int], attributes: int):
    settings = Recipe(bank="b.npz", out="o", model="flow_joint", sizes=sizes)

    assert run._sizes(settings, 7)["attributes"] == attributes
