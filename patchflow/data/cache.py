"""Rendered training items: on disk, resumable block by block; or in memory, where blocks are replaced by new ones."""

import json
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..errors import PresetError, StorageError
from ..features.inputs.levels import INPUT_LENGTH, INPUT_RATE, input_shape, model_input
from ..parsing import MOST_TEXT, damage_named, json_value, map_array
from ..progress import Progress, ProgressCallback, ignore
from ..storage import locked, read_bytes, reason, write_atomically
from .sampler import Sampler

__all__ = ["Cache", "Stream", "fill_cache", "render_block"]

_TYPES = {"mels": np.uint8, "points": np.float32, "notes": np.float32}
_BLOCK = 1024
_JOB = 8  # items that a thread renders before it makes their model inputs: they fit its processor cache
_MOST_SILENT = 0.98  # share of inaudible presets above which filling a block would take too long


class Cache:
    """The items rendered so far in a folder that `fill_cache` fills.

    Args:
        folder: Folder of the cache.

    Attributes:
        mels: Model inputs as bytes, 255 for 1, uint8, shape `(N, F, n)`; on disk until they are used.
        points: Encoded presets, float32, shape `(N, P)`.
        notes: MIDI pitch, MIDI velocity and seconds held, float32, shape `(N, 3)`.

    Raises:
        StorageError: If there is no cache, or it is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        self.count, _ = _read_done(folder, {})
        self.mels = _load(folder / "mels.npy")
        self.points = _load(folder / "points.npy")
        self.notes = _load(folder / "notes.npy")
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
        folder: Folder of the cache; made if missing.
        make: Makes an engine.
        sampler: Draws presets and notes.
        items: Number of items in the end; more than 1,024 are rounded up to whole blocks of that many.
        seed: Seed of all random draws.
        progress: Called after every block with the number of items done.

    Raises:
        StorageError: If the folder cannot be written, is damaged, or holds another number of items or
            items of another seed or of other shares of a sampler; or if another process fills it.
        PresetError: If hardly any preset can be heard.
    """
    with locked(folder):
        _fill(Path(folder), make, sampler, items, seed=seed, progress=progress)


def _fill(
    folder: Path, make: Callable[[], Engine], sampler: Sampler, items: int, *, seed: int, progress: ProgressCallback
) -> None:
    block = min(items, _BLOCK)
    blocks = -(-items // block)
    origin = {"seed": seed, "shares": list(sampler.shares)}
    done, found = _read_done(folder, origin)
    for name, value in origin.items():
        if found[name] != value:
            raise StorageError(f"{folder}: holds items of {name}={found[name]}, not {value}. Give another folder.")
    shapes = {"mels": input_shape(), "points": (len(sampler.space),), "notes": (3,)}
    open_array = _open if done else _make
    arrays: dict[str, np.memmap] = {}
    for name, shape in shapes.items():
        arrays[name] = open_array(folder / f"{name}.npy", (blocks * block, *shape), _TYPES[name])
    with Renderer(make) as renderer:
        for k in range(done // block, blocks):
            rows = slice(k * block, (k + 1) * block)
            rng = np.random.default_rng((seed, k))
            for name, values in render_block(renderer, sampler, block, rng).items():
                arrays[name][rows] = values
                arrays[name].flush()
            # Only after the flush: a block that `done.json` counts is on disk, one that it does not is rendered again.
            write_atomically(folder / "done.json", json.dumps({"items": rows.stop, **origin}).encode())
            progress(Progress("render", rows.stop, blocks * block, "items"))


def render_block(renderer: Renderer, sampler: Sampler, block: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Renders one block of items; silent presets are replaced by others.

    Args:
        renderer: Its threads also make the model inputs.
        sampler: Draws presets and notes.
        block: Number of items.
        rng: Random generator.

    Returns:
        `"mels"` uint8 `(block, F, N)`, `"points"` float32 `(block, P)`, `"notes"` float32 `(block, 3)`.

    Raises:
        PresetError: If hardly any preset can be heard.
    """
    # A quarter more than wanted are drawn, so that the audible ones fill the block in most cases. If they do not, the
    # whole block is drawn again with twice the spare, by the same generator: the block depends on its seed alone.
    spare = max(1, block // 4)
    while True:
        engine = renderer.make()
        points = engine.canonical(sampler.draw(block + spare, rng))
        points = engine.sorted_parts(points).astype(np.float32)
        notes = sampler.notes(len(points), rng, INPUT_LENGTH)
        jobs = [(points[i : i + _JOB], notes[i : i + _JOB]) for i in range(0, len(points), _JOB)]
        mels = np.concatenate(list(renderer.map(_render, jobs)))
        audible = np.nonzero(mels.any((1, 2)))[0][:block]
        if len(audible) == block:
            table = np.array([(note.pitch, note.velocity, note.hold) for note in notes], np.float32)
            return {"mels": mels[audible], "points": points[audible], "notes": table[audible]}
        if len(audible) < (1 - _MOST_SILENT) * len(points):
            raise PresetError(f"only {len(audible)} of {len(points)} presets can be heard: give others to learn from")
        spare *= 2


def _render(engine: Engine, job: tuple[np.ndarray, list[Note]]) -> np.ndarray:
    """Renders a few items and returns their model inputs as bytes; all 0 if inaudible."""
    points, notes = job
    sounds = []
    for point, note in zip(points, notes, strict=True):
        sounds.append(render_or_silence(engine, point, note, INPUT_RATE))
    stacked = np.stack(sounds)
    inputs = model_input(torch.from_numpy(stacked), INPUT_RATE)
    mels = (inputs * 255).round().to(torch.uint8).numpy()
    mels[np.abs(stacked).max(1) < INAUDIBLE] = 0
    return mels


def _read_done(folder: Path, origin: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Returns the number of items done and their origin; 0 and `origin` if there is no cache yet."""
    path = folder / "done.json"
    if not path.exists():
        return 0, origin
    with damage_named(folder, hint="Remove it.", is_what="not a cache of rendered items"):
        state = json_value(read_bytes(path, MOST_TEXT))
        items = int(state["items"])
        if items < 0:
            raise ValueError(f"items={items}")
        return items, {name: state[name] for name in ("seed", "shares")}


def _load(path: Path) -> np.ndarray:
    with damage_named(path, hint="Remove the folder.", is_what="missing or damaged"):
        return map_array(path)


def _open(path: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    # Opened for reading first: NumPy silently lengthens a truncated file that it opens for writing.
    found = _load(path)
    if (found.shape, found.dtype) != (shape, dtype):
        raise StorageError(f"{path}: holds {found.dtype} of {found.shape}, not {shape}. Remove the folder.")
    return map_array(path, "r+")


def _make(path: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        array = np.lib.format.open_memmap(path, "w+", dtype, shape)
        # The file of a new memory map has no space on the disk yet. If the disk is full when it is written to, the
        # kernel kills the process (SIGBUS). So the space is taken now, while a full disk is still an error.
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {reason(error)}") from error
    return array


class Stream:
    """Starts as a copy of a cache; a thread replaces its blocks by new ones as fast as the cores render.

    A model that learns from it sees every item a few times and then never again. What it sees at a given
    step depends on the machine's speed, so runs on a stream are not repeatable to the bit.

    Args:
        cache: The first items; its files are left as they are.
        make: Makes an engine.
        sampler: Draws presets and notes.
        block: Items that are replaced at once.
        seed: Numbers that decide the new items.

    Example:
        >>> # with Stream(cache, engines["dexed"], sampler) as stream: train on stream.mels, .points, .notes
    """

    def __init__(
        self,
        cache: Cache,
        make: Callable[[], Engine],
        sampler: Sampler,
        *,
        block: int = 1024,
        seed: Sequence[int] = (0,),
    ) -> None:
        count = len(cache)
        self.mels = np.array(cache.mels[:count])
        self.points = np.array(cache.points[:count])
        self.notes = np.array(cache.notes[:count])
        self.rendered = count
        self._make = make
        self._sampler = sampler
        self._seed = tuple(seed)
        self._block = min(block, count)
        self._stop = threading.Event()
        self._lock = threading.Lock()  # an item's sound and preset change together
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __len__(self) -> int:
        if self._error is not None:
            raise self._error
        return len(self.mels)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns copies of the mels, points and notes of some items, all of the same renewal."""
        with self._lock:
            return self.mels[rows], self.points[rows], self.notes[rows]

    def __enter__(self) -> "Stream":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _renew(self) -> None:
        slots = len(self.mels) // self._block
        try:
            with Renderer(self._make) as renderer:
                turn = 0
                while not self._stop.is_set():
                    # The cache used (seed, k). The 1 at the end makes these random numbers others than the cache's.
                    rng = np.random.default_rng((*self._seed, turn, 1))
                    first = (turn % slots) * self._block
                    rows = slice(first, first + self._block)
                    block = render_block(renderer, self._sampler, self._block, rng)
                    with self._lock:
                        for name, values in block.items():
                            getattr(self, name)[rows] = values
                    turn += 1
                    self.rendered += self._block
        except BaseException as error:  # noqa: BLE001 - raised again where the items are used
            self._error = error
