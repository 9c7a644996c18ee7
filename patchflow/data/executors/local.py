"""All cores of this machine."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import torch

from ...engines import Engine, Renderer, engines
from ...errors import OptionError
from ..making.job import Item, Job
from ..making.tables import packed
from ._executor import Executor

__all__ = ["Local"]


class Local(Executor):
    """Threads of this process, one engine each: engines let others run while they render, or wait for a host."""

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        if address:
            raise OptionError(f"address={address!r}: executor 'local' uses this machine only; give --executor ray")
        if workers is not None and workers < 1:
            raise OptionError(f"workers={workers}: not at least 1")
        super().__init__(workers)

    def run(
        self, job: Job, shards: Iterable[int], keep: Callable[[int, bytes], None], progress: Callable[[int], None]
    ) -> None:
        """Makes shards one after the other; while one is packed and kept, the next is begun. See `Executor.run`."""

        def make(engine: Engine, number: int) -> Item:
            return job.item(engine, number)

        def finish(shard: int, items: list[Item]) -> None:
            keep(shard, packed(job, items))

        shards = list(shards)
        numbers = (number for shard in shards for number in job.recipe.numbers(shard))
        threads, last = torch.get_num_threads(), Future[None]()
        last.set_result(None)
        torch.set_num_threads(1)  # the threads of the renderer fill the cores
        try:
            with ThreadPoolExecutor(1) as writer, Renderer(engines[job.recipe.synth], self.workers) as renderer:
                made = renderer.map(make, numbers)
                for shard in shards:
                    items = [_counted(item, progress) for item in islice(made, len(job.recipe.numbers(shard)))]
                    last.result()
                    last = writer.submit(finish, shard, items)
                last.result()
        finally:
            torch.set_num_threads(threads)

    def close(self) -> None:
        """Holds nothing between runs."""


def _counted(item: Item, progress: Callable[[int], None]) -> Item:
    progress(1)
    return item
