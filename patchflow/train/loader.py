"""The batches of a run, one step ahead of it."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter
from types import TracebackType

import numpy as np
import torch

from ..data.augment import augment
from ..models import Batch
from .training_data import Items, load_batch

__all__ = ["Loader"]

_SEEDS = 1_000_003  # steps of one seed do not meet those of the next


class Loader:
    """Batches, each decided by the seed and the number of its step alone.

    A thread makes the next one while the model learns from this one.

    Args:
        items: What to take them from.
        input: The input that the sounds were made into, see `features.inputs`.
        batch: Items a step; no more than there are.
        seed: Seed of their order and of the augmentation.
        shuffled: Whether every item is seen once an epoch; else each batch is drawn from all.
        augmented: Share of items that are made to sound recorded rather than rendered, 0 to 1.
        device: Where batches go.

    Attributes:
        epoch: Steps it takes to see every item; what is left, less than a batch, is left out, other items every time.
        waited: Seconds that were spent waiting for batches.

    Example:
        >>> # with Loader(items, "paper", batch=64) as loader: batch = loader.take(step)
    """

    def __init__(
        self,
        items: Items,
        input: str,
        *,
        batch: int,
        seed: int = 0,
        shuffled: bool = False,
        augmented: float = 0.0,
        device: str = "cpu",
    ) -> None:
        self._items = items
        self._input = input
        self._device = device
        self._batch = min(batch, len(items)) if shuffled else batch
        self._seed = seed
        self._shuffled = shuffled
        self._augmented = augmented
        self.epoch = max(1, len(items) // self._batch)
        self.waited = 0.0
        self._order_of = -1  # the epoch that `_order` is of
        self._order = np.empty(0, int)
        self._next: tuple[int, Future[Batch]] | None = None  # a step, and its batch as soon as that is made
        # one thread, so that batches are made one after the other; torch's own threads are for the model
        self._thread = ThreadPoolExecutor(1, "loader", torch.set_num_threads, (1,))

    def __enter__(self) -> "Loader":
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
        coming = self._next
        if coming is None or coming[0] != step:
            coming = (step, self._make_soon(step))
        batch = coming[1].result()
        self._next = (step + 1, self._make_soon(step + 1))
        self.waited += perf_counter() - start
        return batch

    def take_some(self, step: int, count: int) -> Batch:
        """Returns the first items of the batch of a step, not augmented.

        Args:
            step: Its number, from 0.
            count: How many.
        """
        rows = self._rows(step, torch.Generator().manual_seed(0))[:count]
        return load_batch(self._items, np.sort(rows), self._input).to(self._device)

    def _make_soon(self, step: int) -> "Future[Batch]":
        return self._thread.submit(self._make, step)

    def _make(self, step: int) -> Batch:
        # Everything random about a batch comes from this generator or the seed of its epoch, never from a state that
        # grows from step to step. So a resumed run gets the batches that it would have had.
        generator = torch.Generator().manual_seed(self._seed * _SEEDS + step)
        rows = np.sort(self._rows(step, generator))  # in the order of the file, which is faster to read
        batch = load_batch(self._items, rows, self._input)
        if self._augmented:
            batch = replace(batch, mel=augment(batch.mel, generator, share=self._augmented))
        return batch.to(self._device)

    def _rows(self, step: int, generator: torch.Generator) -> np.ndarray:
        """The numbers of the items of a step's batch, shape `(B,)`."""
        if not self._shuffled:
            return torch.randint(len(self._items), (self._batch,), generator=generator).numpy()
        epoch, place = divmod(step, self.epoch)
        if self._order_of != epoch:
            rng = np.random.default_rng((self._seed, epoch))
            self._order = rng.permutation(len(self._items))
            self._order_of = epoch
        return self._order[place * self._batch : (place + 1) * self._batch]
