"""Parquet files: the same bytes for the same items, and a flipped byte is found."""

from pathlib import Path

import numpy as np
import pytest

from patchflow.data.dataset import Job, read_pool
from patchflow.data.dataset.parquet import finished, packed, pq, read_table
from patchflow.engines.tone import Tone
from patchflow.errors import StorageError

ALL = np.stack([np.arange(1000)] * 2, 1)


@pytest.fixture
def part(recipe, tmp_path: Path) -> Path:
    job = Job(recipe(), read_pool(recipe(), Tone()))
    (tmp_path / "part").write_bytes(packed(job, job.items(Tone(), range(100))))
    return tmp_path / "part"


def test_the_same_items_are_the_same_bytes(recipe, part: Path):
    job = Job(recipe(), read_pool(recipe(), Tone()))

    again = packed(job, job.items(Tone(), range(100)))

    assert again == part.read_bytes()
    assert finished(part, 16_000, ALL) == finished(part, 16_000, ALL)


def test_only_what_is_kept_is_in_the_file_and_has_its_family(part: Path, tmp_path: Path):
    numbers = read_table(part)["id"].to_pylist()[1::3]
    (tmp_path / "done").write_bytes(finished(part, 16_000, np.stack([numbers, np.arange(len(numbers)) * 7], 1)))

    table = read_table(tmp_path / "done")

    assert table["id"].to_pylist() == numbers
    assert table["family"].to_pylist() == [7 * i for i in range(len(numbers))]


def test_a_shard_of_which_nothing_is_kept_is_a_file_too(part: Path, tmp_path: Path):
    (tmp_path / "done").write_bytes(finished(part, 16_000, np.array([[5000, 0]])))

    assert len(read_table(tmp_path / "done")) == 0


def test_sounds_are_not_compressed_again(part: Path, tmp_path: Path):
    (tmp_path / "done").write_bytes(finished(part, 16_000, ALL))
    group = pq.ParquetFile(tmp_path / "done").metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i).compression for i in range(group.num_columns)}

    assert columns.pop("audio.bytes") == "UNCOMPRESSED"
    assert set(columns.values()) == {"ZSTD"}


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.999])
def test_a_flipped_byte_is_found_and_the_file_named(part: Path, share: float):
    data = bytearray(part.read_bytes())
    data[int(share * len(data))] ^= 0x40
    part.write_bytes(data)

    with pytest.raises(StorageError, match="part: .*damaged"):
        read_table(part)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match="none: no such file"):
        read_table(tmp_path / "none")
