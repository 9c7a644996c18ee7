"""A cache in memory whose blocks are replaced by newly rendered ones while a model trains on it."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType

import numpy as np

from ..engines import Engine, Renderer
from .cache import Cache, render_block
from .sampler import Sampler

__all__ = ["Stream"]


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
