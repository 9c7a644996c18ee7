"""Items that are rendered anew while they are used."""

import time
from pathlib import Path

import numpy as np
import pytest

from patchflow.data.cache import Cache, Stream, fill_cache
from patchflow.data.sampler import Sampler
from patchflow.engines import Engine, engines

Tone = engines["tone"]


@pytest.fixture
def sampler() -> Sampler:
    points = np.random.default_rng(0).uniform(0.5, 1, (16, len(Tone.space)))
    return Sampler(Tone.space, points, np.full(16, 1 / 16))


@pytest.fixture
def cache(tmp_path: Path, sampler: Sampler) -> Cache:
    fill_cache(tmp_path, Tone, sampler, 8)
    return Cache(tmp_path)


def test_stream_starts_as_the_cache(cache: Cache, sampler: Sampler):
    stream = Stream(cache, Tone, sampler)

    assert len(stream) == len(cache)
    np.testing.assert_array_equal(stream.points, cache.points)


def test_stream_renews_its_items_and_leaves_the_cache(cache: Cache, sampler: Sampler):
    before = np.array(cache.notes)
    with Stream(cache, Tone, sampler, block=4) as stream:
        deadline = time.monotonic() + 60
        while stream.rendered < 24 and time.monotonic() < deadline:
            time.sleep(0.01)

    assert (stream.notes != before).any(axis=1).mean() > 0.5  # a few may be drawn alike
    np.testing.assert_array_equal(cache.notes, before)


def test_failure_of_the_engine_reaches_the_reader(cache: Cache, sampler: Sampler):
    def broken() -> Engine:
        raise OSError("no engine")

    with Stream(cache, broken, sampler) as stream:
        stream._thread.join(60)

    with pytest.raises(OSError, match="no engine"):
        len(stream)
