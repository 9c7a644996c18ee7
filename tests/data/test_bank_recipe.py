"""A bank of a recipe: from preset files, from what is drawn, or from both; what is missing is said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import patchflow
from patchflow.data import Bank
from patchflow.data.bank_recipe import BankRecipe, bank_of_recipe, read_bank_recipe
from patchflow.engines.tone import Tone
from patchflow.errors import OptionError, PresetError, StorageError, UnknownName
from patchflow.presets import Preset, write_presets
from patchflow.progress import Progress

COMMITTED = sorted((Path(patchflow.__file__).parent.parent / "recipes" / "banks").glob("*.toml"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of two files, of twelve presets in all, one of which is silent."""
    folder = tmp_path / "files"
    (folder / "more").mkdir(parents=True)
    points = Tone.space.snap(np.random.default_rng(0).random((12, 3)) * [1, 1, 0.3] + [0, 0, 0.7])
    presets = [Preset("tone", Tone.space.decode(point), name=f"No {i}") for i, point in enumerate(points)]
    presets[11] = Preset("tone", {"wave": "saw", "decay": 0.01, "gain": -60.0}, name="Silent")
    write_presets(folder / "a.json", presets[:5])
    write_presets(folder / "more" / "b.json", presets[5:])
    return folder


def made(out: Path, progress: Callable[[Progress], None] = lambda _: None, **values: object) -> dict[str, int]:
    recipe = BankRecipe("tone", **values)  # type: ignore[arg-type]
    return bank_of_recipe(recipe, out, progress, 1).counts


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_recipe_is_one(path: Path):
    assert read_bank_recipe(path, {"presets": "voices"}).synth == path.stem


def test_a_folder_becomes_a_bank(files: Path, tmp_path: Path):
    counts = made(tmp_path / "cache" / "bank.npz", presets=(str(files),))

    bank = Bank.load(tmp_path / "cache" / "bank.npz")
    assert bank.names.tolist() == [f"No {i}" for i in range(11)]
    assert (counts["presets"], counts["silent"], counts["drawn"], counts["rejected"]) == (11, 1, 0, 0)
    assert counts["train"] + counts["valid"] + counts["test"] == 11


def test_even_a_small_bank_has_all_parts_and_divides_no_family(files: Path, tmp_path: Path):
    made(tmp_path / "bank.npz", presets=(str(files),))

    bank = Bank.load(tmp_path / "bank.npz")
    assert {*bank.split} == {"train", "valid", "test"}
    assert all(len({*bank.split[bank.family == family]}) == 1 for family in bank.family)


def test_drawn_presets_are_added_and_are_the_same_each_time(files: Path, tmp_path: Path):
    counts = made(tmp_path / "a.npz", presets=(str(files),), drawn=20)
    made(tmp_path / "b.npz", presets=(str(files),), drawn=20)

    assert counts["drawn"] == 20
    assert counts["presets"] + counts["silent"] == 32
    np.testing.assert_array_equal(Bank.load(tmp_path / "a.npz").points, Bank.load(tmp_path / "b.npz").points)


def test_presets_are_drawn_from_roles(tmp_path: Path):
    text = 'synth = "tone"\n[blocks.a]\nwave = "saw"\n[roles.lead]\nweight = 1\nsteps = [{one_of = {a = 1}}]\n'
    (tmp_path / "roles.toml").write_text(text)

    counts = made(tmp_path / "b.npz", drawn=20, roles=str(tmp_path / "roles.toml"), played=False)

    bank = Bank.load(tmp_path / "b.npz")
    assert {Tone.space.decode(point)["wave"] for point in bank.points} == {"saw"}
    assert (counts["presets"], counts["silent"], counts["families"]) == (20, 0, 20)


def test_roles_from_which_nothing_is_drawn_are_refused():
    with pytest.raises(OptionError, match=r"roles='r.toml', drawn=0: nothing is drawn"):
        BankRecipe("tone", presets=("a",), roles="r.toml")


def test_the_progress_counts_files_then_presets(files: Path, tmp_path: Path):
    heard: list[tuple[str, float, float]] = []

    made(tmp_path / "b.npz", lambda state: heard.append((state.stage, state.done, state.total)), presets=(str(files),))

    assert heard == [("read", 1, 2), ("read", 2, 2), ("gather", 8, 12), ("gather", 12, 12)]


def test_a_folder_without_presets_is_said(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("none here")

    with pytest.raises(PresetError, match=r"no preset files \(.*\.syx.*\) in this folder"):
        made(tmp_path / "bank.npz", presets=(str(tmp_path),))
    assert not (tmp_path / "bank.npz").exists()


def test_a_compressed_source_is_said_with_what_unpacks_it(tmp_path: Path):
    (tmp_path / "l.sqlite.xz").write_bytes(b"\xfd7zXZ\0")

    with pytest.raises(PresetError, match=r"l\.sqlite\.xz: is compressed. Unpack it first: unxz -k .*l\.sqlite\.xz"):
        made(tmp_path / "bank.npz", presets=(str(tmp_path / "l.sqlite.xz"),))


def test_a_file_that_is_no_bank_is_not_replaced(files: Path, tmp_path: Path):
    (tmp_path / "song.npz").write_bytes(b"mine")

    with pytest.raises(StorageError, match=r"song\.npz: is there already and no bank"):
        made(tmp_path / "song.npz", presets=(str(files),))
    assert (tmp_path / "song.npz").read_bytes() == b"mine"


def test_a_bank_has_the_ending_that_readers_know(files: Path, tmp_path: Path):
    with pytest.raises(OptionError, match=r"a bank is one file whose name ends in \.npz"):
        made(tmp_path / "bank", presets=(str(files),))


def test_a_bank_of_nothing_is_refused():
    with pytest.raises(OptionError, match="a bank of nothing. Give a folder of preset files"):
        BankRecipe("tone")


def test_a_recipe_of_another_kind_is_refused(tmp_path: Path):
    (tmp_path / "r.toml").write_text('kind = "examples"\nsynth = "tone"\nbank = "b.npz"\n')

    with pytest.raises(OptionError, match="a recipe of kind 'examples', not 'bank'"):
        read_bank_recipe(tmp_path / "r.toml")


def test_an_unknown_kind_is_named(tmp_path: Path):
    (tmp_path / "r.toml").write_text('kind = "banks"\nsynth = "tone"\n')

    with pytest.raises(UnknownName, match="no kind of recipe named 'banks'. Did you mean 'bank'"):
        read_bank_recipe(tmp_path / "r.toml")
