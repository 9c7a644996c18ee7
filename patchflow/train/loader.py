"""The batches of a run, one step ahead of it, and how rendered spectrograms are made like recordings."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter
from types import TracebackType

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..models import Batch
from .training_data import Items, load_batch

__all__ = ["Loader", "augment"]

_SEEDS = 1_000_003  # steps of one seed do not meet those of the next

_FLOOR_DB = 80.0


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


def augment(mel: Float[Tensor, "B F N"], generator: torch.Generator, *, share: float = 0.5) -> Float[Tensor, "B F N"]:
    """Returns inputs of which about `share` went through a random recording chain.

    Works on powers, where reverberation smears each band in time and noise adds.

    Args:
        mel: Levels from 0 to 1, see `features.inputs.levels.model_input`.
        generator: Random generator.
        share: Share of items that are changed at all.
    """
    rows = torch.nonzero(torch.rand(len(mel), generator=generator) < share)[:, 0]
    power = 10 ** (_FLOOR_DB / 10 * (mel[rows] - 1)) * (mel[rows] > 0)
    for change, chance in ((_late, 0.4), (_room, 0.3), (_cut, 0.3), (_filter, 0.5), (_noise, 0.6)):
        some = torch.nonzero(torch.rand(len(rows), generator=generator) < chance)[:, 0]
        if len(some):
            power[some] = change(power[some], generator)
    peak = power.amax((1, 2), keepdim=True).clamp_min(1e-12)
    changed = mel.clone()
    changed[rows] = (1 + 10 / _FLOOR_DB * torch.log10(power / peak + 1e-12)).clamp(0, 1)
    return changed


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, 1, 1, generator=generator)


def _late(power: Tensor, generator: torch.Generator) -> Tensor:
    """Starts one frame early or up to two late, as a trimmed recording does."""
    count, bands, frames = power.shape
    shift = torch.randint(-1, 3, (count, 1, 1), generator=generator)
    source = torch.arange(frames) - shift
    moved = power.gather(2, source.clamp(0, frames - 1).expand(count, bands, frames))
    return moved * ((source >= 0) & (source < frames))


def _room(power: Tensor, generator: torch.Generator) -> Tensor:
    """Adds an exponential tail of 0.1 to 1.2 s, 3 to 25 dB below the direct sound."""
    count, _, frames = power.shape
    # Reverberation times are to -60 dB, which is 13.8 natural units of power, and a frame is 512 samples at 22,050 Hz.
    decay = _uniform(count, 0.1, 1.2, generator) * 22_050 / 512 / 13.8  # frames to fall by 1/e in power
    level = 10 ** (_uniform(count, -25, -3, generator) / 10)
    lag = torch.arange(frames)
    tail = torch.exp(-lag / decay) * level / decay * (lag > 0)
    spectrum = torch.fft.rfft(power, 2 * frames) * torch.fft.rfft(tail, 2 * frames)
    return (power + torch.fft.irfft(spectrum, 2 * frames)[..., :frames]).clamp_min(0)


def _cut(power: Tensor, generator: torch.Generator) -> Tensor:
    """Ends the recording somewhere after 0.3 s; a sound that only begins later stays whole."""
    count, _, frames = power.shape
    end = _uniform(count, 0.075, 1.0, generator) * frames
    cut = power * (torch.arange(frames) < end)
    audible = cut.amax((1, 2), keepdim=True) > 1e-3 * power.amax((1, 2), keepdim=True)
    return torch.where(audible, cut, power)


def _filter(power: Tensor, generator: torch.Generator) -> Tensor:
    """Tilts by up to 12 dB and rolls off one or both ends."""
    count, bands, _ = power.shape
    band = torch.linspace(0, 1, bands)[None, :, None]
    gain = _uniform(count, -12, 12, generator) * (band - 0.5)
    gain = gain - 150 * (band - _uniform(count, 0.5, 1.3, generator)).clamp_min(0)
    gain = gain - 150 * (_uniform(count, -0.4, 0.15, generator) - band).clamp_min(0)
    return power * 10 ** (gain / 10)


def _noise(power: Tensor, generator: torch.Generator) -> Tensor:
    """Adds steady noise of random colour, 35 to 75 dB below the loudest point."""
    count, bands, _ = power.shape
    band = torch.linspace(0, 1, bands)[None, :, None]
    colour = _uniform(count, -30, 15, generator) * (band - 0.5)
    level = 10 ** ((_uniform(count, -75, -35, generator) + colour) / 10)
    ripple = torch.empty_like(power).normal_(generator=generator).mul(0.4).exp()
    return power + level * ripple * power.amax((1, 2), keepdim=True)
