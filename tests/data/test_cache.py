"""The cache of rendered items: resumable to the byte, never silent, never a damaged file taken for a good one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from patchflow.data import cache as cache_module
from patchflow.data.cache import Cache, fill_cache
from patchflow.data.sampler import Sampler
from patchflow.engines import Note
from patchflow.engines.tone import Tone
from patchflow.errors import PresetError, StorageError
from patchflow.features.inputs.levels import INPUT_LENGTH, INPUT_RATE, input_shape, model_input
from patchflow.progress import Progress

FILES = ("mels.npy", "points.npy", "notes.npy", "done.json")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_BLOCK", 8)


def sampler(gain: tuple[float, float] = (0.5, 1.0)) -> Sampler:
    """Draws from presets whose encoded gain lies in a range."""
    points = np.random.default_rng(0).random((20, 3))
    points[:, 2] = np.linspace(*gain, 20)
    return Sampler(Tone.space, Tone.space.snap(points), np.full(20, 1 / 20), 1.0, 0.0, 0.0)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_items_are_what_the_engine_plays(tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(gain=(-1.0, 1.0)), 8)  # half are silent and left out
    cache = Cache(tmp_path)

    for mel, point, (pitch, velocity, hold) in zip(cache.mels, cache.points, cache.notes, strict=True):
        note = Note(int(pitch), int(velocity), float(hold), INPUT_LENGTH)
        sound = torch.from_numpy(Tone().render(point, note, INPUT_RATE))
        expected = model_input(sound[None], INPUT_RATE)[0].numpy()
        np.testing.assert_allclose(mel / 255, expected, atol=0.51 / 255)


def test_an_interrupted_cache_ends_up_the_same_to_the_byte(tmp_path: Path):
    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    fill_cache(tmp_path / "whole", Tone, sampler(), 24, seed=3)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fill_cache(tmp_path / "parts", Tone, sampler(), 24, seed=3, progress=stop)
    fill_cache(tmp_path / "parts", Tone, sampler(), 24, seed=3)

    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_block_that_was_half_written_is_written_again(tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(), 16)
    before = contents(tmp_path)
    np.load(tmp_path / "mels.npy", mmap_mode="r+")[8:] = 77
    (tmp_path / "done.json").write_text(json.dumps({"items": 8, "seed": 0, "shares": [1.0, 0.0, 0.0]}))

    fill_cache(tmp_path, Tone, sampler(), 16)

    assert contents(tmp_path) == before


def test_a_full_cache_is_left_alone(tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(), 8)
    heard: list[Progress] = []

    fill_cache(tmp_path, Tone, sampler(), 8, progress=heard.append)

    assert heard == []


def test_progress_counts_items(tmp_path: Path):
    heard: list[Progress] = []

    fill_cache(tmp_path, Tone, sampler(), 20, progress=heard.append)

    assert [(progress.done, progress.total) for progress in heard] == [(8, 24), (16, 24), (24, 24)]
    assert len(Cache(tmp_path)) == 24


def test_another_seed_gives_other_items(tmp_path: Path):
    fill_cache(tmp_path / "a", Tone, sampler(), 8, seed=0)
    fill_cache(tmp_path / "b", Tone, sampler(), 8, seed=1)

    assert contents(tmp_path / "a")["notes.npy"] != contents(tmp_path / "b")["notes.npy"]


def test_silent_presets_never_enter(tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(gain=(-1.0, 1.0)), 16)  # half are at -60 dB, below the threshold

    assert np.asarray(Cache(tmp_path).mels).any((1, 2)).all()
    assert np.asarray(Cache(tmp_path).points)[:, 2].min() > 0


def test_only_silent_presets_are_an_error(tmp_path: Path):
    with pytest.raises(PresetError, match="0 of 10 presets can be heard"):
        fill_cache(tmp_path, Tone, sampler(gain=(0.0, 0.0)), 8)


@pytest.mark.parametrize("name", ["mels.npy", "points.npy", "notes.npy"])
@pytest.mark.parametrize("kept", [0, 60, 0.5, 0.99])
def test_a_truncated_file_is_refused(name: str, kept: float, tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(), 8)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(kept if kept > 1 else kept * len(data))])
    (tmp_path / "done.json").write_text(json.dumps({"items": 4, "seed": 0, "shares": [1.0, 0.0, 0.0]}))

    with pytest.raises(StorageError, match=name):
        Cache(tmp_path)
    with pytest.raises(StorageError, match=name):
        fill_cache(tmp_path, Tone, sampler(), 8)


@pytest.mark.parametrize("state", ["", "{", "[]", "{}", '{"items": "many", "seed": 0}', '{"items": null, "seed": 0}'])
def test_a_damaged_state_is_refused(state: str, tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(), 8)
    (tmp_path / "done.json").write_text(state)

    with pytest.raises(StorageError, match="not a cache"):
        Cache(tmp_path)
    with pytest.raises(StorageError, match="not a cache"):
        fill_cache(tmp_path, Tone, sampler(), 8)


def test_a_state_that_promises_too_much_is_refused(tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(), 8)
    (tmp_path / "done.json").write_text(json.dumps({"items": 9, "seed": 0, "shares": [1.0, 0.0, 0.0]}))

    with pytest.raises(StorageError, match="items=9"):
        Cache(tmp_path)


def test_an_empty_folder_is_no_cache(tmp_path: Path):
    with pytest.raises(StorageError):
        Cache(tmp_path)


def test_another_number_of_items_is_refused(tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(), 8)

    with pytest.raises(StorageError, match=r"\(8, 80, 173\), not \(16, 80, 173\)"):
        fill_cache(tmp_path, Tone, sampler(), 16)


def test_items_of_another_mixture_are_refused(tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(), 8)

    with pytest.raises(StorageError, match=r"shares=\[1.0, 0.0, 0.0\], not \[0.5, 0.5, 0.0\]"):
        fill_cache(tmp_path, Tone, replace(sampler(), bank=0.5, crossed=0.5), 8)


def test_another_seed_is_refused(tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(), 8, seed=1)

    with pytest.raises(StorageError, match="seed=1, not 2"):
        fill_cache(tmp_path, Tone, sampler(), 8, seed=2)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="file"):
        fill_cache(tmp_path / "file" / "cache", Tone, sampler(), 8)


def test_a_full_disk_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full, raising=False)

    with pytest.raises(StorageError, match="no space left on device"):
        fill_cache(tmp_path, Tone, sampler(), 8)


def test_the_shape_is_the_models_input(tmp_path: Path):
    fill_cache(tmp_path, Tone, sampler(), 8)

    assert Cache(tmp_path).mels.shape == (8, *input_shape())
