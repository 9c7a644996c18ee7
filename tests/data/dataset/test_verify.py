"""Verification: a flipped byte is found in any file and named, and a damaged shard is made again as it was."""

from pathlib import Path

import pytest

from patchflow.data.dataset.executors import executors
from patchflow.data.dataset.make_dataset import damaged_files, repair_shards
from patchflow.errors import StorageError
from patchflow.presets import Preset, write_presets

SHARD = "data/train-00001-of-00003.parquet"


@pytest.fixture
def made(recipe, make, tmp_path: Path) -> Path:
    make(recipe(), tmp_path / "set")
    return tmp_path / "set"


def flip(file: Path, share: float = 0.5) -> None:
    data = bytearray(file.read_bytes())
    data[int(share * len(data))] ^= 1
    file.write_bytes(data)


def repair(folder: Path) -> tuple[str, ...]:
    with executors["local"](2) as executor:
        return repair_shards(folder, executor)


def test_a_whole_set_has_no_damage(made: Path):
    assert damaged_files(made) == {}


@pytest.mark.parametrize("share", [0.0, 0.37, 0.9999])
def test_a_flipped_byte_is_found(made: Path, share: float):
    flip(made / SHARD, share)

    assert damaged_files(made) == {SHARD: "damaged: its checksum is another"}


@pytest.mark.parametrize("name", ["README.md", "families.npy", "recipe.json", "counts.json", "space.json"])
def test_small_files_are_checked_too(made: Path, name: str):
    flip(made / name)

    assert set(damaged_files(made)) == {name}


def test_a_missing_shard_is_named(made: Path):
    (made / SHARD).unlink()

    assert "no such file" in damaged_files(made)[SHARD]


def test_damaged_and_missing_shards_are_made_again_as_they_were(made: Path, contents):
    before = contents(made)
    flip(made / SHARD)
    (made / "data" / "train-00002-of-00003.parquet").unlink()

    assert repair(made) == (SHARD, "data/train-00002-of-00003.parquet")
    assert contents(made) == before


def test_nothing_is_made_again_where_nothing_is_damaged(made: Path):
    assert repair(made) == ()


def test_shards_are_not_made_again_from_other_presets(made: Path, tones: Path):
    write_presets(tones, [Preset("tone", {"wave": "saw", "decay": 1.0, "gain": 0.0})])
    flip(made / SHARD)

    with pytest.raises(StorageError, match="count=4, not 1"):
        repair(made)


def test_where_the_families_are_damaged_nothing_is_made_again(made: Path):
    flip(made / "families.npy")
    flip(made / SHARD)

    with pytest.raises(StorageError, match=r"families\.npy is damaged as well"):
        repair(made)


def test_an_unfinished_set_is_none(tmp_path: Path):
    with pytest.raises(StorageError, match="not a finished data set"):
        damaged_files(tmp_path)


def test_damaged_checksums_are_named(made: Path):
    (made / "checksums.sha256").write_text("oops")

    with pytest.raises(StorageError, match=r"checksums\.sha256: damaged"):
        damaged_files(made)
