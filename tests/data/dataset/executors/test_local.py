"""The local executor: threads of this machine, and errors where they belong."""

from pathlib import Path

import numpy as np
import pytest

from patchflow.data.dataset import Job, read_pool
from patchflow.data.dataset.executors import executors
from patchflow.data.dataset.parquet import packed
from patchflow.engines import Engine, Note
from patchflow.engines.tone import Tone
from patchflow.errors import EngineError, OptionError, StorageError, UnknownName
from patchflow.progress import Progress


@pytest.fixture
def job(recipe) -> Job:
    return Job(recipe(), read_pool(recipe(), Tone()))


@pytest.mark.parametrize("workers", [1, 3, None])
def test_shards_are_packed_items(job: Job, workers: int | None):
    kept: dict[int, bytes] = {}

    with executors["local"](workers) as executor:
        executor.run(job, [2, 0], kept.__setitem__, lambda _: None)

    assert list(kept) == [2, 0]
    for shard, data in kept.items():
        assert data == packed(job, job.items(Tone(), job.recipe.numbers(shard)))


def test_progress_counts_every_item(job: Job):
    told: list[Progress] = []

    with executors["local"](2) as executor:
        executor.run(job, [0, 1], lambda *_: None, told.append)

    assert [(progress.done, progress.total) for progress in told] == [(8, 32), (16, 32), (24, 32), (32, 32)]


def test_what_cannot_be_kept_stops_the_run(job: Job):
    def keep(shard: int, data: bytes) -> None:
        raise StorageError("cannot write: no space left on device")

    with executors["local"](2) as executor, pytest.raises(StorageError, match="no space left"):
        executor.run(job, [0, 1, 2], keep, lambda _: None)


def test_a_synth_that_cannot_be_loaded_stops_the_run(job: Job, monkeypatch: pytest.MonkeyPatch):
    def render(self: Engine, point: np.ndarray, note: Note, rate: int) -> np.ndarray:
        raise EngineError("tone: cannot be loaded")

    monkeypatch.setattr(Tone, "render", render)

    with executors["local"](2) as executor, pytest.raises(EngineError, match="cannot be loaded"):
        executor.run(job, [0], lambda *_: None, lambda _: None)


def test_an_address_is_refused():
    with pytest.raises(OptionError, match="address='10.0.0.1:6379': executor 'local' uses this machine only"):
        executors["local"](address="10.0.0.1:6379")


def test_no_workers_are_refused():
    with pytest.raises(OptionError, match="workers=0: not at least 1"):
        executors["local"](0)


def test_an_unknown_executor_is_named(tmp_path: Path):
    with pytest.raises(UnknownName, match="no executor named 'slurm'. Known: local, ray."):
        executors["slurm"]
