"""Fills all cores with renders."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np

from ._engine import Engine, Note

__all__ = ["Renderer"]

_JOB = 8  # renders a thread hands over at once: one by one they cost up to a fifth more

X = TypeVar("X")
Y = TypeVar("Y")


class Renderer:
    """Renders many presets on a pool of threads, one engine a thread.

    Engines in C++ release the interpreter lock while they render, so threads fill all cores.

    Args:
        make: Makes an engine, e.g. its class.
        threads: Number of threads; all cores if not given.

    Raises:
        ValueError: If `threads` is less than 1.

    Example:
        >>> from patchflow.engines import Note, engines
        >>> Tone = engines["tone"]
        >>> with Renderer(Tone, threads=2) as renderer:
        ...     sounds = renderer.render([Tone.space.default()] * 3, [Note(length=0.1)] * 3, rate=8_000)
        >>> [len(sound) for sound in sounds]
        [800, 800, 800]
    """

    def __init__(self, make: Callable[[], Engine], threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads={threads}: not at least 1")
        self.make = make
        self.threads = threads or _cores()
        self._pool = ThreadPoolExecutor(self.threads)
        self._local = threading.local()

    def __enter__(self) -> "Renderer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drops what is queued and waits for the renders under way."""
        self._pool.shutdown(cancel_futures=True)

    def map(self, work: Callable[[Engine, X], Y], items: Iterable[X]) -> Iterator[Y]:
        """Yields `work(engine, item)` for every item, in order, never more than a few ahead of the reader.

        Args:
            work: Called on a thread of the pool with that thread's engine.
            items: Taken as they are needed.
        """
        pending: deque[Future[Y]] = deque()
        source = iter(items)
        try:
            for item in islice(source, 4 * self.threads):
                pending.append(self._pool.submit(self._run, work, item))
            while pending:
                result = pending.popleft().result()
                for item in islice(source, 1):
                    pending.append(self._pool.submit(self._run, work, item))
                yield result
        finally:
            for future in pending:
                future.cancel()

    def render(self, points: Sequence[np.ndarray] | np.ndarray, notes: Sequence[Note], rate: int) -> list[np.ndarray]:
        """Renders points and notes pairwise; results in the order of the arguments."""
        share = min(_JOB, -(-len(notes) // self.threads)) or 1  # a few renders go to all threads
        return list(self._stream(zip(points, notes, strict=True), rate, share))

    def stream(self, items: Iterable[tuple[np.ndarray, Note]], rate: int) -> Iterator[np.ndarray]:
        """Yields the sounds of points and notes, in order."""
        return self._stream(items, rate, _JOB)

    def _stream(self, items: Iterable[tuple[np.ndarray, Note]], rate: int, share: int) -> Iterator[np.ndarray]:
        source = iter(items)
        jobs = iter(lambda: list(islice(source, share)), [])
        for sounds in self.map(lambda engine, job: [engine.render(*item, rate) for item in job], jobs):
            yield from sounds

    def _run(self, work: Callable[[Engine, X], Y], item: X) -> Y:
        if not hasattr(self._local, "engine"):
            self._local.engine = self.make()
        return work(self._local.engine, item)


def _cores() -> int:
    """The cores this process may use, which a container or `taskset` may have made fewer."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
