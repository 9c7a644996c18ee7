"""The batches of a run, one step ahead of it."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter
from types import TracebackType

import numpy as np
import torch

from ..data.augment import augment
from ..models import Batch
from .training_data import Items, load

__all__ = ["Feed"]


class Feed:
    """Batches, each decided by the seed and the number of its step alone.

    A thread makes the next one while the model learns from this one.

    Args:
        items: What to take them from.
        hears: What was made of the sounds.
        batch: Items a step; no more than there are.
        seed: Of their order and of the augmentation.
        shuffled: Whether every item is seen once an epoch; else each batch is drawn from all.
        augmented: Share of items that sound recorded rather than rendered.
        device: Where batches go.

    Attributes:
        epoch: Steps it takes to see every item; a rest smaller than a batch is left out, another one every time.
        waited: Seconds that were spent waiting for batches.

    Example:
        >>> # with Feed(items, "paper", batch=64) as feed: batch = feed.take(step)
    """

    def __init__(
        self,
        items: Items,
        hears: str,
        *,
        batch: int,
        seed: int = 0,
        shuffled: bool = False,
        augmented: float = 0.0,
        device: str = "cpu",
    ) -> None:
        self._items, self._hears, self._device = items, hears, device
        self._batch = min(batch, len(items)) if shuffled else batch
        self._seed, self._shuffled, self._augmented = seed, shuffled, augmented
        self.epoch = max(1, len(items) // self._batch)
        self.waited = 0.0
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, int))
        self._next: tuple[int, Future[Batch]] | None = None
        self._thread = ThreadPoolExecutor(1, "feed", torch.set_num_threads, (1,))

    def __enter__(self) -> "Feed":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def take(self, step: int) -> Batch:
        """Returns the batch of a step and begins with the next.

        Args:
            step: Its number, from 0.
        """
        start = perf_counter()
        waiting = self._next if self._next and self._next[0] == step else (step, self._make_soon(step))
        batch = waiting[1].result()
        self._next = (step + 1, self._make_soon(step + 1))
        self.waited += perf_counter() - start
        return batch

    def take_some(self, step: int, count: int) -> Batch:
        """Returns the first items of the batch of a step, as they are.

        Args:
            step: Its number, from 0.
            count: How many.
        """
        rows = self._rows(step, torch.Generator().manual_seed(0))[:count]
        return load(self._items, np.sort(rows), self._hears).to(self._device)

    def _make_soon(self, step: int) -> "Future[Batch]":
        return self._thread.submit(self._make, step)

    def _make(self, step: int) -> Batch:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + step)
        batch = load(self._items, np.sort(self._rows(step, generator)), self._hears)
        if self._augmented:
            batch = replace(batch, mel=augment(batch.mel, generator, share=self._augmented))
        return batch.to(self._device)

    def _rows(self, step: int, generator: torch.Generator) -> np.ndarray:
        if not self._shuffled:
            return torch.randint(len(self._items), (self._batch,), generator=generator).numpy()
        epoch, place = divmod(step, self.epoch)
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng((self._seed, epoch)).permutation(len(self._items)))
        return self._order[1][place * self._batch : (place + 1) * self._batch]
