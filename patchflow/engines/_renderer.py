"""Renders many presets on all cores, while torch keeps to one thread.

Training leaves torch all of them. Matching, evaluating and making data render on all cores at the same time, and keep
torch to one thread meanwhile.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np

from ..errors import PresetError, RenderError
from ..presets import Preset
from ._engine import Engine, Note

__all__ = ["INAUDIBLE", "Renderer", "Started", "Stateful", "one_torch_thread", "render_or_silence", "start_playing"]

_AHEAD = 4  # items per thread that are taken before they are needed
_JOB = 2  # of these, renders that go to a thread together, see `benchmarks/rendering.py`

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
        self._made = threading.local()  # of each thread, its engine: one belongs to one thread

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
        return self._map(work, items, _AHEAD * self.threads)

    def _map(self, work: Callable[[Engine, X], Y], items: Iterable[X], ahead: int) -> Iterator[Y]:
        pending: deque[Future[Y]] = deque()
        source = iter(items)
        try:
            for item in islice(source, ahead):
                pending.append(self._pool.submit(self._run, work, item))
            while pending:
                result = pending.popleft().result()
                # Before the result is given out, so that no core waits while the reader works.
                for item in islice(source, 1):
                    pending.append(self._pool.submit(self._run, work, item))
                yield result
        finally:  # the reader may stop anywhere
            for future in pending:
                future.cancel()

    def each(self, work: Callable[[Engine], Y]) -> list[Y]:
        """Returns `work(engine)` for the engine of every thread, all at the same time.

        Args:
            work: Called once on each thread with that thread's engine.
        """
        # Nobody begins before all threads have come, so that no thread takes the work of another.
        together = threading.Barrier(self.threads)

        def meet() -> Y:
            together.wait()
            return self._run(lambda engine, _: work(engine), None)

        futures = [self._pool.submit(meet) for _ in range(self.threads)]
        return [future.result() for future in futures]

    def render(self, points: Sequence[np.ndarray] | np.ndarray, notes: Sequence[Note], rate: int) -> list[np.ndarray]:
        """Renders points and notes pairwise; results in the order of the arguments."""
        return list(self.stream(zip(points, notes, strict=True), rate))

    def stream(self, items: Iterable[tuple[np.ndarray, Note]], rate: int) -> Iterator[np.ndarray]:
        """Yields the sounds of points and notes, in order."""

        def play(engine: Engine, job: list[tuple[np.ndarray, Note]]) -> list[np.ndarray]:
            return [engine.render(point, note, rate) for point, note in job]

        for sounds in self._map(play, _jobs(items), _AHEAD * self.threads // _JOB):
            yield from sounds

    def _run(self, work: Callable[[Engine, X], Y], item: X) -> Y:
        engine = getattr(self._made, "engine", None)
        if engine is None:
            engine = self._made.engine = self.make()
        return work(engine, item)


def _jobs(items: Iterable[X]) -> Iterator[list[X]]:
    """Groups items, without taking more of them than a job needs."""
    source = iter(items)
    while job := list(islice(source, _JOB)):
        yield job


def _cores() -> int:
    """The cores this process may use, which a container or `taskset` may have made fewer."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Started(NamedTuple):
    """A synth that is being started.

    Args:
        renderer: Plays it.
        ready: Done when it can play on every thread; failed if it cannot be started.
    """

    renderer: Renderer
    ready: "Future[None]"


def start_playing(engine: type[Engine], rate: int, preset: Preset | None = None) -> Started:
    """Starts a synth on every thread of a renderer, and has it play a very short note; does not wait for it.

    Args:
        engine: The synth.
        rate: At which it will play, in Hz.
        preset: What presets will be built on; nothing if None.
    """
    renderer = Renderer(engine)
    point = engine.space.default() if preset is None else engine.space.encode(preset.values)

    def play(engine: Engine) -> None:
        if preset is not None:
            engine.build_on(preset.state)
        with suppress(RenderError):  # this one preset may be one that the synth cannot play
            engine.render(point, Note(length=0.05, hold=0.05), rate)

    def start() -> None:
        renderer.each(play)

    beside = ThreadPoolExecutor(1)
    ready = beside.submit(start)
    beside.shutdown(wait=False)
    return Started(renderer, ready)


class Stateful(Engine):
    """An engine whose points end with a preset's number, so that each is played on a state of its own.

    Args:
        engine: The synth.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._states: Sequence[bytes] = ()
        self._failed: dict[int, str] = {}
        self._heard: Callable[[int, Note, np.ndarray], None] = _forget
        self._on = -1

    def turn_to(
        self,
        states: Sequence[bytes],
        failed: dict[int, str],
        heard: "Callable[[int, Note, np.ndarray], None] | None" = None,
    ) -> None:
        """Takes other presets.

        Args:
            states: Of each, by its number.
            failed: Is told by number why a preset cannot be played.
            heard: Called with number, note and sound of whatever is played; on the thread that plays it.
        """
        self._states = states
        self._failed = failed
        self._heard = heard or _forget
        self._on = -1

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note; see `Engine.render`."""
        number = int(point[-1])
        try:
            if self._engine.has_state and number != self._on:
                self._engine.build_on(self._states[number])
                self._on = number
            sound = self._engine.render(point[:-1], note, rate)
        except (PresetError, RenderError) as error:
            self._failed.setdefault(number, str(error))
            raise RenderError(str(error)) from error
        self._heard(number, note, sound)
        return sound


def _forget(number: int, note: Note, sound: np.ndarray) -> None:
    del number, note, sound


INAUDIBLE = 1e-3
"""Peak below which a sound counts as silent: -60 dB."""


def render_or_silence(engine: Engine, point: np.ndarray, note: Note, rate: int) -> np.ndarray:
    """Plays one note, see `Engine.render`; silence if the synth refuses, crashes or hangs on the preset."""
    try:
        return engine.render(point, note, rate)
    except RenderError:
        return np.zeros(note.samples(rate), np.float32)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keeps torch to one thread, and gives back as many as before at the end, however it ends.

    A `Renderer` has a thread on every core, and each of them computes features of its own small sounds. By default
    torch would split every such operation over all cores once more: as many threads again, which wait for each other
    and take the cores away from the synths. So whoever renders and computes at the same time does it within this.

    One of these may be within another. Do not use it on two threads of Python at once: the one that ends first would
    give the threads back while the other still works.

    Example:
        >>> import torch
        >>> before = torch.get_num_threads()
        >>> with one_torch_thread():
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    # Imported here: whoever only imports this module, such as the command line, need not wait for torch.
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
