"""Recipes over a base: what is nearer wins, tables are joined, rivals go."""

from pathlib import Path

import pytest

from patchflow.errors import OptionError, StorageError, UnknownName
from patchflow.train import read_recipe


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A folder with a base and, in another folder, a recipe over it."""
    (tmp_path / "base.toml").write_text('bank = "b"\nout = "o"\nsteps = 5\nrate = 1e-3\n[sizes]\nwidth = 8\nbins = 4\n')
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.toml").write_text('base = "../base.toml"\nrate = 2e-3\n[sizes]\nwidth = 9\n')
    return tmp_path


def test_what_a_recipe_does_not_say_its_base_says(paper: Path):
    settings = read_recipe(paper / "rows" / "a.toml")

    assert (settings.bank, settings.steps, settings.learning_rate) == ("b", 5, 2e-3)


def test_tables_are_joined(paper: Path):
    assert read_recipe(paper / "rows" / "a.toml").sizes == {"width": 9, "bins": 4}


def test_overrides_win_over_all_layers(paper: Path):
    settings = read_recipe(paper / "rows" / "a.toml", {"learning_rate": "3e-3", "sizes.bins": "5"})

    assert (settings.learning_rate, settings.sizes) == (3e-3, {"width": 9, "bins": 5})


def test_a_table_that_is_overridden_as_a_whole_is_replaced(paper: Path):
    assert read_recipe(paper / "rows" / "a.toml", {"sizes": "{width = 2}"}).sizes == {"width": 2}


def test_a_base_may_have_a_base(paper: Path):
    (paper / "small.toml").write_text('base = "rows/a.toml"\nsteps = 2\n')

    settings = read_recipe(paper / "small.toml")

    assert (settings.bank, settings.steps, settings.learning_rate) == ("b", 2, 2e-3)


def test_epochs_take_the_place_of_steps_beneath(paper: Path):
    (paper / "rows" / "a.toml").write_text('base = "../base.toml"\nepochs = 3\n')

    assert read_recipe(paper / "rows" / "a.toml").epochs == 3
    assert read_recipe(paper / "rows" / "a.toml", {"steps": "4"}).epochs == 0


def test_examples_take_the_place_of_a_bank_beneath(paper: Path):
    settings = read_recipe(paper / "base.toml", {"data": "d"})

    assert (settings.bank, settings.data) == ("", "d")


def test_a_circle_is_an_error(paper: Path):
    (paper / "base.toml").write_text('base = "rows/a.toml"\n')

    with pytest.raises(OptionError, match=r"a\.toml: base leads in a circle, back to a\.toml"):
        read_recipe(paper / "rows" / "a.toml")


def test_a_base_that_is_its_own_is_an_error(paper: Path):
    (paper / "base.toml").write_text('base = "base.toml"\n')

    with pytest.raises(OptionError, match="circle"):
        read_recipe(paper / "base.toml")


def test_a_missing_base_is_named(paper: Path):
    (paper / "rows" / "a.toml").write_text('base = "none.toml"\n')

    with pytest.raises(StorageError, match=r"none\.toml: no such file"):
        read_recipe(paper / "rows" / "a.toml")


def test_an_unknown_key_of_the_base_is_refused(paper: Path):
    (paper / "base.toml").write_text('bank = "b"\nout = "o"\nstepz = 5\n')

    with pytest.raises(UnknownName, match="Did you mean 'steps'"):
        read_recipe(paper / "rows" / "a.toml")
