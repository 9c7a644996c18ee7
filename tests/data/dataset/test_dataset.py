"""Reading a data set: by us and by the `datasets` library, and both find the same."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import patchflow
from patchflow.data.dataset.dataset import Dataset
from patchflow.engines.tone import Tone
from patchflow.errors import StorageError

READ = """
import json, sys
from datasets import Audio, load_dataset
words = {"data_dir": sys.argv[1]} if sys.argv[2] == "parquet" else {}
found = load_dataset(sys.argv[2], split="train", cache_dir=sys.argv[3], **words)
assert isinstance(found.features["audio"], Audio), found.features
assert found.features["audio"].sampling_rate == 16000
for row in found.cast_column("audio", Audio(decode=False)):
    row["audio"]["bytes"] = row["audio"]["bytes"].hex()
    print(json.dumps(row))
"""


@pytest.fixture
def made(recipe, make, tmp_path: Path) -> Path:
    make(recipe(), tmp_path / "set")
    return tmp_path / "set"


def test_what_is_read_is_what_the_engine_plays(made: Path):
    sounds = Dataset(made)

    for sample in sounds:
        expected = Tone().render(sample.point, sample.note, sounds.rate)
        np.testing.assert_allclose(sample.sound, expected, atol=2**-15)
    assert len(sounds) > 20


def test_values_are_those_of_the_point(made: Path):
    for sample in Dataset(made):
        np.testing.assert_allclose(Tone.space.encode(sample.values), sample.point, atol=1e-6)


def test_indexing_and_iterating_find_the_same(made: Path):
    sounds = Dataset(made)

    for index, sample in enumerate(sounds):
        assert (sounds[index].id, sounds[index - len(sounds)].id) == (sample.id, sample.id)
        np.testing.assert_array_equal(sounds[index].sound, sample.sound)


def test_columns_are_those_of_the_samples(made: Path):
    sounds = Dataset(made)
    samples = list(sounds)

    np.testing.assert_array_equal(sounds.points, np.stack([sample.point for sample in samples]))
    assert sounds.families.tolist() == [sample.family for sample in samples]
    assert sounds.ids.tolist() == [sample.id for sample in samples]
    assert sounds.notes == tuple(sample.note for sample in samples)


def test_an_index_beyond_the_end_is_refused(made: Path):
    sounds = Dataset(made)

    with pytest.raises(IndexError, match=rf"index={len(sounds)}: not in \[0, {len(sounds) - 1}\]"):
        sounds[len(sounds)]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["parquet", "folder"])
def test_the_datasets_library_finds_the_same_without_our_code(made: Path, tmp_path: Path, way: str):
    pytest.importorskip("pyarrow")
    words = [str(made), way if way == "parquet" else str(made), str(tmp_path / "cache")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}

    done = subprocess.run(
        [sys.executable, "-c", READ, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(Dataset(made))
    for row, sample in zip(rows, Dataset(made), strict=True):
        sound = soundfile.read(io.BytesIO(bytes.fromhex(row["audio"]["bytes"])), dtype="float32")[0]
        np.testing.assert_array_equal(sound, sample.sound)
        assert np.float32(row["parameters"]).tolist() == sample.point.tolist()
        assert json.loads(row["values"]) == sample.values
        assert row["note"] == vars(sample.note)
        for name in ("id", "preset", "kind", "family", "gain_db"):
            assert row[name] == getattr(sample, name)
        assert (tuple(row["sources"]), tuple(row["tags"])) == (sample.sources, sample.tags)


def test_damage_is_found_by_reading_or_by_checksums(made: Path):
    shard = made / "data" / "train-00001-of-00003.parquet"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)

    with pytest.raises(StorageError, match=r"train-00001-of-00003\.parquet: missing or damaged"):
        list(Dataset(made))
    assert list(Dataset(made).damaged()) == ["data/train-00001-of-00003.parquet"]


@pytest.mark.parametrize("gone", ["train-00000-of-00003.parquet", "train-00002-of-00003.parquet"])
def test_a_set_with_a_missing_shard_is_not_read(made: Path, gone: str):
    (made / "data" / gone).unlink()

    with pytest.raises(StorageError, match="not a finished data set; it has 2 shards"):
        Dataset(made)


def test_an_empty_folder_is_no_data_set(tmp_path: Path):
    with pytest.raises(StorageError, match="not a finished data set"):
        Dataset(tmp_path)


def test_without_pyarrow_one_line_says_how_to_get_it(tmp_path: Path):
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from patchflow.cli import run\n"
        "sys.exit(run(['dataset', 'recipes/datasets/tone.toml', '-o', 'x']))"
    )
    root = Path(patchflow.__file__).parents[1]

    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == "patchflow: data sets need the package 'pyarrow': pip install 'patchflow[data]'\n"
