"""Makes shards on threads of this machine."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from ....engines import Engine, Renderer, engines, one_torch_thread
from ....errors import OptionError
from ....progress import Progress, ProgressCallback
from ..job import Executor, Item, Job
from ..parquet import packed

__all__ = ["Local"]

_AT_ONCE = 8  # items that a thread gets at once


class Local(Executor):
    """Threads of this process, one engine each: engines let others run while they render, or wait for a host."""

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        if address:
            raise OptionError(f"address={address!r}: executor 'local' uses this machine only; give --executor ray")
        if workers is not None and workers < 1:
            raise OptionError(f"workers={workers}: not at least 1")
        super().__init__(workers)

    def run(
        self, job: Job, shards: Iterable[int], keep: Callable[[int, bytes], None], progress: ProgressCallback
    ) -> None:
        """Makes shards one after the other; the next begins while one is packed and kept. See `Executor.run`."""

        def make(engine: Engine, numbers: range) -> list[Item]:
            return job.items(engine, numbers)

        def finish(shard: int, items: list[Item]) -> None:
            keep(shard, packed(job, items))

        shards = list(shards)
        total = sum(len(job.recipe.numbers(shard)) for shard in shards)
        done = 0
        pieces: list[range] = []
        pieces_of_shard: dict[int, int] = {}
        for shard in shards:
            pieces_of_shard[shard] = len(_pieces(job.recipe.numbers(shard)))
            pieces += _pieces(job.recipe.numbers(shard))

        # One stream of pieces over all shards keeps every thread busy. A shard waits for the one before it to be
        # written, so at most two are in memory, and an error of writing is raised here soon.
        written = Future[None]()
        written.set_result(None)
        renderer = Renderer(engines[job.recipe.synth], self.workers)
        with one_torch_thread(), ThreadPoolExecutor(1) as writer, renderer:
            made = renderer.map(make, pieces)
            for shard in shards:
                items = []
                for piece in islice(made, pieces_of_shard[shard]):
                    items += piece
                    done += len(piece)
                    progress(Progress("render", done, total, "sounds"))
                written.result()
                written = writer.submit(finish, shard, items)
            written.result()

    def close(self) -> None:
        """Does nothing: no thread lives between runs."""


def _pieces(numbers: range) -> list[range]:
    return [numbers[first : first + _AT_ONCE] for first in range(0, len(numbers), _AT_ONCE)]
