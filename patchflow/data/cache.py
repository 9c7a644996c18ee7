"""A cache of rendered training items on disk: features, parameters, notes; resumable block by block."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..errors import StorageError
from ..features.input import INPUT_LENGTH, INPUT_RATE, input_shape, model_input
from ..storage import write_atomically
from .sampler import Sampler

__all__ = ["Cache", "fill_cache"]

_BLOCK = 1024
_JOB = 8  # items a thread renders before it turns them into features: they fit its processor cache
_INAUDIBLE = 1e-3  # peak, -60 dB


class Cache:
    """The items rendered so far in a folder that `fill_cache` fills.

    Args:
        folder: Where the cache lies.

    Raises:
        StorageError: If there is no cache.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        try:
            self.count = json.loads((folder / "done.json").read_text())["items"]
            self.mels = np.load(folder / "mels.npy", mmap_mode="r")
            self.points = np.load(folder / "points.npy", mmap_mode="r")
            self.notes = np.load(folder / "notes.npy", mmap_mode="r")
        except (OSError, ValueError, KeyError) as error:
            raise StorageError(f"{folder}: not a cache of rendered items ({error})") from error

    def __len__(self) -> int:
        return self.count


def fill_cache(
    folder: str | Path,
    make: Callable[[], Engine],
    sampler: Sampler,
    items: int,
    *,
    seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Renders items until the cache holds `items`; goes on where an interrupted call stopped.

    Block k depends on `seed` and k alone, so the content does not depend on interruptions.

    Args:
        folder: Where the cache lies; made if missing.
        make: Makes an engine.
        sampler: Draws presets and notes.
        items: Number of items in the end, rounded up to whole blocks of 1,024.
        seed: Of all chance.
        progress: Called with the number of items done after every block.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    blocks = -(-items // _BLOCK)
    arrays = {
        "mels": _open(folder / "mels.npy", (blocks * _BLOCK, *input_shape()), np.uint8),
        "points": _open(folder / "points.npy", (blocks * _BLOCK, len(sampler.space)), np.float32),
        "notes": _open(folder / "notes.npy", (blocks * _BLOCK, 3), np.float32),
    }
    state = folder / "done.json"
    done = json.loads(state.read_text())["items"] // _BLOCK if state.exists() else 0
    with Renderer(make) as renderer:
        for block in range(done, blocks):
            rows = slice(block * _BLOCK, (block + 1) * _BLOCK)
            for key, values in _render_block(renderer, sampler, np.random.default_rng((seed, block))).items():
                arrays[key][rows] = values
                arrays[key].flush()
            write_atomically(state, json.dumps({"items": rows.stop, "seed": seed}).encode())
            progress(rows.stop)


def _render_block(renderer: Renderer, sampler: Sampler, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Renders one block; silent presets are replaced by others."""
    spare = _BLOCK // 4
    while True:
        points = renderer.make().canonical(sampler.draw(_BLOCK + spare, rng)).astype(np.float32)
        notes = sampler.notes(len(points), rng, INPUT_LENGTH)
        jobs = [(points[i : i + _JOB], notes[i : i + _JOB]) for i in range(0, len(points), _JOB)]
        mels = np.concatenate(list(renderer.map(_hear, jobs)))
        heard = np.nonzero(mels.any((1, 2)))[0][:_BLOCK]
        if len(heard) == _BLOCK:
            table = np.array([(note.pitch, note.velocity, note.hold) for note in notes], np.float32)
            return {"mels": mels[heard], "points": points[heard], "notes": table[heard]}
        spare *= 2


def _hear(engine: Engine, job: tuple[np.ndarray, list[Note]]) -> np.ndarray:
    """Renders a few items and returns their features as bytes; all 0 if inaudible."""
    sounds = np.stack([engine.render(point, note, INPUT_RATE) for point, note in zip(*job, strict=True)])
    features = model_input(torch.from_numpy(sounds), INPUT_RATE)
    mels = (features * 255).round().to(torch.uint8).numpy()
    mels[np.abs(sounds).max(1) < _INAUDIBLE] = 0
    return mels


def _open(path: Path, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Opens the file, keeping the rows it has if it was made smaller."""
    if path.exists():
        old = np.load(path, mmap_mode="r+")
        if old.shape == shape:
            return old
        raise StorageError(f"{path}: holds {old.shape[0]} items, not {shape[0]}; remove the folder or give its size")
    return np.lib.format.open_memmap(path, "w+", dtype, shape)
