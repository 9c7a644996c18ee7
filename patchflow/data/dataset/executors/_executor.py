"""The interface of executors, which make the shards of a data set."""

import abc
from collections.abc import Callable, Iterable
from types import TracebackType

from ....progress import ProgressCallback
from ..job import Job

__all__ = ["Executor"]


class Executor(abc.ABC):
    """Makes the items of shards and packs them, somewhere.

    The same job gives the same bytes wherever and in whatever order it is done.

    Args:
        workers: Number of items or shards that are made at once; one a core if not given.
        address: Address of a cluster, for executors that use one.

    Raises:
        OptionError: By the constructor, if an argument is not allowed or a cluster cannot be reached.
        MissingDependency: By the constructor, if an optional package is not installed.

    Example:
        >>> # with executors["local"]() as executor: executor.run(job, [0, 1], keep=write, progress=print)
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        self.workers = workers
        self.address = address

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abc.abstractmethod
    def run(
        self, job: Job, shards: Iterable[int], keep: Callable[[int, bytes], None], progress: ProgressCallback
    ) -> None:
        """Makes shards.

        Args:
            job: The recipe and its presets.
            shards: Numbers of the shards to make.
            keep: Called with the number and the packed items of each finished shard, by one thread at a time.
            progress: Called with the number of items of these shards that are done, and of all of them.

        Raises:
            EngineError: If the synth cannot be loaded.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Releases workers and connections."""
