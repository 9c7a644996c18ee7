"""A cache of rendered training items on disk: features, parameters, notes; resumable block by block."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..errors import PresetError, StorageError
from ..features.inputs.levels import INPUT_LENGTH, INPUT_RATE, input_shape, model_input
from ..progress import Progress, ProgressCallback, ignore
from ..storage import reason, write_atomically
from .sampler import Sampler

__all__ = ["Cache", "fill_cache", "render_block"]

_TYPES = {"mels": np.uint8, "points": np.float32, "notes": np.float32}
_BLOCK = 1024
_JOB = 8  # items a thread renders before it turns them into features: they fit its processor cache
_MOST_SILENT = 0.98  # share of inaudible presets above which it is hopeless


class Cache:
    """The items rendered so far in a folder that `fill_cache` fills.

    Args:
        folder: Where the cache lies.

    Raises:
        StorageError: If there is no cache, or it is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        self.count = _read_done(folder, {})[0]
        self.mels, self.points, self.notes = (_load(folder / f"{name}.npy") for name in _TYPES)
        if not 0 < self.count <= min(len(self.mels), len(self.points), len(self.notes)):
            raise StorageError(f"{folder}: not a cache of rendered items (items={self.count}). Remove it.")

    def __len__(self) -> int:
        return self.count

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns copies of the mels, points and notes of some items."""
        return self.mels[rows], self.points[rows], self.notes[rows]


def fill_cache(
    folder: str | Path,
    make: Callable[[], Engine],
    sampler: Sampler,
    items: int,
    *,
    seed: int = 0,
    progress: ProgressCallback = ignore,
) -> None:
    """Renders items until the cache holds `items`; goes on where an interrupted call stopped.

    Block k depends on `seed` and k alone, so the content does not depend on interruptions.

    Args:
        folder: Where the cache lies; made if missing.
        make: Makes an engine.
        sampler: Draws presets and notes.
        items: Number of items in the end; more than 1,024 are rounded up to whole blocks of that many.
        seed: Of all chance.
        progress: Told the number of items done after every block.

    Raises:
        StorageError: If the folder cannot be written, is damaged, or holds another number of items or
            items of another seed or of other shares of a sampler.
        PresetError: If hardly any preset can be heard.
    """
    folder, block = Path(folder), min(items, _BLOCK)
    blocks = -(-items // block)
    origin = {"seed": seed, "shares": list(sampler.shares)}
    done, found = _read_done(folder, origin)
    for name, value in origin.items():
        if found[name] != value:
            raise StorageError(f"{folder}: holds items of {name}={found[name]}, not {value}. Give another folder.")
    shapes = {"mels": input_shape(), "points": (len(sampler.space),), "notes": (3,)}
    arrays = {
        name: (_open if done else _make)(folder / f"{name}.npy", (blocks * block, *shape), _TYPES[name])
        for name, shape in shapes.items()
    }
    with Renderer(make) as renderer:
        for k in range(done // block, blocks):
            rows = slice(k * block, (k + 1) * block)
            for name, values in render_block(renderer, sampler, block, np.random.default_rng((seed, k))).items():
                arrays[name][rows] = values
                arrays[name].flush()
            write_atomically(folder / "done.json", json.dumps({"items": rows.stop, **origin}).encode())
            progress(Progress("render", rows.stop, blocks * block, "items"))


def render_block(renderer: Renderer, sampler: Sampler, block: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Renders one block of items; silent presets are replaced by others.

    Args:
        renderer: Its threads also make the features.
        sampler: Draws presets and notes.
        block: Number of items.
        rng: Source of chance.

    Returns:
        `"mels"` uint8 `(block, F, N)`, `"points"` float32 `(block, P)`, `"notes"` float32 `(block, 3)`.

    Raises:
        PresetError: If hardly any preset can be heard.
    """
    spare = max(1, block // 4)
    while True:
        engine = renderer.make()
        points = engine.arranged(engine.canonical(sampler.draw(block + spare, rng))).astype(np.float32)
        notes = sampler.notes(len(points), rng, INPUT_LENGTH)
        jobs = [(points[i : i + _JOB], notes[i : i + _JOB]) for i in range(0, len(points), _JOB)]
        mels = np.concatenate(list(renderer.map(_hear, jobs)))
        heard = np.nonzero(mels.any((1, 2)))[0][:block]
        if len(heard) == block:
            table = np.array([(note.pitch, note.velocity, note.hold) for note in notes], np.float32)
            return {"mels": mels[heard], "points": points[heard], "notes": table[heard]}
        if len(heard) < (1 - _MOST_SILENT) * len(points):
            raise PresetError(f"only {len(heard)} of {len(points)} presets can be heard: give others to learn from")
        spare *= 2


def _hear(engine: Engine, job: tuple[np.ndarray, list[Note]]) -> np.ndarray:
    """Renders a few items and returns their features as bytes; all 0 if inaudible."""
    sounds = np.stack([render_or_silence(engine, point, note, INPUT_RATE) for point, note in zip(*job, strict=True)])
    features = model_input(torch.from_numpy(sounds), INPUT_RATE)
    mels = (features * 255).round().to(torch.uint8).numpy()
    mels[np.abs(sounds).max(1) < INAUDIBLE] = 0
    return mels


def _read_done(folder: Path, origin: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Returns how many items are done and where they come from; none, from `origin`, if there is no cache yet."""
    try:
        state = json.loads((folder / "done.json").read_text())
        return int(state["items"]), {name: state[name] for name in ("seed", "shares")}
    except FileNotFoundError:
        return 0, origin
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{folder}: not a cache of rendered items ({error}). Remove it.") from error


def _load(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise StorageError(f"{path}: missing or damaged ({error}). Remove the folder.") from error


def _open(path: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    found = _load(path)  # for reading first: opened for writing, a truncated file is silently lengthened
    if (found.shape, found.dtype) != (shape, dtype):
        raise StorageError(f"{path}: holds {found.dtype} of {found.shape}, not {shape}. Remove the folder.")
    return np.load(path, mmap_mode="r+")


def _make(path: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        array = np.lib.format.open_memmap(path, "w+", dtype, shape)
        if hasattr(os, "posix_fallocate"):  # a disk that fills up under a memory map would kill the process
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {reason(error)}") from error
    return array
